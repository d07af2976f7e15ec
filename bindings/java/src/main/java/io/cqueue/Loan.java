package io.cqueue;

import java.nio.ByteBuffer;
import java.util.function.Function;

/** What reservations and received messages have in common: a place in the region, ours until it is given back. */
abstract class Loan implements AutoCloseable {
    // The fields of a message as java.i has them.
    private static final int FIELDS = 6;
    private static final int DELIVERIES = 0;
    private static final int DATA = 1;
    private static final int SIZE = 2;
    private static final int POSITION = 3;

    private final CQueue queue; // not to be cleaned up before its loans
    private final long[] message;

    Loan(CQueue queue, long[] message) {
        this.queue = queue;
        this.message = message;
    }

    /** Give it back in the way that loses nothing, if it is still held. */
    @Override
    public abstract void close();

    static long[] newMessage() {
        return new long[FIELDS];
    }

    /** How a C function gives it back. */
    interface End {
        int call(long queue, long[] message);
    }

    final synchronized int end(End how, long size) {
        Handle handle = queue.handle();
        long raw = handle.enter();
        int result;
        try {
            result = how.call(raw, message);
        } finally {
            handle.exit();
        }
        return handle.check(result, size);
    }

    /** As {@link #end}, if there is anything to give back: closing a queue does it for all. */
    final synchronized void endIfHeld(End how) {
        if (isHeld()) {
            try {
                end(how, 0);
            } catch (QueueClosedException e) {
                message[DATA] = 0;
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
            return look.apply(handle.view(message[DATA], message[SIZE]));
        } finally {
            handle.exit();
        }
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
