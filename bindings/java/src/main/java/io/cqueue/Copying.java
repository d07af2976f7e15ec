package io.cqueue;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;

/** Messages copied in and out: one call each into native code, whatever holds the bytes. None waits. */
final class Copying {
    static final int NONE = -1;

    private static final int PINNED = 4096; // bytes beyond which heap.c pins an array: not while the disk writes
    private static final int GUESS_MOST = 1024; // bytes of an array that may be made in vain

    private Copying() {}

    static boolean enqueue(Handle handle, byte[] array, int offset, int size) {
        if (size > PINNED && handle.options().syncs()) {
            return enqueueDirect(handle, ByteBuffer.allocateDirect(size).put(0, array, offset, size), 0, size);
        }
        long queue = handle.enter();
        int result;
        try {
            result = RawJNI.heap_enqueue(queue, array, offset, size);
        } finally {
            handle.exit();
        }
        return result == Raw.CQ_OK || handle.check(result, size) == Raw.CQ_OK;
    }

    /** The position moves to the limit if it was accepted. */
    static boolean enqueue(Handle handle, ByteBuffer message) {
        int position = message.position();
        int limit = message.limit();
        int size = Math.max(0, limit - position);
        boolean accepted;
        if (message.isDirect()) {
            accepted = enqueueDirect(handle, message, position, size);
        } else if (message.hasArray()) {
            accepted = enqueue(handle, message.array(), message.arrayOffset() + position, size);
        } else {
            byte[] copy = new byte[size];
            message.get(position, copy);
            accepted = enqueue(handle, copy, 0, size);
        }
        if (accepted) {
            message.position(limit);
        }
        return accepted;
    }

    private static boolean enqueueDirect(Handle handle, ByteBuffer message, int position, int size) {
        long queue = handle.enter();
        int result;
        try {
            long data = Addresses.of(message) + position;
            result = RawJNI.cq_enqueue(queue, data, size);
        } finally {
            handle.exit();
            Reference.reachabilityFence(message);
        }
        return handle.check(result, size) == Raw.CQ_OK;
    }

    /** {@return the message's size, or NONE} */
    static int dequeue(Handle handle, byte[] array, int offset, int room) {
        if (room > PINNED && handle.options().syncs()) {
            ByteBuffer copy = ByteBuffer.allocateDirect(room);
            try {
                return dequeue(handle, copy);
            } finally {
                copy.get(0, array, offset, copy.position());
            }
        }
        long queue = handle.enter();
        long outcome;
        try {
            outcome = RawJNI.heap_dequeue(queue, array, offset, room);
        } finally {
            handle.exit();
        }
        return number(handle, outcome);
    }

    /** Into what remains of the buffer; the position moves behind the message. {@return its size, or NONE} */
    static int dequeue(Handle handle, ByteBuffer into) {
        if (into.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        int position = into.position();
        int room = Math.max(0, into.limit() - position);
        try {
            int size = into.isDirect()
                    ? dequeueDirect(handle, into, position, room)
                    : dequeue(handle, into.array(), into.arrayOffset() + position, room);
            if (size != NONE) {
                into.position(position + size);
            }
            return size;
        } catch (CQueueException.DiskFailure e) {
            into.position(position + e.accepted()); // it is there nevertheless
            throw e;
        }
    }

    private static int dequeueDirect(Handle handle, ByteBuffer into, int position, int room) {
        long queue = handle.enter();
        long outcome;
        try {
            outcome = RawJNI.direct_dequeue(queue, Addresses.of(into) + position, room);
        } finally {
            handle.exit();
            Reference.reachabilityFence(into);
        }
        return number(handle, outcome);
    }

    /** {@return the message in an array of its size, or null} */
    static byte[] receive(Handle handle) {
        long queue = handle.enter();
        int[] result = new int[1];
        byte[] guess = new byte[handle.usualSize]; // made here, as it mostly will do: C's way to make one is slow
        byte[] message;
        try {
            message = RawJNI.heap_receive(queue, guess, guess.length, result);
        } finally {
            handle.exit();
        }
        if (result[0] == Raw.CQ_EIO) {
            throw diskFailure(handle).received(message);
        }
        if (message == null) {
            handle.check(result[0], 0);
        } else if (message != guess) {
            handle.usualSize = Math.min(message.length, GUESS_MOST);
        }
        return message;
    }

    /** {@return how many of the batch's messages from `first` on were accepted} */
    static int enqueue(Handle handle, Batch batch, int first) {
        Batch.Memory memory = batch.memory();
        int count = Math.max(0, Math.min(batch.size(), memory.most) - first); // another thread may have cleared it
        long queue = handle.enter();
        long outcome;
        try {
            outcome = RawJNI.batch_enqueue(queue, memory.address(), memory.most, memory.room, first, count);
        } finally {
            handle.exit();
            Reference.reachabilityFence(memory);
        }
        int done = (int) outcome;
        int result = (int) (outcome >> 32);
        // What was accepted was accepted: only an error that nothing came of is thrown, the next call meets any other.
        if (result == Raw.CQ_EIO) {
            throw diskFailure(handle).accepted(done);
        }
        if (result < 0 && done == 0) {
            handle.check(result, batch.largest(first));
        }
        return done;
    }

    /** Replaces what is in the batch. {@return how many messages came} */
    static int dequeue(Handle handle, Batch batch) {
        int count;
        do {
            batch.clear();
            Batch.Memory memory = batch.memory();
            long queue = handle.enter();
            long outcome;
            try {
                outcome = RawJNI.batch_dequeue(queue, memory.address(), memory.most, memory.room);
            } finally {
                handle.exit();
                Reference.reachabilityFence(memory);
            }
            boolean grow = (int) (outcome >> 32) == Raw.CQ_ETOOSMALL;
            if (grow) {
                batch.grow((int) outcome);
            }
            if ((int) (outcome >> 32) == Raw.CQ_EIO) {
                batch.filled((int) outcome);
            }
            count = grow ? NONE : Math.max(0, number(handle, outcome));
        } while (count == NONE);
        batch.filled(count);
        return count;
    }

    /** {@return the number of an outcome (heap.h), or NONE if the result is an ordinary one} */
    private static int number(Handle handle, long outcome) {
        int result = (int) (outcome >> 32);
        if (result == Raw.CQ_EIO) {
            throw diskFailure(handle).accepted((int) outcome);
        }
        return result == Raw.CQ_OK || handle.check(result, (int) outcome) == Raw.CQ_OK ? (int) outcome : NONE;
    }

    /** What was to be done is done, but not on the disk. */
    private static CQueueException.DiskFailure diskFailure(Handle handle) {
        try {
            handle.check(Raw.CQ_EIO, 0);
        } catch (CQueueException.DiskFailure e) {
            return e;
        }
        throw new AssertionError("CQ_EIO is a failure");
    }
}
