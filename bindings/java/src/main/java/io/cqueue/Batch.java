package io.cqueue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * Room for several messages that are sent or received by one call, to be used again and again. Not for use by several
 * threads at once.
 */
public final class Batch {
    byte[] bytes; // the messages, one behind the other
    final int[] ends; // where each ends
    private int size;

    /**
     * An empty batch.
     *
     * @param messages how many it holds at most
     * @param bytes of all of them together; it grows when a message needs more
     */
    public Batch(int messages, int bytes) {
        if (messages < 1) {
            throw new IllegalArgumentException("a batch of " + messages + " messages, it needs one at least");
        }
        this.bytes = new byte[Math.max(bytes, 1)];
        ends = new int[messages];
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
        if (size == ends.length) {
            return false;
        }
        int begin = begin(size);
        grow(Math.addExact(begin, length));
        System.arraycopy(array, offset, bytes, begin, length);
        ends[size++] = begin + length;
        return true;
    }

    /**
     * Add a copy of a message: what remains of a buffer, whose position moves to its limit.
     *
     * @param message its bytes
     * @return false if the batch holds as many as it can already
     */
    public boolean add(ByteBuffer message) {
        if (size == ends.length) {
            return false;
        }
        int begin = begin(size);
        int length = message.remaining();
        grow(Math.addExact(begin, length));
        message.get(bytes, begin, length);
        ends[size++] = begin + length;
        return true;
    }

    /**
     * A copy of a message.
     *
     * @param index 0 to {@code size() - 1}
     * @return its bytes
     */
    public byte[] get(int index) {
        Objects.checkIndex(index, size);
        return Arrays.copyOfRange(bytes, begin(index), ends[index]);
    }

    /**
     * A message in place.
     *
     * @param index 0 to {@code size() - 1}
     * @return a read-only buffer, which shows something else when the batch is used again
     */
    public ByteBuffer buffer(int index) {
        Objects.checkIndex(index, size);
        return ByteBuffer.wrap(bytes, begin(index), ends[index] - begin(index)).slice().asReadOnlyBuffer();
    }

    int begin(int index) {
        return index == 0 ? 0 : ends[index - 1];
    }

    int largest(int first) {
        int largest = 0;
        for (int i = first; i < size; i++) {
            largest = Math.max(largest, ends[i] - begin(i));
        }
        return largest;
    }

    void grow(int needed) {
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.max(needed, Math.min(2L * bytes.length, Integer.MAX_VALUE - 8)));
        }
    }

    void filled(int messages) {
        size = messages;
    }
}
