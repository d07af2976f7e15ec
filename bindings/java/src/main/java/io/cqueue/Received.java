package io.cqueue;

import java.nio.ByteBuffer;

/**
 * A message that was taken and is being read in place, at least once: if this process dies before {@link #release},
 * somebody gets it again.
 *
 * <pre>{@code
 * try (Received message = queue.takeInPlace()) {
 *     handle(message.buffer());
 *     message.release();
 * }
 * }</pre>
 *
 * <p>Closed without having been released, as by an exception, it is given back. One that is neither closed nor released
 * is given back when neither it nor a buffer of it can be reached any more, some time after garbage was collected, and
 * the logger {@code io.cqueue} says so; see {@link Options#traceLoans}. May be used by any thread.
 */
public final class Received extends Loan {
    Received(CQueue queue, long[] message, Throwable trace) {
        super(queue, message, RawJNI::cq_return, trace);
    }

    /**
     * The message, in the shared memory itself.
     *
     * <p>Read it until it is released or given back, or its queue is closed; after that this method refuses. A buffer
     * that was kept nevertheless is harmless but useless: after the release it shows whatever message comes to lie
     * there, after the queue was closed zeros. It never crashes the virtual machine.
     *
     * @return a new read-only direct buffer, big-endian until told otherwise
     * @throws CQueueException.NotHeld if it was released or given back
     * @throws QueueClosedException if the queue was closed
     */
    public ByteBuffer buffer() {
        return look(ByteBuffer::asReadOnlyBuffer);
    }

    /** {@return a copy of the message} */
    public byte[] toByteArray() {
        return look(buffer -> {
            byte[] copy = new byte[buffer.remaining()];
            buffer.get(0, copy);
            return copy;
        });
    }

    /** {@return 1 the first time the message is delivered, 2 the second, ..., at most 255} */
    public int deliveries() {
        return deliveriesOfMessage();
    }

    /**
     * Done with it: it is gone.
     *
     * @throws CQueueException.NotHeld if it was released or given back
     */
    public void release() {
        end(RawJNI::cq_release, 0);
    }

    /**
     * Not done with it: it is delivered again, before newer messages.
     *
     * @throws CQueueException.NotHeld if it was released or given back
     */
    public void giveBack() {
        end(RawJNI::cq_return, 0);
    }

    /** Give it back, if it is still held. */
    @Override
    public void close() {
        endIfHeld(RawJNI::cq_return);
    }
}
