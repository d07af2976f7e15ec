package io.cqueue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

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

    /**
     * Not done with it now: it is delivered again, before newer messages, when some time has passed. That is kept
     * whatever happens to this process.
     *
     * @param delay how long; zero: at once
     * @throws CQueueException.NotHeld if it was released or given back
     */
    public void giveBack(Duration delay) {
        if (delay.isNegative()) {
            throw new IllegalArgumentException("a delay of " + delay);
        } else if (delay.isZero()) {
            giveBack();
            return;
        }
        end((queue, message) -> RawJNI.cq_return_after(queue, message, Times.nanos(delay)), 0);
    }

    /**
     * Not done with it: it is delivered again, behind all messages that wait now.
     *
     * @throws CQueueException.NotHeld if it was released or given back
     */
    public void giveBackToTail() {
        end((queue, message) -> RawJNI.cq_return_after(queue, message, Raw.CQ_TO_TAIL), 0);
    }

    /** {@return its headers, in their order; none if the queue has none} */
    public Map<String, byte[]> headers() {
        return headersOfMessage();
    }

    /** {@return when it was put; null if the queue was not created with {@link Options#enqueueTimes}} */
    public Instant enqueueTime() {
        long[] when = new long[1];
        return about((queue, message) -> {
            int result = RawJNI.more_enqueue_time(queue, message, when);
            return result == Raw.CQ_EFEATURE || checked(result) != Raw.CQ_OK ? null : Stats.instant(when[0]);
        });
    }

    /** Give it back, if it is still held. */
    @Override
    public void close() {
        endIfHeld(RawJNI::cq_return);
    }
}
