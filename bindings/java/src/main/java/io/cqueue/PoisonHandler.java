package io.cqueue;

import java.util.Objects;

/**
 * Says what becomes of a message that was received and cannot be decoded, see {@link CQueue#typed(Codec,
 * PoisonHandler)}.
 */
@FunctionalInterface
public interface PoisonHandler {
    /** What becomes of the message. */
    enum Verdict {
        /** It is given back, so it is delivered again before newer ones, and the {@link DecodeException} is thrown. */
        KEEP,
        /** It is gone, and the next one is received. */
        DROP
    }

    /**
     * Judge a message, which is held meanwhile.
     *
     * @param message its bytes, how often it was delivered, and why it cannot be decoded
     * @return what becomes of it
     */
    Verdict judge(DecodeException message);

    /** {@return one that keeps every message. The default} */
    static PoisonHandler keep() {
        return message -> Verdict.KEEP;
    }

    /** {@return one that drops every message} */
    static PoisonHandler drop() {
        return message -> Verdict.DROP;
    }

    /**
     * One that keeps a message until it has been delivered often enough, and then moves it to another queue.
     *
     * @param queue for the messages that nobody can decode. If it is full, a message is kept
     * @param maxDeliveries 1 to 255; 1: it is moved at once
     * @return the handler
     */
    static PoisonHandler deadLetters(CQueue queue, int maxDeliveries) {
        Objects.requireNonNull(queue, "queue");
        if (maxDeliveries < 1 || maxDeliveries > 255) {
            throw new IllegalArgumentException("after " + maxDeliveries + " deliveries: it is 1 to 255");
        }
        return message -> message.deliveries() >= maxDeliveries && queue.offer(message.data())
                ? Verdict.DROP : Verdict.KEEP;
    }
}
