package io.cqueue;

import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.Function;

/**
 * What reservations and received messages have in common: a place in the region, ours until it is given back. One that
 * is forgotten is given back when neither it nor a buffer on it can be reached any more.
 */
abstract class Loan implements AutoCloseable {
    // The fields of a message as java.i has them.
    private static final int FIELDS = 6;
    private static final int DELIVERIES = 0;
    private static final int DATA = 1;
    private static final int SIZE = 2;
    private static final int POSITION = 3;

    private final OpenQueue queue; // not to be cleaned up before its loans
    private final long[] message;
    private final Held held;
    private ByteBuffer buffer; // on the message, once somebody asked

    /** `undo`: what becomes of it if it is forgotten. `trace`: where it was taken, or null. */
    Loan(OpenQueue queue, long[] message, End undo, Throwable trace) {
        this.queue = queue;
        this.message = message;
        held = new Held(this, queue.handle(), message, undo, trace);
    }

    /** Give it back in the way that loses nothing, if it is still held. */
    @Override
    public abstract void close();

    /** {@return where this is called, for who wants to know; else null} */
    static Throwable trace(Handle handle) {
        return handle.options().tracesLoans() ? new Throwable("taken here") : null;
    }

    static long[] newMessage() {
        return new long[FIELDS];
    }

    /** How a C function gives it back. */
    interface End {
        int call(long queue, long[] message);
    }

    /** What is left of a loan that is garbage. It must not lead to it. */
    private static final class Held extends Remembered implements Views.User {
        private final Handle handle;
        private final long[] message;
        private final End undo;
        private final Class<?> kind;
        private final Throwable trace;
        private Views.Lease lease;

        Held(Loan loan, Handle handle, long[] message, End undo, Throwable trace) {
            super(loan);
            this.handle = handle;
            this.message = message;
            this.undo = undo;
            kind = loan.getClass();
            this.trace = trace;
        }

        @Override
        public void uses(Views.Lease lease) {
            this.lease = lease;
        }

        /** A buffer on it may still be read. */
        @Override
        void forgotten() {
            if (message[DATA] != 0 && (lease == null || !lease.defer(this::giveBack))) {
                giveBack();
            }
        }

        private void giveBack() {
            try {
                long raw = handle.enter();
                try {
                    undo.call(raw, message);
                } finally {
                    handle.exit();
                }
            } catch (QueueClosedException e) {
                return; // closing gave it back
            }
            System.getLogger("io.cqueue").log(Level.WARNING, "\"" + handle.name() + "\": a " + kind.getSimpleName()
                    + " was forgotten, and is given back: close it, best by try (...)"
                    + (trace == null ? ". To see where it was taken, open it with Options.traceLoans(true)" : ""),
                    trace);
        }
    }

    final synchronized int end(End how, long size) {
        Handle handle = queue.handle();
        long raw = handle.enter();
        int result;
        try {
            result = how.call(raw, message);
        } finally {
            handle.exit();
            Reference.reachabilityFence(this);
        }
        if (result == Raw.CQ_OK || result == Raw.CQ_EIO) { // in both cases it is done
            message[DATA] = 0;
            held.end();
        }
        return result == Raw.CQ_OK ? result : handle.check(result, size);
    }

    /** As {@link #end}, if there is anything to give back: closing a queue does it for all. */
    final synchronized void endIfHeld(End how) {
        if (message[DATA] != 0) {
            try {
                end(how, 0);
            } catch (QueueClosedException e) {
                message[DATA] = 0;
                held.end();
            }
        }
    }

    /** What `look` makes of a buffer on the message, while the queue cannot be closed. */
    final synchronized <T> T look(Function<ByteBuffer, T> look) {
        Handle handle = queue.handle();
        handle.enter();
        try {
            if (message[DATA] == 0) {
                handle.check(Raw.CQ_ENOTHELD, 0);
            }
            if (buffer == null) {
                buffer = handle.view(message[DATA], message[SIZE], held);
            }
            return look.apply(buffer);
        } finally {
            handle.exit();
            Reference.reachabilityFence(this);
        }
    }

    /** A call about the message while it is held. */
    final synchronized <T> T about(Look<T> look) {
        Handle handle = queue.handle();
        long raw = handle.enter();
        try {
            if (message[DATA] == 0) {
                handle.check(Raw.CQ_ENOTHELD, 0);
            }
            return look.at(raw, message);
        } finally {
            handle.exit();
            Reference.reachabilityFence(this);
        }
    }

    final CQueueException tooManyHeaders(int size) {
        return queue.tooManyHeaders(size);
    }

    /** {@return what it is, for people} */
    @Override
    public String toString() {
        return getClass().getSimpleName() + "[" + queue.name() + " at " + position() + ", "
                + Text.count(size(), "byte") + ", " + (isHeld() ? "held]" : "not held]");
    }

    final int checked(int result) {
        return queue.handle().check(result, 0);
    }

    interface Look<T> {
        T at(long queue, long[] message);
    }

    final Map<String, byte[]> headersOfMessage() {
        int[] result = new int[1];
        byte[] packed = about((raw, message) -> RawJNI.more_headers(raw, message, result));
        if (packed == null && result[0] != Raw.CQ_EFEATURE) { // a queue without headers has messages with none
            queue.handle().check(result[0], 0);
        }
        return packed == null ? Map.of() : Headers.unpack(packed);
    }

    /** {@return whether it is still to be given back} */
    public final synchronized boolean isHeld() {
        return message[DATA] != 0 && !queue.isClosed();
    }

    /** {@return bytes} */
    public final synchronized int size() {
        return (int) message[SIZE];
    }

    /** {@return what identifies the message, also when it is delivered again} */
    public final synchronized long position() {
        return message[POSITION];
    }

    final synchronized int deliveriesOfMessage() {
        return (int) message[DELIVERIES];
    }
}
