package io.cqueue;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
     * One that keeps a message until it has been delivered often enough, and then moves it to another queue. Its headers
     * go along, and why it is there (cq-dead-letter: undecodable, cq-queue, cq-deliveries), if that queue takes them,
     * see {@link Options#maxHeaders}.
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
        return message -> message.deliveries() >= maxDeliveries && bury(queue, message) ? Verdict.DROP : Verdict.KEEP;
    }

    private static boolean bury(CQueue dead, DecodeException message) {
        Map<String, byte[]> why = new LinkedHashMap<>();
        why.put("cq-dead-letter", "undecodable".getBytes(StandardCharsets.UTF_8));
        why.put("cq-queue", message.queue().getBytes(StandardCharsets.UTF_8));
        why.put("cq-deliveries", Integer.toString(message.deliveries()).getBytes(StandardCharsets.UTF_8));
        Map<String, byte[]> all = new LinkedHashMap<>(why);
        all.putAll(message.headers());
        for (Map<String, byte[]> headers : List.of(all, why)) {
            try {
                return dead.offer(message.data(), headers);
            } catch (CQueueException.MessageTooBig | CQueueException.NotCreatedForThis e) {
                continue; // with fewer, or with none
            }
        }
        return dead.offer(message.data());
    }
}
