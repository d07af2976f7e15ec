package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In a machine that has virtual threads, and two carriers for them. */
@Timeout(300)
class VirtualThreadTest extends QueueFixture {
    private static final int THREADS = 10_000;

    /** Where `./test` found it. */
    private static final Path JAVA_21 = Path.of(System.getProperty("cqueue.java21", ""), "bin", "java");

    private String run(Class<?> main) throws Exception {
        assumeTrue(Files.isExecutable(JAVA_21), "there is no Java here that has virtual threads");
        Process process = new ProcessBuilder(JAVA_21.toString(), "-Djdk.virtualThreadScheduler.parallelism=2",
                "-Djdk.virtualThreadScheduler.maxPoolSize=2", "-cp", OtherMachine.classPath(), main.getName(), directory.toString())
                .redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        return output.lines().reduce((first, last) -> last).orElse("");
    }

    private static ThreadFactory virtual() throws ReflectiveOperationException {
        Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
        return (ThreadFactory) Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
    }

    static final class Takers {
        private Takers() {}

        public static void main(String[] arguments) throws Exception {
            Options options = new Options().directory(Path.of(arguments[0])).capacity(64).maxMessageSize(64);
            ThreadFactory virtual = virtual();
            ConcurrentHashMap<String, Boolean> received = new ConcurrentHashMap<>();
            CountDownLatch done = new CountDownLatch(THREADS);
            List<CQueue> idle = new ArrayList<>();
            try (CQueue queue = CQueue.open("orders", options)) {
                // More queues than carriers, each with one who waits alone.
                for (int i = 0; i < 4; i++) {
                    CQueue other = CQueue.open("idle" + i, options);
                    idle.add(other);
                    virtual.newThread(() -> assertThrows(QueueClosedException.class, other::take)).start();
                    while (other.stats().waitingConsumers() == 0) {
                        Thread.onSpinWait();
                    }
                }
                for (int i = 0; i < THREADS; i++) {
                    int how = i % 4;
                    virtual.newThread(() -> {
                        try {
                            received.put(text(take(queue, how)), true);
                            done.countDown();
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    }).start();
                }
                // Another virtual thread gets its turn, and has to wait for room as well.
                Thread sender = virtual.newThread(() -> {
                    try {
                        for (int i = 0; i < THREADS; i++) {
                            queue.put(bytes("" + i));
                        }
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
                sender.start();
                done.await();
                sender.join();
                idle.forEach(CQueue::close);
                System.out.println(received.size() + " received, " + queue.size() + " left");
            }
        }

        private static byte[] take(CQueue queue, int how) throws InterruptedException {
            if (how == 0) {
                return queue.take();
            } else if (how == 1) {
                return queue.takeAsync().join();
            }
            if (how == 2) {
                return bytes(queue.typed(Codec.utf8()).take());
            }
            try (Received message = queue.takeInPlace()) {
                byte[] copy = message.toByteArray();
                message.release();
                return copy;
            }
        }
    }

    @Test
    void tenThousandVirtualThreadsThatWaitStarveNobody() throws Exception {
        assertEquals(THREADS + " received, 0 left", run(Takers.class));
    }

    static final class Interrupted {
        private Interrupted() {}

        public static void main(String[] arguments) throws Exception {
            AtomicInteger interrupted = new AtomicInteger();
            AtomicInteger closed = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            CQueue queue = CQueue.open("orders", new Options().directory(Path.of(arguments[0])));
            for (int i = 0; i < THREADS; i++) {
                threads.add(virtual().newThread(() -> {
                    try {
                        queue.take();
                    } catch (InterruptedException e) {
                        interrupted.incrementAndGet();
                    } catch (QueueClosedException e) {
                        closed.incrementAndGet();
                    }
                }));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads.subList(0, THREADS / 2)) {
                thread.interrupt();
            }
            for (Thread thread : threads.subList(0, THREADS / 2)) {
                thread.join();
            }
            queue.close();
            for (Thread thread : threads) {
                thread.join();
            }
            System.out.println(interrupted + " interrupted, " + closed + " closed");
        }
    }

    @Test
    void interruptingAndClosingEndTheirWaits() throws Exception {
        assertEquals(THREADS / 2 + " interrupted, " + THREADS / 2 + " closed", run(Interrupted.class));
    }
}
