package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where memory for a message is lacking, who waits for room waits for that, too: on a small file system. */
@Timeout(60)
class MemoryTest extends QueueFixture {
    private final byte[] message = new byte[4096];
    private CQueue queue;
    private Path ballast; // what takes the memory

    private static int run(String... words) throws IOException, InterruptedException {
        return new ProcessBuilder(words).start().waitFor();
    }

    @BeforeEach
    void fill() throws Exception {
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=4m", "cqueue", directory.toString()) == 0,
                "file systems of a chosen size are root's");
        queue = open(65_536, message.length);
        queue.put(message);
        ballast = directory.resolve("ballast");
        assertThrows(IOException.class, () -> {
            try (OutputStream file = Files.newOutputStream(ballast)) {
                while (true) {
                    file.write(message);
                }
            }
        });
        assertThrows(CQueueException.NoSpace.class, () -> {
            while (true) {
                queue.offer(message);
            }
        });
    }

    @AfterEach
    void unmount() throws Exception {
        if (queue != null) {
            queue.close();
            run("umount", "--lazy", directory.toString());
        }
    }

    private static FutureTask<?> start(Callable<?> call) {
        FutureTask<?> task = new FutureTask<>(call);
        new Thread(task).start();
        return task;
    }

    @Test
    void who_puts_waits_for_memory() throws Exception {
        Batch batch = new Batch(2, 2 * message.length);
        batch.add(message);
        batch.add(message);
        long before = queue.size();
        FutureTask<?>[] tasks = {
            start(() -> {
                queue.put(message);
                return null;
            }),
            start(() -> queue.offer(message, 1, TimeUnit.HOURS)),
            start(() -> {
                queue.put(batch);
                return null;
            }),
        };
        assertThrows(TimeoutException.class, () -> tasks[0].get(300, TimeUnit.MILLISECONDS));
        for (FutureTask<?> task : tasks) {
            assertFalse(task.isDone());
        }
        Files.delete(ballast);
        for (FutureTask<?> task : tasks) {
            task.get();
        }
        assertEquals(before + 4, queue.size());
    }

    @Test
    void a_wait_that_timed_out_says_what_was_lacking() throws Exception {
        long start = System.nanoTime();
        assertThrows(CQueueException.NoSpace.class, () -> queue.offer(message, 100, TimeUnit.MILLISECONDS));
        assertTrue(System.nanoTime() - start >= 100_000_000);
    }
}
