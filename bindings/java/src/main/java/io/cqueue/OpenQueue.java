package io.cqueue;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** What of a {@link CQueue} is about no message of the caller's: what it is, what can be seen of it, and its end. */
abstract class OpenQueue implements AutoCloseable {
    private final Handle handle;
    private final Cleaner.Cleanable cleanable;
    private final Set<Thread> walkers = ConcurrentHashMap.newKeySet();
    private volatile long[] geometry;

    OpenQueue(Handle handle) {
        this.handle = handle;
        cleanable = Handle.CLEANER.register(this, handle);
    }

    /**
     * Close the handle. Messages that were taken in place and not released are delivered again, reservations are given
     * up. Closing a closed queue does nothing.
     *
     * @throws IllegalStateException if called by a visitor of {@link #walk}, which it would wait for
     */
    @Override
    public void close() {
        if (walkers.contains(Thread.currentThread())) {
            throw new IllegalStateException(
                    "\"" + name() + "\": a walk's visitor cannot close the queue: end the walk first");
        }
        handle.run();
        cleanable.clean();
    }

    /**
     * End all waits on this handle, now and until {@link #resetCancel}: with {@link CQueueException.Cancelled},
     * wherever they would have to sleep. What does not wait goes on as ever; other handles are not touched.
     */
    public void cancel() {
        handle.watcher().cancel();
    }

    /** Allow waits again. Those that were to end have ended, or will. */
    public void resetCancel() {
        handle.watcher().resetCancel();
    }

    /** {@return whether it was closed} */
    public boolean isClosed() {
        return handle.isClosed();
    }

    /** {@return the queue's name} */
    public String name() {
        return handle.name();
    }

    /** {@return the directory that it was opened in; null: the platform's shared memory} */
    public Path directory() {
        return handle.options().directory();
    }

    /** {@return how many messages may wait} */
    public long capacity() {
        return geometry()[0];
    }

    /** {@return how large a message may be, in bytes} */
    public long maxMessageSize() {
        return geometry()[1];
    }

    /**
     * {@return how many messages wait, those to be delivered again included}. Cheap, and out of date when it is known.
     */
    public long size() {
        long[] length = new long[1];
        call(queue -> RawJNI.cq_length(queue, length), 0);
        return length[0];
    }

    /** {@return whether no message waits} */
    public boolean isEmpty() {
        return size() == 0;
    }

    /** {@return what it is, for people: name, directory, sizes, how many messages wait} */
    @Override
    public String toString() {
        String what = "CQueue[" + name() + (directory() == null ? "" : " in " + directory());
        try {
            return what + ", " + size() + " of " + Text.count(capacity(), "message") + " of up to "
                    + Text.count(maxMessageSize(), "byte") + "]";
        } catch (QueueClosedException e) {
            return what + ", closed]";
        } catch (CQueueException e) {
            return what + ", " + e.code() + "]";
        }
    }

    /** {@return for what is put} */
    final CQueueException tooManyHeaders(int size) {
        return CQueueException.of(Raw.CQ_ETOOBIG, "\"" + name() + "\": headers of " + size + " bytes, the queue takes "
                + geometry()[2] + ": create it with a larger maxHeaders, or send fewer", size);
    }

    /** What never changes: capacity, message size, size of headers. Threads may race to ask; the answer is the same. */
    private long[] geometry() {
        long[] known = geometry;
        if (known == null) {
            Stats stats = stats();
            known = new long[] {stats.capacity(), stats.maxMessageSize(), stats.maxHeaders()};
            geometry = known;
        }
        return known;
    }

    // ---- looking on -----------------------------------------------------------------------------------------------

    /**
     * Show a copy of each waiting message, in the order of delivery, without taking any. Messages that come or go
     * meanwhile may be shown or not.
     *
     * @param visitor returns whether to go on; it must not close the queue
     */
    public void walk(Predicate<? super Message> visitor) {
        Objects.requireNonNull(visitor, "visitor");
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
        call(queue -> RawJNI.cq_participants(queue,
                address -> all.add(Participant.of(new cq_participant(address, false)))), 0);
        return List.copyOf(all);
    }

    /**
     * Give all memory that holds no message back to the file system at once, unless it was reserved. This happens by
     * itself as well, within about a second.
     *
     * @return how many bytes that were
     */
    public long trim() {
        long[] bytes = new long[1];
        call(queue -> RawJNI.cq_trim(queue, bytes), 0);
        return bytes[0];
    }

    /**
     * Look for dead participants now, and finish or undo what they left. This happens by itself as well, when a queue
     * is opened or somebody waits.
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
     * A file descriptor that is readable while a message may be waiting, for event loops outside of Java. It belongs to
     * this handle: do not read, write or close it; poll until there is no message, which makes it unreadable again.
     *
     * @return the same descriptor each time
     */
    public int descriptor() {
        int[] fd = new int[1];
        call(queue -> Raw.cq_fd(queue, fd), 0);
        return fd[0];
    }

    /**
     * A file descriptor that is readable while there may be room, as {@link #descriptor} is while there may be a
     * message.
     *
     * @return the same descriptor each time
     */
    public int roomDescriptor() {
        int[] fd = new int[1];
        call(queue -> Raw.cq_room_fd(queue, fd), 0);
        return fd[0];
    }

    // ---- messages that come from elsewhere ------------------------------------------------------------------------

    /**
     * The number that a source has come to, see {@link CQueue#offerFrom}.
     *
     * @param name of the source
     * @return 0 if the queue does not know it
     */
    public long source(String name) {
        long[] number = new long[1];
        call(queue -> RawJNI.cq_source(queue, Text.source(name), number), 0);
        return number[0];
    }

    /** {@return the sources that the queue knows, and the number that each has come to} */
    public Map<String, Long> sources() {
        Map<String, Long> all = new LinkedHashMap<>();
        call(queue -> RawJNI.cq_sources(queue, (name, number) -> {
            all.put(Text.decode(name), number);
            return true;
        }), 0);
        return all;
    }

    /**
     * Raise a source's number without a message: what comes from there up to this number is not wanted.
     *
     * @param name of the source
     * @param number 1 or more
     * @return false: it was as high already
     */
    public boolean raiseSource(String name, long number) {
        checkNumber(number);
        return call(queue -> RawJNI.cq_raise_source(queue, Text.source(name), number), 0)
                == Raw.CQ_OK;
    }

    // ---- surviving power cuts ------------------------------------------------------------------------------------

    /**
     * Put a durable queue on the disk as it is now: all that any process had put survives a power cut from then on.
     * Many threads and processes share one flush.
     *
     * @throws InterruptedException if the thread was interrupted; the sync goes on by itself
     * @throws CQueueException.DiskFailure if the disk failed: everything is in the queue still, and the next sync tries
     *     again
     */
    public void sync() throws InterruptedException {
        sync(Waiting.FOR_EVER, TimeUnit.NANOSECONDS);
    }

    /**
     * As {@link #sync()}, for a time.
     *
     * @param timeout how long at most
     * @param unit of the time-out
     * @return false: it timed out, and goes on by itself
     * @throws InterruptedException if the thread was interrupted; the sync goes on by itself
     */
    public boolean sync(long timeout, TimeUnit unit) throws InterruptedException {
        try {
            syncAsync().get(timeout, unit);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof QueueClosedException closed) {
                throw closed;
            } else if (e.getCause() instanceof CQueueException failure) {
                throw failure;
            }
            throw new AssertionError(e.getCause());
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** {@return what is completed when all that happened before is on the disk} No thread waits for it. */
    public CompletableFuture<Void> syncAsync() {
        if (isClosed()) {
            return CompletableFuture.failedFuture(new QueueClosedException(name()));
        }
        return handle.syncing().ask();
    }

    /** {@return where a durable queue is kept; null: it is not durable} */
    public Path durableDirectory() {
        if (!stats().durable()) {
            return null;
        }
        byte[] path = new byte[4096];
        call(queue -> RawJNI.cq_durable_directory(queue, path), 0);
        int length = 0;
        while (path[length] != 0) {
            length++;
        }
        return Path.of(Text.decode(Arrays.copyOf(path, length)));
    }

    // ---- inside ---------------------------------------------------------------------------------------------------

    final Handle handle() {
        return handle;
    }

    /** C's numbers have no sign: -1 would be the highest. */
    static void checkNumber(long number) {
        if (number < 1) {
            throw new IllegalArgumentException("a source's number of " + number + ": it is 1 or more");
        }
    }

    static void checkSize(int size) {
        if (size < 0) {
            throw new IllegalArgumentException("a message of " + size + " bytes");
        }
    }

    interface Call {
        int run(long queue);
    }

    final int call(Call call, long size) {
        long queue = handle.enter();
        int result;
        try {
            result = call.run(queue);
        } finally {
            handle.exit();
        }
        return handle.check(result, size);
    }

    /** Waiting goes on although nobody else knows this queue any more: it must not be cleaned up meanwhile. */
    final <T> T await(Watcher.Side side, long timeoutNs, Waiter.Attempt<T> attempt) throws InterruptedException {
        try {
            return Waiting.until(handle, side, timeoutNs, attempt);
        } finally {
            Reference.reachabilityFence(this);
        }
    }
}
