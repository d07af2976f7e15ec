package io.cqueue;

import java.util.AbstractList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Messages that were taken together and are being read in place, at least once: what is not released is delivered
 * again.
 *
 * <pre>{@code
 * try (ReceivedBatch messages = queue.pollInPlace(64, 1, TimeUnit.SECONDS)) {
 *     for (Received message : messages) {
 *         handle(message.buffer());
 *         message.release();
 *     }
 * }
 * }</pre>
 *
 * <p>Closed, it gives back those that were not released. It cannot be changed.
 */
public final class ReceivedBatch extends AbstractList<Received> implements AutoCloseable {
    private final List<Received> messages;

    ReceivedBatch(List<Received> messages) {
        this.messages = messages;
    }

    @Override
    public Received get(int index) {
        return messages.get(index);
    }

    @Override
    public int size() {
        return messages.size();
    }

    /** Done with all that are still held: they are gone. What fails for one is thrown once all were released. */
    public void release() {
        endAll(message -> {
            if (message.isHeld()) {
                message.release();
            }
        });
    }

    /** Give back those that are still held. */
    @Override
    public void close() {
        endAll(Received::close);
    }

    private void endAll(Consumer<Received> how) {
        RuntimeException first = null;
        for (Received message : messages) {
            try {
                how.accept(message);
            } catch (CQueueException | QueueClosedException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
