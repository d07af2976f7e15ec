package io.cqueue;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * An open handle on a queue of byte messages in shared memory. Its vocabulary is {@link BlockingQueue}'s: {@code offer} and
 * {@code poll} try or wait for a time, {@code put} and {@code take} wait for ever, and waiting is ended by
 * {@link Thread#interrupt}.
 *
 * <pre>{@code
 * try (CQueue queue = CQueue.open("orders", new Options().capacity(1000).maxMessageSize(256))) {
 *     queue.put("order 1".getBytes(UTF_8));
 *     byte[] message = queue.take();
 * }
 * }</pre>
 *
 * <p>Any number of threads may use a handle at once, and any of them may close it: calls under way are waited for, those that
 * wait for a message or for room end with {@link QueueClosedException}, as all later ones do. A handle that was forgotten is closed
 * when it is garbage, some time. {@link #cancel} ends the waits and leaves the handle open.
 *
 * <p>When the queue was removed ({@link #unlink}) by another process, waits end with {@link CQueueException.Stale} instead of sleeping.
 *
 * <p>Every method may throw {@link CQueueException} and {@link QueueClosedException}. When a method that takes messages out by
 * copying has returned, the message is gone (at most once); {@link Received} is for those who want it again if they die over it.
 */
public final class CQueue implements AutoCloseable {
    private final Handle handle;
    private final Cleaner.Cleanable cleanable;
    private final Set<Thread> walkers = ConcurrentHashMap.newKeySet();

    private CQueue(Handle handle) {
        this.handle = handle;
        cleanable = Handle.CLEANER.register(this, handle);
    }

    // ---- opening ------------------------------------------------------------------------------------------------------

    /**
     * Open a queue: attach to it, or create it with the default capacity and message size.
     *
     * @param name 1 to 200 of A-Z a-z 0-9 . _ - beginning with a letter or digit
     * @return the queue, to be closed
     */
    public static CQueue open(String name) {
        return open(name, new Options());
    }

    /**
     * Open a queue.
     *
     * @param name 1 to 200 of A-Z a-z 0-9 . _ - beginning with a letter or digit
     * @param options how; read during the call only
     * @return the queue, to be closed
     */
    public static CQueue open(String name, Options options) {
        return new CQueue(Handle.open(Objects.requireNonNull(name, "name"), options));
    }

    /**
     * Remove a queue's name. Whoever has it open keeps using it; its memory goes with the last of them.
     *
     * @param name of the queue
     */
    public static void unlink(String name) {
        unlink(name, null);
    }

    /**
     * Remove a queue's name.
     *
     * @param name of the queue
     * @param directory where its file is; null: the platform's shared memory
     */
    public static void unlink(String name, Path directory) {
        Objects.requireNonNull(name, "name");
        cq_config config = new Options().directory(directory).config();
        try {
            int result = Raw.cq_unlink(name, config);
            if (result < 0) {
                throw Handle.failure(result, name, config, 0);
            }
        } finally {
            config.delete();
        }
    }

    /**
     * Close the handle. Messages that were taken in place and not released are delivered again, reservations are given up. Closing a
     * closed queue does nothing.
     *
     * @throws IllegalStateException if called by a visitor of {@link #walk}, which it would wait for
     */
    @Override
    public void close() {
        if (walkers.contains(Thread.currentThread())) {
            throw new IllegalStateException("\"" + name() + "\": a walk's visitor cannot close the queue: end the walk first");
        }
        handle.run();
        cleanable.clean();
    }

    /**
     * End all waits on this handle, now and until {@link #resetCancel}: with {@link CQueueException.Cancelled}, wherever they would have
     * to sleep. What does not wait goes on as ever; other handles are not touched.
     */
    public void cancel() {
        call(RawJNI::cq_cancel, 0);
    }

    /** Allow waits again, once those that were to end have ended. */
    public void resetCancel() {
        call(handle::resetCancel, 0);
    }

    /** {@return whether it was closed} */
    public boolean isClosed() {
        return handle.isClosed();
    }

    /** {@return the queue's name} */
    public String name() {
        return handle.name();
    }

    // ---- messages in -----------------------------------------------------------------------------------------------------

    /**
     * Append a message, if there is room.
     *
     * @param message its bytes
     * @return false if the queue is full
     */
    public boolean offer(byte[] message) {
        return Copying.enqueue(handle, message, 0, message.length, 0);
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
        return Copying.enqueue(handle, array, offset, length, 0);
    }

    /**
     * Append a message, if there is room: what remains of a buffer, of any kind.
     *
     * @param message its bytes; the position moves to the limit if it was accepted
     * @return false if the queue is full
     */
    public boolean offer(ByteBuffer message) {
        return Copying.enqueue(handle, message, 0);
    }

    /**
     * Append a message, waiting for room.
     *
     * @param message its bytes
     * @param timeout how long at most
     * @param unit of the time-out
     * @return false if the queue was full all the time
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public boolean offer(byte[] message, long timeout, TimeUnit unit) throws InterruptedException {
        return await(unit.toNanos(timeout), ns -> Copying.enqueue(handle, message, 0, message.length, ns) ? true : null) != null;
    }

    /**
     * Append a message, waiting for room: what remains of a buffer, of any kind.
     *
     * @param message its bytes; the position moves to the limit if it was accepted
     * @param timeout how long at most
     * @param unit of the time-out
     * @return false if the queue was full all the time
     * @throws InterruptedException if the thread was interrupted; the message is not in the queue
     */
    public boolean offer(ByteBuffer message, long timeout, TimeUnit unit) throws InterruptedException {
        return await(unit.toNanos(timeout), ns -> Copying.enqueue(handle, message, ns) ? true : null) != null;
    }

    /**
     * Append a message, waiting for room as long as it takes.
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
     * Append the messages of a batch in their order, as many as there is room for. Others' messages may come in between.
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
        return Copying.enqueue(handle, batch, first);
    }

    /**
     * Append all messages of a batch, waiting for room as long as it takes.
     *
     * @param batch the messages; it is not changed
     * @throws InterruptedException if the thread was interrupted; some of the messages may be in the queue
     */
    public void put(Batch batch) throws InterruptedException {
        int sent = offer(batch);
        while (sent < batch.size()) {
            byte[] message = batch.get(sent);
            await(Waiting.FOR_EVER, ns -> Copying.enqueue(handle, message, 0, message.length, ns) ? true : null);
            sent++;
            sent += offer(batch, sent);
        }
    }

    // ---- messages out ----------------------------------------------------------------------------------------------------

    /** {@return the oldest message, or null if there is none} */
    public byte[] poll() {
        return Copying.receive(handle, 0);
    }

    /**
     * The oldest message, waiting for one.
     *
     * @param timeout how long at most
     * @param unit of the time-out
     * @return null if none came in time
     * @throws InterruptedException if the thread was interrupted; no message was taken
     */
    public byte[] poll(long timeout, TimeUnit unit) throws InterruptedException {
        return await(unit.toNanos(timeout), ns -> Copying.receive(handle, ns));
    }

    /**
     * The oldest message, waiting for one as long as it takes.
     *
     * @return its bytes
     * @throws InterruptedException if the thread was interrupted; no message was taken
     */
    public byte[] take() throws InterruptedException {
        return poll(Waiting.FOR_EVER, TimeUnit.NANOSECONDS);
    }

    /**
     * Copy the oldest message into an array.
     *
     * @param into where to
     * @return its size, or -1 if there is none
     * @throws CQueueException.BufferTooSmall if it does not fit; it stays queued
     */
    public int poll(byte[] into) {
        return Copying.dequeue(handle, into, 0, into.length, 0);
    }

    /**
     * Copy the oldest message into a buffer of any kind, from its position on.
     *
     * @param into where to; the position moves behind the message
     * @return its size, or -1 if there is none
     * @throws CQueueException.BufferTooSmall if it is larger than what remains; it stays queued
     */
    public int poll(ByteBuffer into) {
        return Copying.dequeue(handle, into, 0);
    }

    /**
     * Copy the oldest message into a buffer of any kind, from its position on, waiting for one.
     *
     * @param into where to; the position moves behind the message
     * @param timeout how long at most
     * @param unit of the time-out
     * @return its size, or -1 if none came in time
     * @throws CQueueException.BufferTooSmall if it is larger than what remains; it stays queued
     * @throws InterruptedException if the thread was interrupted; no message was taken
     */
    public int poll(ByteBuffer into, long timeout, TimeUnit unit) throws InterruptedException {
        Integer size = await(unit.toNanos(timeout), ns -> {
            int received = Copying.dequeue(handle, into, ns);
            return received == Copying.NONE ? null : received;
        });
        return size == null ? Copying.NONE : size;
    }

    /**
     * Take as many of the oldest messages as are waiting and find room in a batch.
     *
     * @param batch what it held before is gone; it grows if the first message needs more
     * @return how many there are in it now, 0 if none was waiting
     */
    public int poll(Batch batch) {
        return Copying.dequeue(handle, batch);
    }

    /**
     * Move all waiting messages to a collection.
     *
     * @param to where to
     * @return how many
     */
    public int drainTo(Collection<? super byte[]> to) {
        return drainTo(to, Integer.MAX_VALUE);
    }

    /**
     * Move waiting messages to a collection.
     *
     * @param to where to
     * @param max how many at most
     * @return how many
     */
    public int drainTo(Collection<? super byte[]> to, int max) {
        int moved = 0;
        // One by one: a collection that refuses a message costs no other.
        for (byte[] message; moved < max && (message = poll()) != null; moved++) {
            to.add(message);
        }
        return moved;
    }

    // ---- in place ----------------------------------------------------------------------------------------------------------

    /**
     * Reserve room for a message and write it in place. Its place in the queue is taken now; but if a consumer has been waiting for it
     * while later messages were there, it moves behind these.
     *
     * @param size bytes at most
     * @return null if the queue is full
     */
    public Reservation reserve(int size) {
        checkSize(size);
        long[] message = Loan.newMessage();
        int result = call(queue -> RawJNI.cq_reserve(queue, size, message), size);
        return result == Raw.CQ_OK ? new Reservation(this, message) : null;
    }

    /** {@return the oldest message, to be read in place and released; null if there is none} */
    public Received pollInPlace() {
        return receive(0);
    }

    /**
     * The oldest message, to be read in place and released, waiting for one.
     *
     * @param timeout how long at most
     * @param unit of the time-out
     * @return null if none came in time
     * @throws InterruptedException if the thread was interrupted; no message was taken
     */
    public Received pollInPlace(long timeout, TimeUnit unit) throws InterruptedException {
        return await(unit.toNanos(timeout), this::receive);
    }

    /**
     * The oldest message, to be read in place and released, waiting for one as long as it takes.
     *
     * @return the message
     * @throws InterruptedException if the thread was interrupted; no message was taken
     */
    public Received takeInPlace() throws InterruptedException {
        return pollInPlace(Waiting.FOR_EVER, TimeUnit.NANOSECONDS);
    }

    private Received receive(long timeoutNs) {
        long[] message = Loan.newMessage();
        int result = call(queue -> timeoutNs == 0
                ? RawJNI.cq_take(queue, message)
                : RawJNI.cq_take_wait(queue, message, timeoutNs), 0);
        return result == Raw.CQ_OK ? new Received(this, message) : null;
    }

    // ---- looking on --------------------------------------------------------------------------------------------------------

    /**
     * Show a copy of each waiting message, in the order of delivery, without taking any. Messages that come or go meanwhile may be
     * shown or not.
     *
     * @param visitor returns whether to go on; it must not close the queue
     */
    public void walk(Predicate<? super Message> visitor) {
        boolean outermost = walkers.add(Thread.currentThread());
        try {
            call(queue -> RawJNI.cq_walk(queue, (data, position, deliveries) ->
                    visitor.test(new Message(data, position, deliveries))), 0);
        } finally {
            if (outermost) {
                walkers.remove(Thread.currentThread());
            }
        }
    }

    /** {@return what is known about the queue now} */
    public Stats stats() {
        cq_stats raw = new cq_stats();
        try {
            call(queue -> Raw.cq_stat(queue, raw), 0);
            return Stats.of(raw);
        } finally {
            raw.delete();
        }
    }

    /** {@return who has the queue open, what each holds and whether it waits} */
    public List<Participant> participants() {
        List<Participant> all = new ArrayList<>();
        call(queue -> RawJNI.cq_participants(queue, address -> all.add(Participant.of(new cq_participant(address, false)))), 0);
        return List.copyOf(all);
    }

    /**
     * Look for dead participants now, and finish or undo what they left. This happens by itself as well, when a queue is opened or
     * somebody waits.
     *
     * @return what was found
     */
    public Recovery recover() {
        cq_recovery raw = new cq_recovery();
        try {
            call(queue -> Raw.cq_recover(queue, raw), 0);
            return Recovery.of(raw);
        } finally {
            raw.delete();
        }
    }

    /**
     * A file descriptor that is readable while a message may be waiting, for event loops outside of Java. It belongs to this handle:
     * do not read, write or close it; poll until there is no message, which makes it unreadable again.
     *
     * @return the same descriptor each time
     */
    public int descriptor() {
        int[] fd = new int[1];
        call(queue -> Raw.cq_fd(queue, fd), 0);
        return fd[0];
    }

    /**
     * A file descriptor that is readable while there may be room, as {@link #descriptor} is while there may be a message.
     *
     * @return the same descriptor each time
     */
    public int roomDescriptor() {
        int[] fd = new int[1];
        call(queue -> Raw.cq_room_fd(queue, fd), 0);
        return fd[0];
    }

    /**
     * A view of this queue as the standard library's, of objects. Closing the queue ends it.
     *
     * @param <T> the objects
     * @param codec how they become messages and back
     * @return the view, whose iterator shows copies of what is waiting and removes nothing
     */
    public <T> BlockingQueue<T> asBlockingQueue(Codec<T> codec) {
        return new BlockingQueueView<>(this, codec);
    }

    /** {@return the version of the native library, such as "1.0.0"} */
    public static String version() {
        return Raw.cq_version();
    }

    /** {@return the version of the native library's interface} */
    public static long abiVersion() {
        return RawJNI.cq_abi_version();
    }

    // ---- inside ------------------------------------------------------------------------------------------------------------

    Handle handle() {
        return handle;
    }

    static void checkSize(int size) {
        if (size < 0) {
            throw new IllegalArgumentException("a message of " + size + " bytes");
        }
    }

    private interface Call {
        int run(long queue);
    }

    private int call(Call call, long size) {
        long queue = handle.enter();
        int result;
        try {
            result = call.run(queue);
        } finally {
            handle.exit();
        }
        return handle.check(result, size);
    }

    /** Waiting goes on although nobody else knows this queue any more: it must not be cleaned up between two slices. */
    private <T> T await(long timeoutNs, Waiting.Attempt<T> attempt) throws InterruptedException {
        try {
            return Waiting.until(timeoutNs, attempt);
        } finally {
            Reference.reachabilityFence(this);
        }
    }
}
