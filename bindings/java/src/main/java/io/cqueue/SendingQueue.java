package io.cqueue;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** What of a {@link CQueue} puts messages in. */
abstract class SendingQueue extends OpenQueue {
    SendingQueue(Handle handle) {
        super(handle);
    }

    /**
     * Append a message, if there is room.
     *
     * @param message its bytes
     * @return false if the queue is full
     */
    public boolean offer(byte[] message) {
        return Copying.enqueue(handle(), message, 0, message.length);
    }

    /**
     * Append a message, if there is room.
     *
     * @param array its bytes, from...
     * @param offset in the array
     * @param length bytes
     * @return false if the queue is full
     */
    public boolean offer(byte[] array, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        return Copying.enqueue(handle(), array, offset, length);
    }

    /**
     * Append a message, if there is room: what remains of a buffer, of any kind.
     *
     * @param message its bytes; the position moves to the limit if it was accepted
     * @return false if the queue is full
     */
    public boolean offer(ByteBuffer message) {
        return Copying.enqueue(handle(), message);
    }

    /**
     * Append a message, waiting for room (and memory).
     *
     * @param message its bytes
     * @param timeout how long at most
     * @param unit of the time-out
     * @return false if the queue was full all the time
     * @throws CQueueException.NoSpace if memory was lacking when the time was up
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public boolean offer(byte[] message, long timeout, TimeUnit unit) throws InterruptedException {
        return await(handle().watcher().room, unit.toNanos(timeout), () -> offer(message) ? true : null) != null;
    }

    /**
     * Append a message, waiting for room (and memory): what remains of a buffer, of any kind.
     *
     * @param message its bytes; the position moves to the limit if it was accepted
     * @param timeout how long at most
     * @param unit of the time-out
     * @return false if the queue was full all the time
     * @throws CQueueException.NoSpace if memory was lacking when the time was up
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public boolean offer(ByteBuffer message, long timeout, TimeUnit unit) throws InterruptedException {
        return await(handle().watcher().room, unit.toNanos(timeout), () -> offer(message) ? true : null) != null;
    }

    /**
     * Append a message, waiting for room (and memory) as long as it takes.
     *
     * @param message its bytes
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public void put(byte[] message) throws InterruptedException {
        offer(message, Waiting.FOR_EVER, TimeUnit.NANOSECONDS);
    }

    /**
     * Append a message, waiting for room as long as it takes: what remains of a buffer, of any kind.
     *
     * @param message its bytes; the position moves to the limit
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public void put(ByteBuffer message) throws InterruptedException {
        offer(message, Waiting.FOR_EVER, TimeUnit.NANOSECONDS);
    }

    /**
     * Append the messages of a batch in their order, as many as there is room for. Others' messages may come in
     * between.
     *
     * @param batch the messages; it is not changed
     * @return how many were accepted, from the first on
     */
    public int offer(Batch batch) {
        return offer(batch, 0);
    }

    /**
     * Append the messages of a batch from one of them on, as many as there is room for.
     *
     * @param batch the messages; it is not changed
     * @param first the index of the first to send
     * @return how many were accepted
     */
    public int offer(Batch batch, int first) {
        Objects.checkFromToIndex(first, batch.size(), batch.size());
        return Copying.enqueue(handle(), batch, first);
    }

    /**
     * Append all messages of a batch, waiting for room as long as it takes.
     *
     * @param batch the messages; it is not changed
     * @throws InterruptedException if the thread was interrupted; some of the messages may be in the queue
     */
    public void put(Batch batch) throws InterruptedException {
        int sent = 0;
        try {
            for (sent = offerPatiently(batch, 0); sent < batch.size(); sent += offerPatiently(batch, sent)) {
                put(batch.get(sent));
                sent++;
            }
        } catch (CQueueException.DiskFailure e) {
            throw e.accepted(sent + Math.max(e.accepted(), 1)); // a single one says 0, and is in the queue
        }
    }

    private int offerPatiently(Batch batch, int first) {
        try {
            return offer(batch, first);
        } catch (CQueueException.NoSpace e) {
            return 0;
        }
    }

    /**
     * Append a message with headers, if there is room.
     *
     * @param message its bytes
     * @param headers keys of 1 to 255 bytes of UTF-8, any values; together {@link Options#maxHeaders} at most
     * @return false if the queue is full
     */
    public boolean offer(byte[] message, Map<String, byte[]> headers) {
        return offerMore(message, Headers.pack(headers), null, 0) == Sent.DONE;
    }

    /**
     * Append a message with headers, waiting for room (and memory) as long as it takes.
     *
     * @param message its bytes
     * @param headers keys of 1 to 255 bytes of UTF-8, any values; together {@link Options#maxHeaders} at most
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public void put(byte[] message, Map<String, byte[]> headers) throws InterruptedException {
        putMore(message, Headers.pack(headers), null, 0);
    }

    /**
     * Append a message that comes from elsewhere, exactly once: it is put and its source's number is raised in one
     * step, whatever happens to this process. Whoever feeds a queue reads {@link #source} and goes on behind it.
     *
     * @param source a name, 1 to 200 bytes
     * @param number of the message there, 1 or more, and rising
     * @param message its bytes
     * @param headers its headers, or an empty map
     * @return null: the queue is full. False: the source has come to this number before, so the message was put then
     */
    public Boolean offerFrom(String source, long number, byte[] message, Map<String, byte[]> headers) {
        checkNumber(number);
        Sent sent = offerMore(message, Headers.pack(headers), Text.source(source), number);
        return sent == Sent.FULL ? null : Boolean.valueOf(sent == Sent.DONE);
    }

    /**
     * As {@link #offerFrom}, waiting for room (and memory) as long as it takes.
     *
     * @param source a name, 1 to 200 bytes
     * @param number of the message there, 1 or more, and rising
     * @param message its bytes
     * @param headers its headers, or an empty map
     * @return false: the source has come to this number before, so the message was put then
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public boolean putFrom(String source, long number, byte[] message, Map<String, byte[]> headers)
            throws InterruptedException {
        checkNumber(number);
        byte[] name = Text.source(source);
        return putMore(message, Headers.pack(headers), name, number) == Sent.DONE;
    }

    private enum Sent { DONE, KNOWN, FULL }

    private Sent offerMore(byte[] message, byte[] headers, byte[] source, long number) {
        int result;
        try {
            result = call(queue -> RawJNI.more_enqueue(queue, message, headers, source, number), message.length);
        } catch (CQueueException.MessageTooBig e) {
            throw message.length > maxMessageSize() ? e : tooManyHeaders(headers.length);
        }
        return result == Raw.CQ_OK ? Sent.DONE : result == Raw.CQ_DUPLICATE ? Sent.KNOWN : Sent.FULL;
    }

    private Sent putMore(byte[] message, byte[] headers, byte[] source, long number) throws InterruptedException {
        return await(handle().watcher().room, Waiting.FOR_EVER, () -> {
            Sent sent = offerMore(message, headers, source, number);
            return sent == Sent.FULL ? null : sent;
        });
    }

    /**
     * Reserve room for a message and write it in place. Its place in the queue is taken now; but if a consumer has been
     * waiting for it while later messages were there, it moves behind these.
     *
     * @param size bytes at most
     * @return null if the queue is full
     */
    public Reservation reserve(int size) {
        checkSize(size);
        long[] message = Loan.newMessage();
        int result = call(queue -> RawJNI.cq_reserve(queue, size, message), size);
        return result == Raw.CQ_OK ? new Reservation(this, message, Loan.trace(handle())) : null;
    }
}
