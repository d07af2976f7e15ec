package io.cqueue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Room for several messages that are sent or received by one call, to be used again and again. Not for use by several
 * threads at once.
 */
public final class Batch {
    private final int most;
    private Memory memory;
    private int size;

    /**
     * Outside of the heap, where C reads and writes it without asking the virtual machine: where each message ends, as
     * ints, and behind these the messages, one behind the other.
     */
    static final class Memory {
        final ByteBuffer buffer; // keeps it
        final int most;
        final int room;
        private long address; // 0: not known yet

        private Memory(int most, int room) {
            this.most = most;
            this.room = room;
            buffer = ByteBuffer.allocateDirect(Math.addExact(Math.multiplyExact(most, Integer.BYTES), room))
                    .order(ByteOrder.nativeOrder());
        }

        long address() {
            if (address == 0) {
                address = RawJNI.view_address(buffer);
            }
            return address;
        }

        int end(int index) {
            return buffer.getInt(index * Integer.BYTES);
        }

        void end(int index, int end) {
            buffer.putInt(index * Integer.BYTES, end);
        }

        int begin(int index) {
            return index == 0 ? 0 : end(index - 1);
        }

        /** {@return where in the buffer a message's byte is} */
        int place(int offset) {
            return most * Integer.BYTES + offset;
        }
    }

    /**
     * An empty batch.
     *
     * @param messages how many it holds at most
     * @param bytes of all of them together, outside of the heap; it grows when a message needs more
     */
    public Batch(int messages, int bytes) {
        if (messages < 1) {
            throw new IllegalArgumentException("a batch of " + messages + " messages, it needs one at least");
        }
        if (bytes < 0 || (long) messages * Integer.BYTES + bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a batch of " + Text.count(messages, "message") + " and "
                    + Text.count(bytes, "byte") + ": 4 bytes a message and those of the messages are 0 to 2 GiB together");
        }
        most = messages;
        memory = new Memory(most, Math.max(bytes, 1));
    }

    /** {@return what it is, for people} */
    @Override
    public String toString() {
        return "Batch[" + size + " of " + Text.count(most, "message") + "]";
    }

    /** {@return how many messages are in it} */
    public int size() {
        return size;
    }

    /** {@return whether no message is in it} */
    public boolean isEmpty() {
        return size == 0;
    }

    /** Empty it. */
    public void clear() {
        size = 0;
    }

    /**
     * Add a copy of a message.
     *
     * @param message its bytes
     * @return false if the batch holds as many as it can already
     */
    public boolean add(byte[] message) {
        return add(message, 0, message.length);
    }

    /**
     * Add a copy of a message.
     *
     * @param array its bytes, from...
     * @param offset in the array
     * @param length bytes
     * @return false if the batch holds as many as it can already
     */
    public boolean add(byte[] array, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        int begin = addRoom(length);
        if (begin < 0) {
            return false;
        }
        memory.buffer.put(memory.place(begin), array, offset, length);
        memory.end(size++, begin + length);
        return true;
    }

    /**
     * Add a copy of a message: what remains of a buffer, whose position moves to its limit.
     *
     * @param message its bytes
     * @return false if the batch holds as many as it can already
     */
    public boolean add(ByteBuffer message) {
        int length = message.remaining();
        int begin = addRoom(length);
        if (begin < 0) {
            return false;
        }
        memory.buffer.duplicate().position(memory.place(begin)).put(message);
        memory.end(size++, begin + length);
        return true;
    }

    /** {@return where the next message begins, or -1: it is full} */
    private int addRoom(int length) {
        if (size == most) {
            return -1;
        }
        int begin = memory.begin(size);
        grow(Math.addExact(begin, length));
        return begin;
    }

    /**
     * A copy of a message.
     *
     * @param index 0 to {@code size() - 1}
     * @return its bytes
     */
    public byte[] get(int index) {
        Objects.checkIndex(index, size);
        byte[] copy = new byte[memory.end(index) - memory.begin(index)];
        memory.buffer.get(memory.place(memory.begin(index)), copy);
        return copy;
    }

    /**
     * A message in place.
     *
     * @param index 0 to {@code size() - 1}
     * @return a read-only buffer, which shows something else when the batch is used again
     */
    public ByteBuffer buffer(int index) {
        Objects.checkIndex(index, size);
        int begin = memory.begin(index);
        return memory.buffer.slice(memory.place(begin), memory.end(index) - begin).asReadOnlyBuffer();
    }

    Memory memory() {
        return memory;
    }

    int largest(int first) {
        int largest = 0;
        for (int i = first; i < size; i++) {
            largest = Math.max(largest, memory.end(i) - memory.begin(i));
        }
        return largest;
    }

    /** Room for so many bytes of messages, those that are there included. */
    void grow(int needed) {
        if (needed > memory.room) {
            Memory larger = new Memory(most, (int) Math.max(needed, Math.min(2L * memory.room, Integer.MAX_VALUE / 2)));
            larger.buffer.duplicate().put(memory.buffer.duplicate().limit(memory.place(memory.begin(size))));
            memory = larger;
        }
    }

    void filled(int messages) {
        size = messages;
    }
}
