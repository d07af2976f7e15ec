package io.cqueue;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;

/**
 * What is to be done when an object was forgotten: it is garbage, and nobody has ended it. As with a {@link
 * java.lang.ref.Cleaner}, at a fraction of its cost, which is as much as a message takes.
 *
 * <p>One thread waits for what the garbage collector tells, as long as there is something that could be forgotten; so
 * it keeps no class loader for longer. It must not know what the objects are, nor lead to them.
 */
abstract class Remembered extends PhantomReference<Object> {
    private static final int STACK = 256 * 1024;
    private static final long IDLE_MS = 1000; // after which the thread ends, if there is nothing

    private static final ReferenceQueue<Object> GARBAGE = new ReferenceQueue<>();
    private static final Object LOCK = new Object();

    // Under the lock.
    private static Remembered first; // all that have not ended: what cannot be reached is not told of
    private static boolean watched;
    private Remembered previous;
    private Remembered next;
    private boolean ended;

    Remembered(Object what) {
        super(what, GARBAGE);
        synchronized (LOCK) {
            next = first;
            if (first != null) {
                first.previous = this;
            }
            first = this;
            if (!watched) {
                watch();
            }
        }
    }

    /** The object was forgotten. Once at most, and never after {@link #end}. */
    abstract void forgotten();

    /** It cannot be forgotten any more. {@return false: it had ended, or been forgotten} */
    final boolean end() {
        synchronized (LOCK) {
            if (ended) {
                return false;
            }
            ended = true;
            if (previous == null) {
                first = next;
            } else {
                previous.next = next;
            }
            if (next != null) {
                next.previous = previous;
            }
            return true;
        }
    }

    /** With the lock. */
    private static void watch() {
        try {
            Thread thread = new Thread(null, Remembered::tell, "cqueue forgotten messages", STACK, false);
            thread.setDaemon(true);
            thread.setContextClassLoader(null); // it may outlive who started it
            thread.start();
            watched = true;
        } catch (OutOfMemoryError e) {
            watched = false; // there is no thread to be had: the next one tries again
        }
    }

    private static void tell() {
        while (true) {
            Reference<?> garbage = null;
            try {
                garbage = GARBAGE.remove(IDLE_MS);
            } catch (InterruptedException e) {
                assert false : "nobody interrupts it";
            }
            if (garbage instanceof Remembered it) {
                if (it.end()) {
                    tell(it);
                }
                continue;
            }
            synchronized (LOCK) {
                if (first == null) {
                    watched = false;
                    return;
                }
            }
        }
    }

    private static void tell(Remembered it) {
        try {
            it.forgotten();
        } catch (Throwable e) { // there is nobody to throw it to, and others are to be told
            System.getLogger("io.cqueue").log(System.Logger.Level.WARNING, "a message was forgotten", e);
        }
    }
}
