package io.cqueue;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The C handle, who is using it, and what its errors say.
 *
 * <p>The C handle must not be closed while a thread is inside a call with it. So every call is counted in and out, and
 * closing waits until nobody is in. That is never long: closing ends all waits.
 */
final class Handle implements Runnable {
    static final Cleaner CLEANER = Cleaner.create();

    private static final long CLOSED = Long.MIN_VALUE;
    private static final VarHandle CALLS;

    static {
        try {
            CALLS = MethodHandles.lookup().findVarHandle(Handle.class, "calls", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final String name;
    private final Options options;
    private final long queue;
    private final Views views = new Views();
    private final Watcher watcher = new Watcher(this);
    private final Syncing syncing = new Syncing(this);
    private final ReentrantLock closing = new ReentrantLock();
    int usualSize; // of messages, lately: a guess, which threads may race for
    private volatile long calls; // in flight; CLOSED is added once and for all

    private Handle(String name, Options options, long queue) {
        this.name = name;
        this.options = options;
        this.queue = queue;
    }

    static Handle open(String name, Options options) {
        Options kept = new Options(Objects.requireNonNull(options, "options"));
        NativeLibrary.load();
        cq_config config = kept.config();
        long[] queue = new long[1];
        try {
            int result = Raw.cq_open(name, config, queue);
            if (result < 0) {
                throw failure(result, name, config, 0);
            }
        } finally {
            config.delete();
        }
        return new Handle(name, kept, queue[0]);
    }

    String name() {
        return name;
    }

    Options options() {
        return options;
    }

    Watcher watcher() {
        return watcher;
    }

    Syncing syncing() {
        return syncing;
    }

    boolean isClosed() {
        return calls < 0;
    }

    /** Begin a call. {@return what to call with, until {@link #exit}} */
    long enter() {
        if ((long) CALLS.getAndAdd(this, 1L) < 0) {
            exit();
            throw new QueueClosedException(name);
        }
        return queue;
    }

    void exit() {
        CALLS.getAndAdd(this, -1L);
    }

    /** Close, once. The Cleaner's way to do it as well, so it must not lead to the CQueue. */
    @Override
    public void run() {
        closing.lock();
        try {
            if ((long) CALLS.getAndBitwiseOr(this, CLOSED) >= 0) {
                close();
            }
        } finally {
            closing.unlock();
        }
    }

    private void close() {
        boolean interrupted = false;
        watcher.close(queue);
        while (calls != CLOSED) {
            LockSupport.parkNanos(20_000);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        views.detach();
        Raw.cq_close(queue);
    }

    /** During a call: a buffer on memory of the region, which `user` is told of. */
    ByteBuffer view(long data, long size, Views.User user) {
        return views.at(this, data, (int) size, user);
    }

    /** {@return the result, if it is an ordinary one} `size` is what an error is about, where it is about one. */
    int check(int result, long size) {
        switch (result) {
            case Raw.CQ_OK, Raw.CQ_EMPTY, Raw.CQ_FULL, Raw.CQ_TIMEOUT, Raw.CQ_DUPLICATE -> {
                return result;
            }
            case Raw.CQ_CANCELLED -> {
                if (isClosed()) {
                    throw new QueueClosedException(name);
                }
            }
            default -> { }
        }
        cq_config config = options.config();
        try {
            throw failure(result, name, config, size);
        } finally {
            config.delete();
        }
    }

    static CQueueException failure(int result, String name, cq_config config, long size) {
        byte[] text = new byte[512];
        long length = Raw.cq_explain(result, name, config, size, text);
        if (length >= text.length) {
            // Again, with room for it and some more: what is found may have changed.
            text = new byte[(int) length + 256];
            length = Raw.cq_explain(result, name, config, size, text);
        }
        int end = (int) Math.min(length, text.length - 1);
        String sentence = Text.translate(Text.decode(Arrays.copyOf(text, end)));
        return CQueueException.of(result, sentence, size);
    }
}
