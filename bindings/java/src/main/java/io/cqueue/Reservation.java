package io.cqueue;

import java.nio.ByteBuffer;
import java.util.Map;

/**
 * Room in a queue for a message that is written in place.
 *
 * <pre>{@code
 * try (Reservation message = queue.reserve(64)) {
 *     message.buffer().putLong(42);
 *     message.commit(8);
 * }
 * }</pre>
 *
 * <p>Closed without having been committed, as by an exception, it is given up. So is one that was forgotten, as a
 * {@link Received} is given back. May be used by any thread, by one at a time.
 */
public final class Reservation extends Loan {
    Reservation(OpenQueue queue, long[] message, Throwable trace) {
        super(queue, message, RawJNI::cq_abort, trace);
    }

    /**
     * Where to write, in the shared memory itself.
     *
     * <p>Write until it is committed or given up, or its queue is closed; after that this method refuses. Writing to a
     * buffer that was kept nevertheless spoils whatever message comes to lie there; after the queue was closed it leads
     * nowhere. It never crashes the virtual machine.
     *
     * @return a new direct buffer of {@link #size} bytes, big-endian until told otherwise, with what happens to be
     *     there
     * @throws CQueueException.NotHeld if it was committed or given up
     * @throws QueueClosedException if the queue was closed
     */
    public ByteBuffer buffer() {
        return look(buffer -> buffer.duplicate().clear());
    }

    /**
     * The headers that it will have, in place of those that were set before.
     *
     * @param headers keys of 1 to 255 bytes of UTF-8, any values
     */
    public void setHeaders(Map<String, byte[]> headers) {
        byte[] packed = Headers.pack(headers);
        try {
            about((queue, message) -> checked(RawJNI.more_set_headers(queue, message, packed)));
        } catch (CQueueException.MessageTooBig e) {
            throw tooManyHeaders(packed.length);
        }
    }

    /** {@return the headers that were set} */
    public Map<String, byte[]> headers() {
        return headersOfMessage();
    }

    /**
     * Publish all of it.
     *
     * @return as {@link #commit(int)}
     */
    public boolean commit() {
        return commit(size());
    }

    /**
     * Publish it.
     *
     * @param size of the message now, up to what was reserved
     * @return false: consumers gave its place up meanwhile and the queue is full now; it is still held, try again
     * @throws CQueueException.MessageTooBig if that is more than was reserved
     * @throws CQueueException.NotHeld if it was committed or given up
     */
    public boolean commit(int size) {
        OpenQueue.checkSize(size);
        return end((queue, message) -> RawJNI.cq_commit(queue, message, size), size) == Raw.CQ_OK;
    }

    /**
     * Give it up.
     *
     * @throws CQueueException.NotHeld if it was committed or given up
     */
    public void abort() {
        end(RawJNI::cq_abort, 0);
    }

    /** Give it up, if it is still held. */
    @Override
    public void close() {
        endIfHeld(RawJNI::cq_abort);
    }
}
