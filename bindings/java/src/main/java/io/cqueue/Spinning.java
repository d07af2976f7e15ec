package io.cqueue;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Trying for a moment before sleeping: what another process sends may come sooner than a sleep and a wake take. It is
 * done by one thread at a time, and where it was worth it lately.
 */
final class Spinning {
    private static final long LONGEST_NS = 25_000; // about what a sleep and a wake take, there and back
    private static final int PATIENCE = 8; // so often in a row it may be in vain ...
    private static final int SELDOM = 64; // ... until only one wait in so many tries it

    private final AtomicBoolean busy = new AtomicBoolean();

    // Of the thread that made it busy.
    private int inVain;
    private int skipped;

    /** {@return what the attempt returned, or null: not in this time} */
    <T> T run(Waiter.Attempt<T> attempt) {
        if (!busy.compareAndSet(false, true)) {
            return null;
        }
        try {
            if (inVain >= PATIENCE && ++skipped < SELDOM) {
                return null;
            }
            skipped = 0;
            T result = null;
            for (long start = System.nanoTime(); result == null && System.nanoTime() - start < LONGEST_NS; ) {
                Thread.onSpinWait();
                result = attempt.run();
            }
            inVain = result != null ? 0 : Math.min(inVain + 1, PATIENCE);
            return result;
        } finally {
            busy.set(false);
        }
    }
}
