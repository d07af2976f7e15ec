package io.cqueue;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.locks.LockSupport;

/**
 * Waiting of a thread, platform or virtual: it tries for a moment, where that was worth it lately, and then is parked
 * until it is told by a {@link Watcher}, or sleeps itself on behalf of it. Interrupting, closing and cancelling end it
 * at once. Memory for a message is waited for as room is, and
 * so is the place of the only consumer.
 */
final class Waiting {
    static final long FOR_EVER = Long.MAX_VALUE;

    private static final MethodHandle IS_VIRTUAL = isVirtualHandle(); // null: no thread is

    private Waiting() {}

    private static MethodHandle isVirtualHandle() {
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
        } catch (ReflectiveOperationException e) {
            return null; // before Java 21
        }
    }

    private static boolean isVirtual() {
        try {
            return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(Thread.currentThread());
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static final class Parked<T> extends Waiter<T> {
        private final Thread thread = Thread.currentThread();

        Parked(Attempt<T> attempt) {
            super(attempt);
        }

        @Override
        void ended() {
            if (thread != Thread.currentThread()) {
                LockSupport.unpark(thread);
            }
        }
    }

    /** {@return what the attempt returned, or null when it timed out} */
    static <T> T until(Handle handle, Watcher.Side side, long timeoutNs, Waiter.Attempt<T> attempt)
            throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (timeoutNs <= 0) {
            return attempt.run();
        }
        Waiter.Attempt<T> patient = () -> runPatiently(attempt);
        long start = System.nanoTime();
        T result = patient.run();
        if (result == null) {
            result = side.spin(patient);
        }
        boolean canLead = !isVirtual();
        while (result == null) {
            Parked<T> waiter = new Parked<>(patient);
            boolean interrupted = side.add(waiter, canLead)
                    ? side.lead(waiter, timeoutNs, start)
                    : park(waiter, timeoutNs, start);
            boolean left = side.leave(waiter);
            if (waiter.failure() instanceof CQueueException.DiskFailure failure) {
                throw failure; // it is done, so not to be tried again
            }
            // Woken for nothing by this time, or about to be: one last try, so that what it was woken for is not left
            // lying.
            result = waiter.served() != null ? waiter.served() : left && !interrupted ? attempt.run() : patient.run();
            if (result == null) {
                if (interrupted) {
                    throw new InterruptedException();
                }
                if (left) {
                    return null;
                }
                // If it is none that is thrown, the attempt failed for the watcher and not for this thread: wait on.
                handle.check(waiter.result(), 0);
            } else if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        return result;
    }

    private static <T> T runPatiently(Waiter.Attempt<T> attempt) {
        try {
            return attempt.run();
        } catch (CQueueException.NoSpace | CQueueException.NotTheConsumer e) {
            return null;
        }
    }

    /** Until it has ended or timed out. {@return whether the thread was interrupted before} */
    private static boolean park(Parked<?> waiter, long timeoutNs, long start) {
        while (!waiter.hasEnded()) {
            if (Thread.interrupted()) {
                return true;
            }
            if (timeoutNs == FOR_EVER) {
                LockSupport.park(waiter);
            } else {
                long left = timeoutNs - (System.nanoTime() - start);
                if (left <= 0) {
                    return false;
                }
                LockSupport.parkNanos(waiter, left);
            }
        }
        return false;
    }
}
