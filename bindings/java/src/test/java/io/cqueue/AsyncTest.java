package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting without a thread: futures and subscribers. */
@Timeout(60)
class AsyncTest extends QueueFixture {
    @Test
    void futuresAreServedInTheirOrder() throws Exception {
        try (CQueue queue = open()) {
            queue.offer(bytes("0"));
            assertEquals("0", text(queue.takeAsync().getNow(null)));
            List<CompletableFuture<byte[]>> futures = new ArrayList<>();
            for (int i = 1; i <= 5; i++) {
                futures.add(queue.takeAsync());
            }
            for (int i = 1; i <= 5; i++) {
                queue.put(bytes("" + i));
            }
            for (int i = 1; i <= 5; i++) {
                assertEquals("" + i, text(futures.get(i - 1).get()));
            }
            CompletableFuture<Received> inPlace = queue.takeInPlaceAsync();
            queue.put(bytes("6"));
            try (Received message = inPlace.get()) {
                assertEquals("6", text(message.toByteArray()));
                message.release();
            }
        }
    }

    @Test
    void aFutureThatIsCancelledOrTimesOutTakesNothing() throws Exception {
        try (CQueue queue = open()) {
            CompletableFuture<byte[]> cancelled = queue.takeAsync();
            assertTrue(cancelled.cancel(true));
            CompletableFuture<byte[]> late = queue.takeAsync().orTimeout(1, TimeUnit.MILLISECONDS);
            assertInstanceOf(TimeoutException.class, assertThrows(ExecutionException.class, late::get).getCause());
            CompletableFuture<byte[]> completed = queue.takeAsync();
            assertTrue(completed.complete(bytes("not from here")));
            CompletableFuture<byte[]> last = queue.takeAsync();
            queue.put(bytes("a"));
            assertEquals("a", text(last.get()));
            assertEquals("not from here", text(completed.get()));
            assertEquals(1, queue.stats().dequeued());
        }
    }

    @Test
    void aMessageIsEitherInTheFutureOrInTheQueueWhenCancellingRaces() throws Exception {
        try (CQueue queue = open()) {
            for (int round = 0; round < (LONG ? 100_000 : 500); round++) {
                CompletableFuture<byte[]> future = queue.takeAsync();
                Thread sender = new Thread(() -> queue.offer(bytes("a")));
                sender.start();
                for (int i = ThreadLocalRandom.current().nextInt(500); i > 0; i--) {
                    Thread.onSpinWait();
                }
                boolean cancelled = future.cancel(false);
                sender.join();
                if (cancelled) {
                    assertEquals("a", text(queue.poll()), "round " + round);
                } else {
                    assertEquals("a", text(future.get()), "round " + round);
                    assertNull(queue.poll());
                }
            }
        }
    }

    @Test
    void whatDependsOnAFutureMayBlockAndCloseTheQueue() throws Exception {
        CQueue queue = open();
        CountDownLatch gate = new CountDownLatch(1);
        CompletableFuture<Void> blocked = queue.takeAsync().thenAccept(message -> {
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            queue.close();
        });
        CompletableFuture<byte[]> next = queue.takeAsync();
        queue.put(bytes("a"));
        queue.put(bytes("b"));
        assertEquals("b", text(next.get()), "the first one blocks nobody");
        assertFalse(blocked.isDone());
        gate.countDown();
        blocked.get();
        assertTrue(queue.isClosed());
        ExecutionException error = assertThrows(ExecutionException.class, () -> queue.takeAsync().get());
        assertInstanceOf(QueueClosedException.class, error.getCause());
    }

    /** Hands everything to the test. */
    private static class Subscriber implements Flow.Subscriber<Received> {
        final BlockingQueue<Object> seen = new LinkedBlockingQueue<>();
        volatile Flow.Subscription subscription;

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            this.subscription = subscription;
            seen.add("subscribed");
        }

        @Override
        public void onNext(Received message) {
            seen.add(message);
        }

        @Override
        public void onError(Throwable error) {
            seen.add(error);
        }

        @Override
        public void onComplete() {
            seen.add("complete");
        }
    }

    @Test
    void aSubscriberGetsWhatItAsksForAndNoMore() throws Exception {
        CQueue queue = open();
        Subscriber subscriber = new Subscriber();
        queue.publisher().subscribe(subscriber);
        assertEquals("subscribed", subscriber.seen.take());
        for (int i = 0; i < 5; i++) {
            queue.put(bytes("" + i));
        }
        assertNull(subscriber.seen.poll(20, TimeUnit.MILLISECONDS));
        subscriber.subscription.request(2);
        subscriber.subscription.request(1);
        for (int i = 0; i < 3; i++) {
            try (Received message = (Received) subscriber.seen.take()) {
                assertEquals("" + i, text(message.toByteArray()));
                message.release();
            }
        }
        assertNull(subscriber.seen.poll(20, TimeUnit.MILLISECONDS));
        assertEquals(2, queue.size());
        subscriber.subscription.request(Long.MAX_VALUE);
        subscriber.subscription.request(Long.MAX_VALUE);
        ((Received) subscriber.seen.take()).release();
        ((Received) subscriber.seen.take()).release();
        queue.close();
        assertEquals("complete", subscriber.seen.take());
    }

    @Test
    void aSubscriberThatCancelsOrFailsLosesNothing() throws Exception {
        try (CQueue queue = open()) {
            Subscriber cancels = new Subscriber();
            queue.publisher().subscribe(cancels);
            cancels.seen.take();
            cancels.subscription.request(1);
            cancels.subscription.cancel();
            cancels.subscription.request(1);

            Subscriber wrong = new Subscriber();
            queue.publisher().subscribe(wrong);
            wrong.seen.take();
            wrong.subscription.request(0);
            assertInstanceOf(IllegalArgumentException.class, wrong.seen.take());

            Subscriber fails = new Subscriber() {
                @Override
                public void onNext(Received message) {
                    throw new IllegalStateException("no");
                }
            };
            queue.publisher().subscribe(fails);
            fails.seen.take();
            fails.subscription.request(2);
            queue.put(bytes("a"));
            assertEquals("no", ((Throwable) fails.seen.take()).getMessage());
            try (Received again = queue.takeInPlace()) {
                assertEquals(2, again.deliveries());
                again.release();
            }
            assertTrue(cancels.seen.isEmpty() && wrong.seen.isEmpty());
            assertThrows(NullPointerException.class, () -> queue.publisher().subscribe(null));
        }
    }
}
