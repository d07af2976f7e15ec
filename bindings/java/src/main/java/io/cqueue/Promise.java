package io.cqueue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * A wait without a thread. Completed from outside, as by cancelling or by a time-out, it leaves without having taken
 * anything: what was taken for it is in it. What depends on it runs in the default executor of futures, never in the
 * watcher.
 */
final class Promise<T> extends CompletableFuture<T> {
    private final Handle handle;
    private final Watcher.Side side;
    private final Waiter<T> waiter;

    private Promise(Handle handle, Watcher.Side side, Waiter.Attempt<T> attempt) {
        this.handle = handle;
        this.side = side;
        waiter = new Waiter<>(attempt) {
            @Override
            void ended() {
                execute(defaultExecutor(), Promise.this::settle);
            }
        };
    }

    static <T> CompletableFuture<T> of(Handle handle, Watcher.Side side, Waiter.Attempt<T> attempt) {
        try {
            T now = attempt.run();
            if (now != null) {
                return completedFuture(now);
            }
            Promise<T> promise = new Promise<>(handle, side, attempt);
            side.add(promise.waiter, false);
            return promise;
        } catch (CQueueException | QueueClosedException e) {
            return failedFuture(e);
        }
    }

    static void execute(Executor executor, Runnable task) {
        try {
            executor.execute(task);
        } catch (RejectedExecutionException e) {
            task.run();
        }
    }

    private void settle() {
        try {
            if (waiter.failure() != null) {
                super.completeExceptionally(waiter.failure());
            } else {
                handle.check(waiter.result(), 0);
                super.complete(waiter.served());
            }
        } catch (RuntimeException e) {
            super.completeExceptionally(e);
        }
    }

    @Override
    public boolean complete(T value) {
        return side.leave(waiter) && super.complete(value);
    }

    @Override
    public boolean completeExceptionally(Throwable why) {
        return side.leave(waiter) && super.completeExceptionally(why);
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return side.leave(waiter) && super.cancel(mayInterruptIfRunning);
    }
}
