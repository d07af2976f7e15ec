package io.cqueue;

import java.nio.charset.StandardCharsets;

/**
 * Turns objects into messages and back, for {@link CQueue#asBlockingQueue}. Used by many threads at once.
 *
 * @param <T> the objects
 */
public interface Codec<T> {
    /**
     * The message of an object.
     *
     * @param object not null
     * @return its bytes
     */
    byte[] encode(T object);

    /**
     * The object of a message.
     *
     * @param message its bytes
     * @return not null
     */
    T decode(byte[] message);

    /** {@return strings as UTF-8} */
    static Codec<String> utf8() {
        return new Codec<>() {
            @Override
            public byte[] encode(String object) {
                return object.getBytes(StandardCharsets.UTF_8);
            }

            @Override
            public String decode(byte[] message) {
                return new String(message, StandardCharsets.UTF_8);
            }
        };
    }
}
