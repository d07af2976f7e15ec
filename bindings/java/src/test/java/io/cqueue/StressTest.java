package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class StressTest extends QueueFixture {
    private static final int PRODUCERS = 50;
    private static final int CONSUMERS = 50;
    private static final int EACH = LONG ? 20_000 : 1_000;

    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void aHundredThreadsOnOneHandleLoseAndRepeatNothing() throws Exception {
        AtomicLongArray seen = new AtomicLongArray(PRODUCERS * EACH);
        AtomicInteger received = new AtomicInteger();
        List<Callable<Void>> tasks = new ArrayList<>();
        try (CQueue queue = open(64, 16)) {
            for (int i = 0; i < PRODUCERS; i++) {
                int producer = i;
                tasks.add(() -> produce(queue, producer));
            }
            for (int i = 0; i < CONSUMERS; i++) {
                int how = i % 4;
                tasks.add(() -> consume(queue, how, seen, received));
            }
            ExecutorService threads = Executors.newFixedThreadPool(PRODUCERS + CONSUMERS);
            try {
                for (Future<Void> done : threads.invokeAll(tasks)) {
                    done.get();
                }
            } finally {
                threads.shutdownNow();
            }
            assertEquals(0, queue.stats().length());
        }
        for (int i = 0; i < seen.length(); i++) {
            assertEquals(1, seen.get(i), "message " + i);
        }
    }

    private static Void produce(CQueue queue, int producer) throws InterruptedException {
        ByteBuffer direct = ByteBuffer.allocateDirect(8);
        Batch batch = new Batch(5, 40);
        for (int i = 0; i < EACH; i++) {
            long number = (long) producer * EACH + i;
            byte[] message = ByteBuffer.allocate(8).putLong(number).array();
            switch (producer % 4) {
                case 0 -> queue.put(message);
                case 1 -> queue.put(direct.clear().putLong(number).flip());
                case 2 -> {
                    batch.add(message);
                    if (batch.size() == 5) {
                        queue.put(batch);
                        batch.clear();
                    }
                }
                default -> reserveAndCommit(queue, number);
            }
        }
        return null;
    }

    private static void reserveAndCommit(CQueue queue, long number) throws InterruptedException {
        while (true) {
            try (Reservation out = queue.reserve(8)) {
                if (out != null) {
                    out.buffer().putLong(number);
                    while (!out.commit()) {
                        Thread.sleep(1);
                    }
                    return;
                }
            }
            Thread.sleep(1);
        }
    }

    private static Void consume(CQueue queue, int how, AtomicLongArray seen, AtomicInteger received)
            throws InterruptedException {
        ByteBuffer direct = ByteBuffer.allocateDirect(16);
        Batch batch = new Batch(7, 100);
        while (received.get() < PRODUCERS * EACH) {
            List<Long> numbers = new ArrayList<>();
            switch (how) {
                case 0 -> {
                    byte[] message = queue.poll(10, TimeUnit.MILLISECONDS);
                    if (message != null) {
                        numbers.add(ByteBuffer.wrap(message).getLong());
                    }
                }
                case 1 -> {
                    if (queue.poll(direct.clear(), 10, TimeUnit.MILLISECONDS) == 8) {
                        numbers.add(direct.flip().getLong());
                    }
                }
                case 2 -> {
                    for (int i = 0, count = queue.poll(batch); i < count; i++) {
                        numbers.add(batch.buffer(i).getLong());
                    }
                }
                default -> {
                    Received in = queue.pollInPlace(10, TimeUnit.MILLISECONDS);
                    if (in != null) {
                        try (in) {
                            numbers.add(in.buffer().getLong());
                            in.release();
                        }
                    }
                }
            }
            for (long number : numbers) {
                seen.incrementAndGet((int) number);
                received.incrementAndGet();
            }
            if (numbers.isEmpty()) {
                Thread.yield();
            }
        }
        return null;
    }

    /**
     * Whatever other threads do meanwhile: they meet QueueClosedException and nothing else, and the machine does not
     * crash.
     */
    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void closingDuringCallsIsHarmless() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            for (int round = 0; round < (LONG ? 5000 : 150); round++) {
                CQueue queue = open(64, 4096);
                List<Future<Void>> users = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    int how = i;
                    users.add(threads.submit(() -> useUntilClosed(queue, how)));
                }
                while (queue.stats().enqueued() < 50) {
                    Thread.onSpinWait();
                }
                Thread.sleep(0, ThreadLocalRandom.current().nextInt(1_000_000));
                queue.close();
                for (Future<Void> user : users) {
                    assertNull(user.get());
                }
            }
            try (CQueue queue = open(64, 4096)) {
                assertEquals(1, queue.stats().participants());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static Void useUntilClosed(CQueue queue, int how) throws InterruptedException {
        ByteBuffer kept = ByteBuffer.allocate(8);
        byte[] into = new byte[4096];
        Batch batch = new Batch(10, 100);
        while (true) {
            try {
                switch (how) {
                    case 0 -> queue.put(new byte[100]);
                    case 1 -> queue.offer(ByteBuffer.allocateDirect(4096));
                    case 2 -> queue.take();
                    case 3 -> queue.poll(into);
                    case 4 -> {
                        Received in = queue.takeInPlace();
                        kept = in.buffer();
                        if (kept.capacity() % 2 == 0) {
                            in.close();
                        }
                        in.release();
                    }
                    case 5 -> {
                        Reservation out = queue.reserve(4096);
                        if (out != null) {
                            out.buffer().putLong(0, 1);
                            out.commit(8);
                        }
                    }
                    case 6 -> queue.walk(message -> message.data().length >= 0);
                    default -> assertTrue(queue.poll(batch) >= 0 && queue.stats().capacity() == 64);
                }
            } catch (QueueClosedException e) {
                for (int i = 0; i < kept.capacity(); i++) {
                    kept.get(i);
                }
                return null;
            } catch (CQueueException.NotHeld e) {
                continue; // case 4 after close()
            }
        }
    }
}
