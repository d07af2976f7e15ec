package io.cqueue;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * ByteBuffers on a region's memory that can be kept for ever, harmlessly: see view.h.
 *
 * <p>They are slices of a few large buffers, which they keep reachable. So that one of those is gone tells that nobody
 * can look at the messages any more that were shown through it; and that all are, that the view's addresses can be let
 * go.
 */
final class Views {
    /** Buffers reach 2 GiB - 1 byte. Beginning at every GiB, one of them holds any message of up to 1 GiB. */
    private static final int STEP = 30;

    /** Messages that are shown through one large buffer: one that is forgotten waits for the others. */
    private static final int USES = 64;

    private static final AtomicInteger left = new AtomicInteger(); // detached, and not free yet

    private Mapping mapping; // null: no buffer was asked for
    private Lease[] current;

    /**
     * The view, as long as the queue or a large buffer has it. It does not know them, so that they can become garbage.
     */
    private static final class Mapping {
        final long region;
        final long size;
        final long view;
        final AtomicInteger users = new AtomicInteger(1);

        Mapping(long[] bounds) {
            region = bounds[0];
            size = bounds[1];
            view = bounds[2];
        }

        void drop() {
            if (users.decrementAndGet() == 0) {
                Raw.view_free(view, size);
                left.decrementAndGet();
            }
        }
    }

    /** Who is shown memory. */
    interface User {
        /** It is shown through a buffer of this. */
        void uses(Lease lease);
    }

    /** A large buffer, as long as it or a slice of it can be reached. */
    static final class Lease implements Runnable {
        private final Mapping mapping;
        private final WeakReference<ByteBuffer> buffer;
        private int uses;
        private List<Runnable> deferred = new ArrayList<>(); // null: it is gone

        private Lease(Mapping mapping, ByteBuffer buffer) {
            this.mapping = mapping;
            this.buffer = new WeakReference<>(buffer);
            mapping.users.incrementAndGet();
        }

        /** Do something once nobody can look through it any more. {@return false: nobody can} */
        synchronized boolean defer(Runnable what) {
            return deferred != null && deferred.add(what);
        }

        @Override
        public void run() {
            List<Runnable> due;
            synchronized (this) {
                due = deferred;
                deferred = null;
            }
            due.forEach(Runnable::run);
            mapping.drop();
        }
    }

    /** A buffer on `size` bytes at `data` in the region. The handle is in use, so it is not detached meanwhile. */
    synchronized ByteBuffer at(Handle handle, long data, int size, User user) {
        if (mapping == null) {
            mapping = map(handle, data);
            current = new Lease[(int) ((mapping.size - 1) >>> STEP) + 1];
        }
        int which = (int) ((data - mapping.region) >>> STEP);
        long begin = (long) which << STEP;
        Lease lease = current[which];
        ByteBuffer large = lease == null || lease.uses >= USES ? null : lease.buffer.get();
        if (large == null) {
            large = Raw.view_buffer(mapping.view + begin, Math.min(mapping.size - begin, Integer.MAX_VALUE));
            lease = new Lease(mapping, large);
            Handle.CLEANER.register(large, lease);
            current[which] = lease;
        }
        lease.uses++;
        user.uses(lease);
        return large.slice((int) (data - mapping.region - begin), size);
    }

    /** {@return how many views stand without a queue, for buffers that may be reachable still} */
    static int detached() {
        return left.get();
    }

    /** Cut all buffers off from the region. */
    synchronized void detach() {
        if (mapping != null) {
            left.incrementAndGet();
            // Out of memory is no reason to fail: the view stands then until it is freed, and so does the region's
            // memory.
            Raw.view_detach(mapping.view, mapping.size);
            mapping.drop();
            current = null;
        }
    }

    private static Mapping map(Handle handle, long data) {
        long[] bounds = new long[3];
        handle.check(Raw.view_open(data, bounds), 0);
        return new Mapping(bounds);
    }
}
