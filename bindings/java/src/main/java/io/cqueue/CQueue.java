package io.cqueue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * An open handle on a queue of byte messages in shared memory. Its vocabulary is {@link BlockingQueue}'s: {@code offer}
 * and {@code poll} try or wait for a time, {@code put} and {@code take} wait for ever, and waiting is ended by
 * {@link Thread#interrupt}.
 *
 * <pre>{@code
 * try (CQueue queue = CQueue.open("orders", new Options().capacity(1000).maxMessageSize(256))) {
 *     queue.put("order 1".getBytes(UTF_8));
 *     byte[] message = queue.take();
 * }
 * }</pre>
 *
 * <p>Any number of threads may use a handle at once, and any of them may close it: calls under way are waited for,
 * those that wait for a message or for room end with {@link QueueClosedException}, as all later ones do. A handle that
 * was forgotten is closed when it is garbage, some time. {@link #cancel} ends the waits and leaves the handle open.
 *
 * <p>When the queue was removed ({@link #unlink}) by another process, waits end with {@link CQueueException.Stale}
 * instead of sleeping.
 *
 * <p>Every method may throw {@link CQueueException} and {@link QueueClosedException}. When a method that takes messages
 * out by copying has returned, the message is gone (at most once); {@link Received} is for those who want it again if
 * they die over it.
 */
public final class CQueue extends SendingQueue {
    private CQueue(Handle handle) {
        super(handle);
    }

    // ---- opening --------------------------------------------------------------------------------------------------

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
        NativeLibrary.load();
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

    // ---- messages out ---------------------------------------------------------------------------------------------

    /** {@return the oldest message, or null if there is none} */
    public byte[] poll() {
        return Copying.receive(handle());
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
        return await(handle().watcher().messages, unit.toNanos(timeout), () -> Copying.receive(handle()));
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
     * The oldest message, once there is one. No thread waits for it.
     *
     * @return its bytes; or a {@link QueueClosedException} or {@link CQueueException}. If it is cancelled or timed out,
     *     no message was taken. What depends on it runs in the default executor of futures.
     */
    public CompletableFuture<byte[]> takeAsync() {
        return Promise.of(handle(), handle().watcher().messages, this::poll);
    }

    /**
     * Copy the oldest message into an array.
     *
     * @param into where to
     * @return its size, or -1 if there is none
     * @throws CQueueException.BufferTooSmall if it does not fit; it stays queued
     */
    public int poll(byte[] into) {
        return Copying.dequeue(handle(), into, 0, into.length);
    }

    /**
     * Copy the oldest message into a buffer of any kind, from its position on.
     *
     * @param into where to; the position moves behind the message
     * @return its size, or -1 if there is none
     * @throws CQueueException.BufferTooSmall if it is larger than what remains; it stays queued
     */
    public int poll(ByteBuffer into) {
        return Copying.dequeue(handle(), into);
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
        Integer size = await(handle().watcher().messages, unit.toNanos(timeout), () -> {
            int received = Copying.dequeue(handle(), into);
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
        return Copying.dequeue(handle(), batch);
    }

    /**
     * Take as many of the oldest messages as are waiting and find room in a batch, waiting for the first.
     *
     * @param batch what it held before is gone; it grows if the first message needs more
     * @param timeout how long at most
     * @param unit of the time-out
     * @return how many there are in it now, 0 if none came in time
     * @throws InterruptedException if the thread was interrupted; no message was taken
     */
    public int poll(Batch batch, long timeout, TimeUnit unit) throws InterruptedException {
        Integer count = await(handle().watcher().messages, unit.toNanos(timeout), () -> {
            int received = Copying.dequeue(handle(), batch);
            return received == 0 ? null : received;
        });
        return count == null ? 0 : count;
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
        Objects.requireNonNull(to, "to");
        int moved = 0;
        // One by one, and released when it is there: a collection that refuses a message costs none.
        for (Received message; moved < max && (message = pollInPlace()) != null; moved++) {
            try (Received held = message) {
                to.add(held.toByteArray());
                held.release();
            }
        }
        return moved;
    }

    // ---- in place -------------------------------------------------------------------------------------------------

    /** {@return the oldest message, to be read in place and released; null if there is none} */
    public Received pollInPlace() {
        return received(takeRaw());
    }

    private long[] takeRaw() {
        long[] message = Loan.newMessage();
        return call(queue -> RawJNI.cq_take(queue, message), 0) == Raw.CQ_OK ? message : null;
    }

    /** By the thread that asked for it. */
    private Received received(long[] message) {
        return message == null ? null : new Received(this, message, Loan.trace(handle()));
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
        return received(await(handle().watcher().messages, unit.toNanos(timeout), this::takeRaw));
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

    /**
     * As many of the oldest messages as are waiting, to be read in place and released.
     *
     * @param max how many at most
     * @return the messages, none if none was waiting
     */
    public ReceivedBatch pollInPlace(int max) {
        return receive(max <= 0 ? null : pollInPlace(), max);
    }

    /**
     * As many of the oldest messages as are waiting, to be read in place and released, waiting for the first.
     *
     * @param max how many at most, 1 at least
     * @param timeout how long at most
     * @param unit of the time-out
     * @return the messages, none if none came in time
     * @throws InterruptedException if the thread was interrupted; no message was taken
     */
    public ReceivedBatch pollInPlace(int max, long timeout, TimeUnit unit) throws InterruptedException {
        if (max < 1) {
            throw new IllegalArgumentException("a batch of " + max + " messages, it needs one at least");
        }
        return receive(pollInPlace(timeout, unit), max);
    }

    private ReceivedBatch receive(Received first, int max) {
        List<Received> messages = new ArrayList<>();
        try {
            for (Received next = first; next != null; next = messages.size() < max ? pollInPlace() : null) {
                messages.add(next);
            }
            return new ReceivedBatch(messages);
        } catch (Throwable e) {
            messages.forEach(Received::close);
            throw e;
        }
    }

    /**
     * The oldest message, to be read in place and released, once there is one. No thread waits for it.
     *
     * @return it; or a {@link QueueClosedException} or {@link CQueueException}. If it is cancelled or timed out, no
     *     message was taken. What depends on it runs in the default executor of futures.
     */
    public CompletableFuture<Received> takeInPlaceAsync() {
        Throwable trace = Loan.trace(handle());
        return Promise.of(handle(), handle().watcher().messages, () -> {
            long[] message = takeRaw();
            return message == null ? null : new Received(this, message, trace);
        });
    }

    /**
     * Messages as they come, each taken in place when it is asked for: {@link #takeInPlace} again and again. One that
     * is not released when the next is asked for, or when the stream is closed, is given back; so use each before.
     *
     * <pre>{@code
     * try (Stream<Received> messages = queue.messages()) {
     *     messages.limit(1000).forEach(message -> {
     *         handle(message.buffer());
     *         message.release();
     *     });
     * }
     * }</pre>
     *
     * @return a stream to be closed. It ends when the queue is closed, when its waits are cancelled, and when the
     *     thread is interrupted, which it stays then
     */
    public Stream<Received> messages() {
        return Lending.stream(this::takeInPlace, Received::close);
    }

    /**
     * Messages as a subscriber asks for them, to be read in place and released: those that it does not release are
     * delivered again. Each subscriber has messages of its own, in competition with all others that receive. It is
     * completed when this queue is closed; what it throws ends its subscription and gives the message back.
     *
     * @return the publisher, which calls subscribers by the common pool
     */
    public Flow.Publisher<Received> publisher() {
        return publisher(ForkJoinPool.commonPool());
    }

    /**
     * As {@link #publisher()}.
     *
     * @param executor calls the subscribers
     * @return the publisher
     */
    public Flow.Publisher<Received> publisher(Executor executor) {
        Objects.requireNonNull(executor, "executor");
        return subscriber -> Publication.begin(this, executor, subscriber);
    }

    /**
     * This queue as one of objects. A message that cannot be decoded stays in the queue, and is thrown as a {@link
     * DecodeException}.
     *
     * @param <T> the objects
     * @param codec how they become messages and back
     * @return the queue, a {@link BlockingQueue}. Closing this one ends it
     */
    public <T> TypedQueue<T> typed(Codec<T> codec) {
        return typed(codec, PoisonHandler.keep());
    }

    /**
     * This queue as one of objects.
     *
     * @param <T> the objects
     * @param codec how they become messages and back
     * @param poison what becomes of messages that cannot be decoded
     * @return the queue, a {@link BlockingQueue}. Closing this one ends it
     */
    public <T> TypedQueue<T> typed(Codec<T> codec, PoisonHandler poison) {
        return new TypedQueue<>(this, codec, poison);
    }

    /**
     * As {@link #typed(Codec)}, for what needs no more than the standard library's interface.
     *
     * @param <T> the objects
     * @param codec how they become messages and back
     * @return the queue
     */
    public <T> BlockingQueue<T> asBlockingQueue(Codec<T> codec) {
        return typed(codec);
    }

    /** {@return the version of the native library, such as "1.0.0"} */
    public static String version() {
        NativeLibrary.load();
        return Raw.cq_version();
    }

    /** {@return the version of the native library's interface} */
    public static long abiVersion() {
        NativeLibrary.load();
        return RawJNI.cq_abi_version();
    }
}
