package io.cqueue;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * ByteBuffers on a region's memory that can be kept for ever, harmlessly: see view.h.
 *
 * <p>They are slices of a few large buffers, which they keep reachable. So that those are gone tells that nobody can look at the
 * view any more, and its addresses are let go.
 */
final class Views {
    /** Buffers reach 2 GiB - 1 byte. Beginning at every GiB, one of them holds any message of up to 1 GiB. */
    private static final int STEP = 30;

    /** Addresses are nothing that the garbage collector is short of: it must be told to look for so many of them. */
    private static final int MANY = 256;

    private static final AtomicInteger left = new AtomicInteger(); // detached, and not free yet

    private Mapping mapping; // null: no buffer was asked for
    private ByteBuffer[] large;

    /** The view, as long as the queue or a large buffer has it. It does not know them, so that they can become garbage. */
    private static final class Mapping implements Runnable {
        final long region;
        final long size;
        final long view;
        final AtomicInteger users = new AtomicInteger(1);

        Mapping(long[] bounds) {
            region = bounds[0];
            size = bounds[1];
            view = bounds[2];
        }

        @Override
        public void run() {
            if (users.decrementAndGet() == 0) {
                Raw.view_free(view, size);
                left.decrementAndGet();
            }
        }
    }

    /** A buffer on `size` bytes at `data` in the region. The handle is in use, so it is not detached meanwhile. */
    synchronized ByteBuffer at(Handle handle, long data, int size) {
        if (mapping == null) {
            mapping = map(handle, data);
            large = new ByteBuffer[(int) ((mapping.size - 1) >>> STEP) + 1];
        }
        int which = (int) ((data - mapping.region) >>> STEP);
        long begin = (long) which << STEP;
        if (large[which] == null) {
            ByteBuffer buffer = Raw.view_buffer(mapping.view + begin, Math.min(mapping.size - begin, Integer.MAX_VALUE));
            mapping.users.incrementAndGet();
            Handle.CLEANER.register(buffer, mapping);
            large[which] = buffer;
        }
        return large[which].slice((int) (data - mapping.region - begin), size);
    }

    /** {@return how many views stand without a queue, for buffers that may be reachable still} */
    static int detached() {
        return left.get();
    }

    /** Cut all buffers off from the region. */
    synchronized void detach() {
        if (mapping != null) {
            left.incrementAndGet();
            // Out of memory is no reason to fail: the view stands then until it is freed, and so does the region's memory.
            Raw.view_detach(mapping.view, mapping.size);
            mapping.run();
            large = null;
        }
    }

    private static Mapping map(Handle handle, long data) {
        long[] bounds = new long[3];
        if (left.get() >= MANY) {
            System.gc();
        }
        int result = Raw.view_open(data, bounds);
        for (int pause = 1; result == Raw.CQ_ENOMEM && pause < 500; pause *= 2) {
            System.gc();
            sleep(pause);
            result = Raw.view_open(data, bounds);
        }
        handle.check(result, 0);
        return new Mapping(bounds);
    }

    private static void sleep(int milliseconds) {
        try {
            TimeUnit.MILLISECONDS.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
