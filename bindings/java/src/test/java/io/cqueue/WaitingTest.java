package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class WaitingTest extends QueueFixture {
    /** A call that waits for ever on a full queue (or on an empty one). */
    private record Waiter(Function<CQueue, Callable<?>> call, boolean producer) {
        Thread start(CQueue queue, FutureTask<?> task) {
            Thread thread = new Thread(task);
            thread.start();
            while ((producer ? queue.stats().waitingProducers() : queue.stats().waitingConsumers()) == 0) {
                Thread.onSpinWait();
            }
            return thread;
        }
    }

    private static Named<Waiter> consumer(String name, Function<CQueue, Callable<?>> call) {
        return Named.of(name, new Waiter(call, false));
    }

    private static Named<Waiter> producer(String name, Function<CQueue, Callable<?>> call) {
        return Named.of(name, new Waiter(call, true));
    }

    private static Object outcome(CompletableFuture<?> future) throws Exception {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw (Exception) e.getCause();
        }
    }

    static Stream<Named<Waiter>> waiters() {
        return Stream.of(
                consumer("take", queue -> queue::take),
                consumer("poll", queue -> () -> queue.poll(1, TimeUnit.DAYS)),
                consumer("poll into heap", queue -> () -> queue.poll(ByteBuffer.allocate(64), 1, TimeUnit.DAYS)),
                consumer("poll into direct", queue -> () -> queue.poll(ByteBuffer.allocateDirect(64), 1, TimeUnit.DAYS)),
                consumer("takeInPlace", queue -> queue::takeInPlace),
                consumer("pollInPlace", queue -> () -> queue.pollInPlace(1, TimeUnit.DAYS)),
                consumer("poll a batch", queue -> () -> queue.poll(new Batch(3, 1), 1, TimeUnit.DAYS)),
                consumer("pollInPlace a batch", queue -> () -> queue.pollInPlace(3, 1, TimeUnit.DAYS)),
                consumer("takeAsync", queue -> () -> outcome(queue.takeAsync())),
                consumer("takeInPlaceAsync", queue -> () -> outcome(queue.takeInPlaceAsync())),
                consumer("TypedQueue.takeDelivery", queue -> queue.typed(Codec.utf8())::takeDelivery),
                consumer("BlockingQueue.take", queue -> () -> queue.asBlockingQueue(Codec.utf8()).take()),
                producer("put", queue -> () -> { queue.put(new byte[1]); return null; }),
                producer("put direct", queue -> () -> { queue.put(ByteBuffer.allocateDirect(1)); return null; }),
                producer("offer", queue -> () -> queue.offer(new byte[1], 1, TimeUnit.DAYS)),
                producer("offer heap", queue -> () -> queue.offer(ByteBuffer.allocate(1), 1, TimeUnit.DAYS)),
                producer("put a batch", queue -> () -> {
                    Batch batch = new Batch(1, 1);
                    batch.add(new byte[1]);
                    queue.put(batch);
                    return null;
                }),
                producer("BlockingQueue.put", queue -> () -> { queue.asBlockingQueue(Codec.utf8()).put("a"); return null; }));
    }

    @ParameterizedTest
    @MethodSource("waiters")
    void interruptingEndsTheWait(Waiter waiter) throws InterruptedException {
        try (CQueue queue = open(1, 64)) {
            if (waiter.producer()) {
                queue.offer(bytes("full"));
            }
            FutureTask<?> task = new FutureTask<>(waiter.call().apply(queue));
            Thread thread = waiter.start(queue, task);
            thread.interrupt();
            ExecutionException error = assertThrows(ExecutionException.class, task::get);
            assertInstanceOf(InterruptedException.class, error.getCause());
            assertEquals(waiter.producer() ? 1 : 0, queue.stats().length());
        }
    }

    @ParameterizedTest
    @MethodSource("waiters")
    void closingEndsTheWait(Waiter waiter) throws InterruptedException {
        CQueue queue = open(1, 64);
        if (waiter.producer()) {
            queue.offer(bytes("full"));
        }
        FutureTask<?> task = new FutureTask<>(waiter.call().apply(queue));
        waiter.start(queue, task);
        queue.close();
        ExecutionException error = assertThrows(ExecutionException.class, task::get);
        assertInstanceOf(QueueClosedException.class, error.getCause());
        assertEquals("\"orders\": closed: open the queue again", error.getCause().getMessage());
    }

    @ParameterizedTest
    @MethodSource("waiters")
    void whatIsWaitedForEndsTheWait(Waiter waiter) throws Exception {
        try (CQueue queue = open(1, 64)) {
            if (waiter.producer()) {
                queue.offer(bytes("full"));
            }
            FutureTask<?> task = new FutureTask<>(waiter.call().apply(queue));
            waiter.start(queue, task);
            if (waiter.producer()) {
                assertEquals("full", text(queue.poll()));
            } else {
                queue.offer(bytes("a"));
            }
            task.get();
            assertEquals(waiter.producer() ? 1 : 0, queue.stats().length());
        }
    }

    @ParameterizedTest
    @MethodSource("waiters")
    void cancellingEndsTheWaitAndAllUntilItIsReset(Waiter waiter) throws InterruptedException {
        try (CQueue queue = open(1, 64); CQueue other = open(1, 64)) {
            if (waiter.producer()) {
                queue.offer(bytes("full"));
            }
            FutureTask<?> task = new FutureTask<>(waiter.call().apply(queue));
            FutureTask<?> others = new FutureTask<>(waiter.call().apply(other));
            waiter.start(queue, task);
            new Thread(others).start();
            queue.cancel();
            ExecutionException error = assertThrows(ExecutionException.class, task::get);
            assertInstanceOf(CQueueException.Cancelled.class, error.getCause());
            assertTrue(error.getCause().getMessage().startsWith("\"orders\": "));
            assertThrows(CQueueException.Cancelled.class, () -> waiter.call().apply(queue).call());
            assertFalse(others.isDone());
            other.cancel();
            assertThrows(ExecutionException.class, others::get);
            assertEquals(waiter.producer() ? "full" : null, text(queue.poll()));
            queue.resetCancel();
            assertNull(queue.poll(1, TimeUnit.MILLISECONDS));
        }
    }

    @ParameterizedTest
    @MethodSource("waiters")
    void removingTheQueueEndsTheWait(Waiter waiter) throws Exception {
        try (CQueue queue = open(1, 64)) {
            if (waiter.producer()) {
                queue.offer(bytes("full"));
            }
            FutureTask<?> task = new FutureTask<>(waiter.call().apply(queue));
            waiter.start(queue, task);
            Files.delete(directory.resolve("cqueue.orders")); // not by CQueue.unlink: whoever calls that knows
            ExecutionException error = assertThrows(ExecutionException.class, task::get);
            assertInstanceOf(CQueueException.Stale.class, error.getCause());
            assertEquals("CQ_STALE", ((CQueueException) error.getCause()).code());
            assertEquals(waiter.producer() ? "full" : null, text(queue.poll()));
        }
    }

    @Test
    void whoRemovedTheQueueOrKeepsItWaitsOn() throws Exception {
        try (CQueue queue = open()) {
            CQueue.unlink("orders", directory);
            assertNull(queue.poll(250, TimeUnit.MILLISECONDS));
        }
        try (CQueue queue = CQueue.open("orders", options().keepUnlinked(true))) {
            Files.delete(directory.resolve("cqueue.orders"));
            assertNull(queue.poll(250, TimeUnit.MILLISECONDS));
        }
    }

    @Test
    void allowingWaitsAgainDoesNotAllowThemWhileClosing() throws InterruptedException {
        CQueue queue = open();
        queue.handle().enter(); // so that closing takes until this thread is out
        Thread closing = new Thread(queue::close);
        closing.start();
        while (!queue.isClosed()) {
            Thread.onSpinWait();
        }
        assertThrows(QueueClosedException.class, queue::resetCancel);
        assertThrows(QueueClosedException.class, queue::take);
        queue.handle().exit();
        closing.join();
    }

    @Test
    void aThreadThatIsInterruptedAlreadyDoesNotBegin() {
        try (CQueue queue = open()) {
            queue.offer(bytes("a"));
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, queue::take);
            assertFalse(Thread.currentThread().isInterrupted());
            assertEquals(1, queue.stats().length());
        }
    }

    @Test
    void aTimeOutIsKept() throws InterruptedException {
        try (CQueue queue = open()) {
            long start = System.nanoTime();
            assertNull(queue.poll(70, TimeUnit.MILLISECONDS));
            assertTrue(System.nanoTime() - start >= 70_000_000L);
            assertNull(queue.poll(0, TimeUnit.SECONDS));
            assertNull(queue.poll(-1, TimeUnit.SECONDS));
            assertNull(queue.poll(Long.MIN_VALUE, TimeUnit.NANOSECONDS));
            assertNull(queue.poll(Long.MIN_VALUE, TimeUnit.DAYS));
        }
    }

    @Test
    void anInterruptedThreadCanClose() throws InterruptedException {
        CQueue queue = open();
        FutureTask<byte[]> task = new FutureTask<>(queue::take);
        new Waiter(null, false).start(queue, task);
        Thread.currentThread().interrupt();
        queue.close();
        assertTrue(Thread.interrupted());
        assertThrows(ExecutionException.class, task::get);
    }
}
