package io.cqueue;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A subscriber's messages, one taken after the other as it asks for them. Calls to it come from the executor, one at a
 * time.
 */
final class Publication implements Flow.Subscription {
    private final CQueue queue;
    private final Executor executor;
    private final Flow.Subscriber<? super Received> subscriber;
    private final AtomicLong demand = new AtomicLong();
    private final AtomicInteger work = new AtomicInteger(); // calls of `wake` that `run` has not looked at yet
    private volatile boolean cancelled;
    private volatile boolean asked; // for less than one message
    private CompletableFuture<Received> next; // only `run` uses it
    private boolean over; // the same

    private Publication(CQueue queue, Executor executor, Flow.Subscriber<? super Received> subscriber) {
        this.queue = queue;
        this.executor = executor;
        this.subscriber = subscriber;
    }

    static void begin(CQueue queue, Executor executor, Flow.Subscriber<? super Received> subscriber) {
        Publication publication = new Publication(queue, executor, Objects.requireNonNull(subscriber, "subscriber"));
        publication.work.incrementAndGet(); // nothing else before onSubscribe has returned
        Promise.execute(executor, () -> {
            subscriber.onSubscribe(publication);
            publication.run();
        });
    }

    @Override
    public void request(long messages) {
        if (messages <= 0) {
            asked = true;
        } else {
            demand.accumulateAndGet(messages, (before, more) -> before + more < 0 ? Long.MAX_VALUE : before + more);
        }
        wake();
    }

    @Override
    public void cancel() {
        cancelled = true;
        wake();
    }

    private void wake() {
        if (work.getAndIncrement() == 0) {
            Promise.execute(executor, this::run);
        }
    }

    private void run() {
        int seen = work.get();
        do {
            go();
            seen = work.addAndGet(-seen);
        } while (seen != 0);
    }

    private void go() {
        while (!over) {
            if (cancelled) {
                stop();
            } else if (asked) {
                stop();
                subscriber.onError(new IllegalArgumentException("a subscriber asks for one message at least"));
            } else if (next != null && next.isDone()) {
                deliver();
            } else if (next == null && demand.get() > 0) {
                next = queue.takeInPlaceAsync();
                next.whenComplete((message, why) -> wake());
            } else {
                return;
            }
        }
    }

    /** What was taken already, or is being taken, is given back. */
    private void stop() {
        over = true;
        if (next != null && !next.cancel(false)) {
            next.thenAccept(Received::close);
        }
    }

    private void deliver() {
        Received message;
        try {
            message = next.join();
        } catch (CompletionException e) {
            over = true;
            if (e.getCause() instanceof QueueClosedException) {
                subscriber.onComplete();
            } else {
                subscriber.onError(e.getCause());
            }
            return;
        }
        next = null;
        if (demand.get() != Long.MAX_VALUE) {
            demand.decrementAndGet();
        }
        try {
            subscriber.onNext(message);
        } catch (RuntimeException | Error e) {
            message.close();
            over = true;
            subscriber.onError(e);
        }
    }
}
