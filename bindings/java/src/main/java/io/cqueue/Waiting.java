package io.cqueue;

/**
 * Waiting that can be interrupted: slice by slice, looking in between whether the thread was interrupted. A thread sleeps in a slice
 * and is woken at once by what it waits for, by {@link CQueue#cancel} and by closing.
 */
final class Waiting {
    static final long SLICE_NS = 20_000_000;
    static final long FOR_EVER = Long.MAX_VALUE;

    private Waiting() {}

    /** A call that waits for up to `timeoutNs`, or tries once if that is 0. */
    interface Attempt<T> {
        /** {@return null: nothing yet} */
        T run(long timeoutNs);
    }

    /** {@return what the attempt returned, or null when the time was over} */
    static <T> T until(long timeoutNs, Attempt<T> attempt) throws InterruptedException {
        long start = System.nanoTime();
        T result = null;
        long slice = 0;
        do {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            result = attempt.run(slice);
            slice = Math.min(timeoutNs - (System.nanoTime() - start), SLICE_NS);
        } while (result == null && slice > 0);
        return result;
    }
}
