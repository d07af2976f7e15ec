package io.cqueue;

import java.util.Map;

/**
 * A message that a {@link Codec} cannot decode. The cause is what the codec threw. See
 * {@link PoisonHandler} for what becomes of such a message.
 */
@SuppressWarnings("serial") // nothing in it but text, bytes and numbers
public final class DecodeException extends RuntimeException {
    private final byte[] data;
    private final long position;
    private final int deliveries;
    private final String queue;
    private final Map<String, byte[]> headers;

    DecodeException(String queue, byte[] data, long position, int deliveries, Map<String, byte[]> headers,
            Throwable cause) {
        super("\"" + queue + "\": a message of " + Text.count(data.length, "byte") + " cannot be decoded (delivery "
                + deliveries + "): " + cause, cause);
        this.data = data;
        this.position = position;
        this.deliveries = deliveries;
        this.queue = queue;
        this.headers = headers;
    }

    String queue() {
        return queue;
    }

    Map<String, byte[]> headers() {
        return headers;
    }

    /** {@return the message's bytes} */
    public byte[] data() {
        return data.clone();
    }

    /** {@return what identifies the message, also when it is delivered again} */
    public long position() {
        return position;
    }

    /** {@return how often it was delivered, this time included, at most 255; 0 if it was only looked at} */
    public int deliveries() {
        return deliveries;
    }
}
