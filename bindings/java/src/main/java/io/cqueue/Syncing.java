package io.cqueue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Syncs of one handle: a thread of its own waits for the disk, so that those who asked are parked and may be
 * interrupted. All who ask while one sync is under way share the next.
 *
 * <p>It must know a Handle and no CQueue, as {@link Watcher}.
 */
final class Syncing {
    private static final int STACK = 256 * 1024;
    private static final long IDLE_MS = 1000; // after which the thread ends

    private final Handle handle;
    private List<CompletableFuture<Void>> asked = new ArrayList<>();
    private boolean runs;

    Syncing(Handle handle) {
        this.handle = handle;
    }

    /** {@return what is completed when all that happened before is on the disk} */
    synchronized CompletableFuture<Void> ask() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        asked.add(done);
        if (runs) {
            notifyAll();
        } else {
            Thread thread = new Thread(null, this::run, "cqueue " + handle.name() + " sync", STACK, false);
            thread.setDaemon(true);
            thread.setContextClassLoader(null); // it may outlive who started it
            thread.start();
            runs = true;
        }
        return done;
    }

    private void run() {
        for (List<CompletableFuture<Void>> all = next(); !all.isEmpty(); all = next()) {
            Throwable failure = sync();
            for (CompletableFuture<Void> each : all) {
                // What depends on it runs elsewhere: the next sync does not wait for that.
                Promise.execute(each.defaultExecutor(), () -> {
                    if (failure == null) {
                        each.complete(null);
                    } else {
                        each.completeExceptionally(failure);
                    }
                });
            }
        }
    }

    private synchronized List<CompletableFuture<Void>> next() {
        try {
            if (asked.isEmpty()) {
                wait(IDLE_MS);
            }
        } catch (InterruptedException e) {
            assert false : "nobody interrupts it";
        }
        List<CompletableFuture<Void>> all = asked;
        asked = new ArrayList<>();
        runs = !all.isEmpty();
        return all;
    }

    private Throwable sync() {
        try {
            int result;
            do {
                long queue = handle.enter();
                try {
                    result = RawJNI.cq_sync(queue, -1);
                } finally {
                    handle.exit();
                }
            } while (result == Raw.CQ_CANCELLED && handle.watcher().goesOn());
            handle.check(result, 0);
            return null;
        } catch (CQueueException | QueueClosedException e) {
            return e;
        }
    }
}
