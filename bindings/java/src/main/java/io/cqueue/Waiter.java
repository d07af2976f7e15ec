package io.cqueue;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Somebody who waits until a call succeeds. It ends once: served by a {@link Watcher}, ended by one, or left by whoever
 * waits.
 *
 * <p>It must not know how anybody is told: its subclasses do.
 */
abstract class Waiter<T> {
    private static final int WAITING = 0;
    private static final int SERVING = 1; // the watcher is trying, which takes as long as a copy
    private static final int ENDED = 2;

    private final Attempt<T> attempt;
    private final AtomicInteger state = new AtomicInteger(WAITING);

    // Written before `state` says that it ended, read afterwards.
    private T served;
    private Throwable failure;
    private int result = Raw.CQ_OK;

    /** A call that does not wait. */
    interface Attempt<T> {
        /** {@return null: there is nothing, or no room} */
        T run();
    }

    /** What came of a watcher's attempt. */
    enum Service {
        /** It has what it waited for. */
        SERVED,
        /** It had left, or its call failed: what the watcher was woken for is still there. */
        ENDED,
        /** There is nothing for it, so for none that waits. */
        NOTHING
    }

    Waiter(Attempt<T> attempt) {
        this.attempt = attempt;
    }

    /** It ended, by a watcher: tell whoever waits. */
    abstract void ended();

    /** For the watcher. */
    final Service serve() {
        if (!state.compareAndSet(WAITING, SERVING)) {
            return Service.ENDED;
        }
        try {
            served = attempt.run();
        } catch (Throwable e) { // whatever it is, it belongs to the one who waits
            failure = e;
        }
        boolean over = served != null || failure != null;
        state.set(over ? ENDED : WAITING);
        if (!over) {
            return Service.NOTHING;
        }
        Service service = served != null ? Service.SERVED : Service.ENDED;
        ended();
        return service;
    }

    /** For the watcher: nothing will come. `why`: a result of C. */
    final void end(int why) {
        if (claimEnd(why)) {
            ended();
        }
    }

    /** For the one who waits: not any more. {@return false: it had ended already} */
    final boolean leave() {
        return claimEnd(Raw.CQ_TIMEOUT);
    }

    private boolean claimEnd(int why) {
        // Only the one who ends it may say why, so it is kept from others first; they wait for the moment that it
        // takes.
        while (!state.compareAndSet(WAITING, SERVING)) {
            if (state.get() == ENDED) {
                return false;
            }
            Thread.yield();
        }
        result = why;
        state.set(ENDED);
        return true;
    }

    final boolean hasEnded() {
        return state.get() == ENDED;
    }

    /** {@return what it was served with, or null}, once it has ended. */
    final T served() {
        return served;
    }

    /** {@return what the call threw, or null}, once it has ended. */
    final Throwable failure() {
        return failure;
    }

    /** {@return a result of C, or CQ_OK if it was served or failed}, once it has ended. */
    final int result() {
        return result;
    }
}
