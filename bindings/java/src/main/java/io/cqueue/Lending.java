package io.cqueue;

import java.util.Spliterator;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * What a stream of loans is made of: one is taken after the other, as they are asked for. One that is held still when
 * the next is asked for, when its consumer fails or when the stream is closed is given back.
 *
 * <p>It must not know what is lent: it is told how to take and to give back.
 *
 * @param <T> what is lent
 */
final class Lending<T> implements Spliterator<T> {
    private final Source<T> source;
    private final Consumer<? super T> giveBack;
    private T lent; // null: none

    /** Waits for the next one. */
    interface Source<T> {
        T take() throws InterruptedException;
    }

    private Lending(Source<T> source, Consumer<? super T> giveBack) {
        this.source = source;
        this.giveBack = giveBack;
    }

    /** It ends when the queue is closed, the wait is cancelled or the thread is interrupted, which it stays. */
    static <T> Stream<T> stream(Source<T> source, Consumer<? super T> giveBack) {
        Lending<T> lending = new Lending<>(source, giveBack);
        return StreamSupport.stream(lending, false).onClose(lending::settle);
    }

    private void settle() {
        T last = lent;
        lent = null;
        if (last != null) {
            giveBack.accept(last);
        }
    }

    @Override
    public boolean tryAdvance(Consumer<? super T> action) {
        settle();
        try {
            lent = source.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (QueueClosedException | CQueueException.Cancelled e) {
            return false;
        }
        try {
            action.accept(lent);
        } catch (Throwable e) {
            try {
                settle();
            } catch (CQueueException | QueueClosedException too) {
                e.addSuppressed(too);
            }
            throw e;
        }
        return true;
    }

    /** They are taken one after the other. */
    @Override
    public Spliterator<T> trySplit() {
        return null;
    }

    @Override
    public long estimateSize() {
        return Long.MAX_VALUE;
    }

    @Override
    public int characteristics() {
        return ORDERED | NONNULL;
    }
}
