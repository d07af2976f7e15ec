package io.cqueue;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Sleeps in C on behalf of all who wait on one handle, so that they can be parked in Java: any number of them costs
 * nothing while nothing comes, and a virtual thread gives its carrier away.
 *
 * <p>On each side of the queue one thread sleeps in cq_wait or cq_wait_room, and only while somebody waits there,
 * because a message wakes one sleeper of all processes. Woken, it does what the first one waits for and tells that one
 * alone, so each message wakes one thread. It is the thread that waits, if that is the only one and no virtual one:
 * then nobody needs to be told. Else it is a thread of the watcher's own, made when it is needed first.
 *
 * <p>It must know a Handle and no CQueue, so that a forgotten queue can be closed. (One thread for all queues would
 * have to watch their descriptors, each of which has a helper thread in C that is woken first: more threads, and a hop
 * more.)
 */
final class Watcher {
    private static final int STACK = 256 * 1024;
    private static final int HASTY = 4; // times that it was woken for nothing before it slows down
    private static final long SLOWEST_NS = 1_000_000;

    private final Handle handle;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    final Side messages = new Side("messages", RawJNI::cq_wait, RawJNI::cq_wait_pass_on);
    final Side room = new Side("room", RawJNI::cq_wait_room, RawJNI::cq_wait_room_pass_on);

    // All of them changed under the lock.
    private boolean cancelled; // by the user
    private boolean closed;
    private boolean kicked; // cq_cancel was called, and its effect stands: nobody sleeps in C

    Watcher(Handle handle) {
        this.handle = handle;
    }

    private interface Sleep {
        int call(long queue, long timeoutNs);
    }

    /** Those who wait for messages, or those who wait for room. */
    final class Side {
        private final String what;
        private final Sleep sleep;
        private final Call passOnInC;
        private final Set<Waiter<?>> waiters = new LinkedHashSet<>(); // first come, first served; removed from anywhere
        private boolean watched; // there is a thread of the watcher's own
        private volatile boolean led; // one of those who wait sleeps in C, for all
        private volatile boolean asleep; // somebody is in C, or on the way
        private boolean unwanted; // and is to come out
        private int misses; // only for the one who sleeps
        private boolean owes; // the same: it was woken, and nobody here has used that
        private final Spinning spinning = new Spinning();

        private Side(String what, Sleep sleep, Call passOn) {
            this.what = what;
            this.sleep = sleep;
            passOnInC = passOn;
        }

        /** Try for a moment, unless others wait already: one that spins would only be in their way. A hint. */
        <T> T spin(Waiter.Attempt<T> attempt) {
            return led || asleep ? null : spinning.run(attempt);
        }

        /**
         * It will be served, or ended, unless it leaves.
         *
         * @return whether the caller, which could do so, has to {@link #lead}
         */
        boolean add(Waiter<?> waiter, boolean canLead) {
            boolean leads = false;
            int result = Raw.CQ_OK;
            lock.lock();
            try {
                if (closed || cancelled) {
                    result = Raw.CQ_CANCELLED;
                } else {
                    leads = canLead && waiters.isEmpty() && !asleep && !led;
                    if (leads) {
                        led = true;
                    } else if (waiters.isEmpty()) {
                        rouse();
                    }
                    waiters.add(waiter);
                }
            } finally {
                lock.unlock();
            }
            handle.check(result, 0);
            return leads;
        }

        /** {@return whether it left; false: it has ended} */
        boolean leave(Waiter<?> waiter) {
            boolean left = waiter.leave();
            lock.lock();
            try {
                waiters.remove(waiter);
                if (waiters.isEmpty() && asleep && !unwanted) {
                    expel();
                }
            } finally {
                lock.unlock();
            }
            return left;
        }

        /**
         * Sleep in C for all, until the caller's own wait has ended or timed out. {@return whether it was interrupted
         * before}
         */
        boolean lead(Waiter<?> own, long timeoutNs, long start) {
            Interruption interruption = new Interruption(this::interrupt);
            try {
                while (!own.hasEnded()) {
                    long left = timeoutNs == Waiting.FOR_EVER
                            ? -1 : Math.max(0, timeoutNs - (System.nanoTime() - start));
                    if (left == 0) {
                        return false;
                    }
                    if (Thread.interrupted()) {
                        return true;
                    }
                    if (!goToSleep(true)) {
                        own.end(Raw.CQ_CANCELLED);
                    } else {
                        act(interruption.call(() -> inC(queue -> sleep.call(queue, left))), own);
                    }
                }
                return false;
            } catch (QueueClosedException e) {
                own.end(Raw.CQ_CANCELLED);
                return false;
            } finally {
                follow(own);
            }
        }

        /** The one who led waits no more: others may still. */
        private void follow(Waiter<?> leader) {
            lock.lock();
            try {
                led = false;
                wakeUp();
                waiters.remove(leader);
                if (!waiters.isEmpty()) {
                    rouse();
                } else if (owes) {
                    passOn();
                }
            } finally {
                lock.unlock();
            }
        }

        private void rouse() {
            if (watched) {
                changed.signalAll();
                return;
            }
            Thread thread = new Thread(null, this::watch, "cqueue " + handle.name() + " " + what, STACK, false);
            thread.setDaemon(true);
            thread.setContextClassLoader(null); // it may outlive who started it
            thread.start();
            watched = true;
        }

        private void watch() {
            try {
                while (goToSleep(false)) {
                    act(inC(queue -> sleep.call(queue, -1)), null);
                }
            } catch (QueueClosedException e) {
                return; // whoever closed it has ended all waits
            } catch (OutOfMemoryError e) {
                endAll(Raw.CQ_ENOMEM);
                lock.lock();
                try {
                    watched = false;
                    wakeUp();
                } finally {
                    lock.unlock();
                }
            }
        }

        /**
         * Before a sleep in C: wait until it is wanted, and until all have come out of C who were to. {@return false:
         * no sleep, because it was closed; or cancelled, for one who leads}
         */
        private boolean goToSleep(boolean leads) {
            lock.lock();
            try {
                wakeUp();
                while (!closed && (isSomebodyExpelled() || !leads && (waiters.isEmpty() || led || cancelled))) {
                    if (owes && waiters.isEmpty()) {
                        passOn();
                    }
                    changed.awaitUninterruptibly();
                }
                if (closed || cancelled) {
                    return false;
                }
                allowSleep();
                asleep = true;
                owes = false; // it looks before it sleeps
                return true;
            } finally {
                lock.unlock();
            }
        }

        /** The caller has come out of C, or was not there. With the lock. */
        private void wakeUp() {
            asleep = false;
            unwanted = false;
            changed.signalAll();
        }

        /** After a sleep in C, which ended with a result. */
        private void act(int result, Waiter<?> own) {
            if (result == Raw.CQ_OK) {
                misses = serve(own) ? 0 : misses + 1;
                if (misses > HASTY) {
                    LockSupport.parkNanos(Math.min(SLOWEST_NS, 1000L << Math.min(misses, 20)));
                }
            } else if (result != Raw.CQ_CANCELLED && result != Raw.CQ_TIMEOUT) {
                endAll(result);
            }
        }

        /**
         * Serve those who wait, in their order, as long as there is something; or until `own` has ended. {@return
         * whether any}
         */
        private boolean serve(Waiter<?> own) {
            boolean any = false;
            Waiter.Service last = Waiter.Service.ENDED;
            Waiter<?> waiter = next(null);
            while (waiter != null && (last = waiter.serve()) != Waiter.Service.NOTHING) {
                any |= last == Waiter.Service.SERVED;
                waiter = waiter == own ? null : next(waiter);
            }
            owes = !any && last == Waiter.Service.ENDED;
            return any;
        }

        /** Others' sleepers were not told of what this one was woken for, and nobody here wants it. With the lock. */
        private void passOn() {
            owes = false;
            try {
                inC(passOnInC);
            } catch (QueueClosedException e) {
                return; // closing wakes whoever sleeps
            }
        }

        private Waiter<?> next(Waiter<?> ended) {
            lock.lock();
            try {
                if (ended != null) {
                    waiters.remove(ended);
                }
                Iterator<Waiter<?>> first = waiters.iterator();
                return first.hasNext() ? first.next() : null;
            } finally {
                lock.unlock();
            }
        }

        private void endAll(int result) {
            List<Waiter<?>> all;
            lock.lock();
            try {
                all = new ArrayList<>(waiters);
                waiters.clear();
            } finally {
                lock.unlock();
            }
            for (Waiter<?> waiter : all) {
                waiter.end(result);
            }
        }

        /** The thread that leads was interrupted. */
        private void interrupt() {
            lock.lock();
            try {
                if (led && asleep) {
                    expel();
                }
            } finally {
                lock.unlock();
            }
        }

        /** Get whoever sleeps out of C. With the lock. */
        private void expel() {
            unwanted = true;
            try {
                kick();
            } catch (QueueClosedException e) {
                return; // closing gets everybody out
            }
        }
    }

    private boolean isSomebodyExpelled() {
        return messages.unwanted || room.unwanted;
    }

    /** Get everybody out of C, who may go back unless they are unwanted. With the lock. */
    private void kick() {
        handle.check(inC(RawJNI::cq_cancel), 0);
        kicked = true;
    }

    /** End all waits, and those to come. */
    void cancel() {
        lock.lock();
        try {
            kick();
            cancelled = true;
            messages.unwanted = messages.asleep;
            room.unwanted = room.asleep;
        } finally {
            lock.unlock();
        }
        messages.endAll(Raw.CQ_CANCELLED);
        room.endAll(Raw.CQ_CANCELLED);
    }

    void resetCancel() {
        lock.lock();
        try {
            handle.enter();
            handle.exit();
            cancelled = false; // C is told by who sleeps there next
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** After CQ_CANCELLED. {@return whether that was for another one's sake, so that the call may go on} */
    boolean goesOn() {
        lock.lock();
        try {
            while (!closed && isSomebodyExpelled()) {
                changed.awaitUninterruptibly();
            }
            if (closed || cancelled) {
                return false;
            }
            allowSleep();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** With the lock, and nobody is to come out of C. */
    private void allowSleep() {
        if (kicked) {
            inC(RawJNI::cq_cancel_reset);
            kicked = false;
        }
    }

    /** The handle is being closed: nobody enters it any more. */
    void close(long queue) {
        lock.lock();
        try {
            closed = true;
            RawJNI.cq_cancel(queue);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        messages.endAll(Raw.CQ_CANCELLED);
        room.endAll(Raw.CQ_CANCELLED);
    }

    private interface Call {
        int run(long queue);
    }

    private int inC(Call call) {
        long queue = handle.enter();
        try {
            return call.run(queue);
        } finally {
            handle.exit();
        }
    }
}
