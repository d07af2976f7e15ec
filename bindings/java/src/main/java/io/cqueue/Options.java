package io.cqueue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * How to open a queue: {@code new Options().capacity(1000).maxMessageSize(256)}. What is not set is the default, or
 * whatever the queue has if it exists.
 */
public final class Options {
    /** What to do if the queue exists, and if it does not. */
    public enum Mode {
        /** Create the queue, or attach to it if it exists. The default. */
        CREATE(Raw.CQ_CREATE),
        /** Create the queue, or fail with {@link CQueueException.AlreadyExists}. */
        EXCLUSIVE(Raw.CQ_EXCLUSIVE),
        /** Attach to the queue, or fail with {@link CQueueException.NotFound}. */
        ATTACH(Raw.CQ_ATTACH),
        /** Attach to look on: only {@link CQueue#walk}, {@link CQueue#size}, {@link CQueue#stats} and
         * {@link CQueue#participants} work. Needs read permission alone. */
        READ_ONLY(Raw.CQ_READ_ONLY);

        private final int flag;

        Mode(int flag) {
            this.flag = flag;
        }
    }

    private Mode mode = Mode.CREATE;
    private long capacity;
    private long maxMessageSize;
    private int permissions;
    private Path directory;
    private boolean anyFilesystem;
    private boolean trust;
    private boolean keepUnlinked;
    private long maxHeld;
    private long maxMemory;
    private long reserve;
    private long maxHeaders;
    private boolean exclusiveConsumer;
    private boolean enqueueTimes;
    private long maxDeliveries;
    private String deadLetter;
    private Duration timeToLive = Duration.ZERO;
    private boolean durable;
    private boolean sync;
    private Path durableDirectory;
    private boolean tracesLoans;

    /** All defaults. */
    public Options() {}

    Options(Options other) {
        mode = other.mode;
        capacity = other.capacity;
        maxMessageSize = other.maxMessageSize;
        permissions = other.permissions;
        directory = other.directory;
        anyFilesystem = other.anyFilesystem;
        trust = other.trust;
        keepUnlinked = other.keepUnlinked;
        maxHeld = other.maxHeld;
        maxMemory = other.maxMemory;
        reserve = other.reserve;
        maxHeaders = other.maxHeaders;
        exclusiveConsumer = other.exclusiveConsumer;
        enqueueTimes = other.enqueueTimes;
        maxDeliveries = other.maxDeliveries;
        deadLetter = other.deadLetter;
        timeToLive = other.timeToLive;
        durable = other.durable;
        sync = other.sync;
        durableDirectory = other.durableDirectory;
        tracesLoans = other.tracesLoans;
    }

    private static long atLeast0(String what, long number) {
        if (number < 0) {
            throw new IllegalArgumentException(what + " is " + number + ": it is 0 (for the default) or more");
        }
        return number;
    }

    /**
     * Create, attach or look on.
     *
     * @param mode {@link Mode#CREATE} unless set
     * @return this
     */
    public Options mode(Mode mode) {
        this.mode = Objects.requireNonNull(mode, "mode");
        return this;
    }

    /**
     * How many messages may wait.
     *
     * @param messages 1 to 2<sup>31</sup>; 0: 65,536, or what the queue has
     * @return this
     */
    public Options capacity(long messages) {
        capacity = atLeast0("capacity", messages);
        return this;
    }

    /**
     * How large a message may be. Up to 12 KiB this is what a place in the queue costs, however small the messages are;
     * beyond, a message takes the pages of 4 KiB that it needs. Choose the largest that is sent often, and send what is
     * larger by another way, such as the name of a file.
     *
     * @param bytes up to 1 GiB; 0: 4,096, or what the queue has
     * @return this
     */
    public Options maxMessageSize(long bytes) {
        maxMessageSize = atLeast0("maxMessageSize", bytes);
        return this;
    }

    /**
     * The permissions of a new file; and when attaching, how much is accepted of somebody else's.
     *
     * @param permissions as of chmod, such as 0660; 0: 0600
     * @return this
     */
    public Options permissions(int permissions) {
        this.permissions = permissions;
        return this;
    }

    /**
     * Where the queue's file is.
     *
     * @param directory null: the platform's shared memory, /dev/shm
     * @return this
     */
    public Options directory(Path directory) {
        this.directory = directory;
        return this;
    }

    /**
     * Do not refuse a filesystem by its kind; what it must do is still tested.
     *
     * @param any false unless set
     * @return this
     */
    public Options anyFilesystem(boolean any) {
        anyFilesystem = any;
        return this;
    }

    /**
     * Accept the queue whoever owns its file and whoever of the file's group may write it. One that everybody may write
     * is never accepted.
     *
     * @param trust false unless set
     * @return this
     */
    public Options trust(boolean trust) {
        this.trust = trust;
        return this;
    }

    /**
     * Let waits go on when the queue was removed, instead of ending them with {@link CQueueException.Stale}.
     *
     * @param keep false unless set
     * @return this
     */
    public Options keepUnlinked(boolean keep) {
        keepUnlinked = keep;
        return this;
    }

    /**
     * How many messages consumers may hold at a time, beside those that wait.
     *
     * @param messages 0: a number that follows from the capacity, or what the queue has
     * @return this
     */
    public Options maxHeld(long messages) {
        maxHeld = atLeast0("maxHeld", messages);
        return this;
    }

    /**
     * How many bytes of memory or disk the queue may take, when it is created. It is full when it would need more.
     *
     * @param bytes 0: any number
     * @return this
     */
    public Options maxMemory(long bytes) {
        maxMemory = atLeast0("maxMemory", bytes);
        return this;
    }

    /**
     * How many bytes of memory or disk for messages the queue takes at once, when it is created, and keeps. As long as it
     * holds no more, no call fails for want of memory.
     *
     * @param bytes 0: none
     * @return this
     */
    public Options reserve(long bytes) {
        reserve = atLeast0("reserve", bytes);
        return this;
    }

    /**
     * How many bytes the headers of a message may have; each message costs so many more. A property of the queue, as
     * the following ones: given when it is created, and left out or the same later.
     *
     * @param bytes at most 65,535; 0: messages have no headers, or what the queue has
     * @return this
     */
    public Options maxHeaders(long bytes) {
        maxHeaders = atLeast0("maxHeaders", bytes);
        return this;
    }

    /**
     * One consumer at a time: the first handle that takes is the only one until it is closed or its process dies; then
     * the next is.
     *
     * @param exclusive false unless set
     * @return this
     */
    public Options exclusiveConsumer(boolean exclusive) {
        exclusiveConsumer = exclusive;
        return this;
    }

    /**
     * Remember when each message was put: {@link Received#enqueueTime}.
     *
     * @param times false unless set
     * @return this
     */
    public Options enqueueTimes(boolean times) {
        enqueueTimes = times;
        return this;
    }

    /**
     * Move a message that was delivered so often, and neither released nor polled, to another queue of the same
     * directory in place of delivering it again.
     *
     * @param maxDeliveries 1 to 254
     * @param queue its name; it need not exist yet
     * @return this
     */
    public Options deadLetter(int maxDeliveries, String queue) {
        this.maxDeliveries = atLeast0("maxDeliveries", maxDeliveries);
        deadLetter = Objects.requireNonNull(queue, "queue");
        return this;
    }

    /**
     * How old a message may become: then it goes to the {@link #deadLetter} queue, or is dropped if there is none.
     *
     * @param time zero: any age
     * @return this
     */
    public Options timeToLive(Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("timeToLive is " + time + ": it is zero (any age) or more");
        }
        timeToLive = time;
        return this;
    }

    /**
     * Create a queue that survives power cuts as far as {@link CQueue#sync} was called, or attach to one.
     *
     * @param durable false unless set
     * @return this
     */
    public Options durable(boolean durable) {
        this.durable = durable;
        return this;
    }

    /**
     * The directory on a disk that keeps what is synced, for this queue alone: {@link #durable} with that place. Made
     * if it does not exist; its parent must.
     *
     * @param directory null: beside the queue's file, so that has to be on a disk then
     * @return this
     */
    public Options durableDirectory(Path directory) {
        durableDirectory = directory;
        durable |= directory != null;
        return this;
    }

    /**
     * On this handle, have each call that changes the queue sync before it returns: what has returned is on the disk.
     * Implies {@link #durable}.
     *
     * @param sync false unless set
     * @return this
     */
    public Options sync(boolean sync) {
        this.sync = sync;
        return this;
    }

    /**
     * Remember where each message in place was taken or reserved, so that the logger {@code io.cqueue} can tell of
     * those that are forgotten. It makes them a good deal slower.
     *
     * @param trace false unless set
     * @return this
     */
    public Options traceLoans(boolean trace) {
        tracesLoans = trace;
        return this;
    }

    boolean tracesLoans() {
        return tracesLoans;
    }

    /** {@return whether calls may wait for the disk} */
    boolean syncs() {
        return sync;
    }

    Path directory() {
        return directory;
    }

    /** For the C interface; to be deleted. A negative number is out of range there, as a large one. */
    cq_config config() {
        cq_config config = new cq_config();
        config.setFlags(mode.flag | (anyFilesystem ? Raw.CQ_ANY_FILESYSTEM : 0) | (trust ? Raw.CQ_TRUST : 0)
                | (keepUnlinked ? Raw.CQ_KEEP_UNLINKED : 0) | (durable ? Raw.CQ_DURABLE : 0)
                | (sync ? Raw.CQ_SYNC : 0) | (exclusiveConsumer ? Raw.CQ_EXCLUSIVE_CONSUMER : 0)
                | (enqueueTimes ? Raw.CQ_ENQUEUE_TIMES : 0));
        config.setMax_headers(maxHeaders);
        config.setMax_deliveries(maxDeliveries);
        config.setDead_letter(deadLetter);
        config.setTime_to_live(Times.nanos(timeToLive));
        config.setCapacity(capacity);
        config.setMax_message_size(maxMessageSize);
        config.setMax_held(maxHeld);
        config.setMax_memory(maxMemory);
        config.setReserve(reserve);
        config.setPermissions(Integer.toUnsignedLong(permissions));
        config.setDurable_directory(durableDirectory == null ? null : durableDirectory.toAbsolutePath().toString());
        config.setDirectory(directory == null ? null : directory.toString());
        return config;
    }
}
