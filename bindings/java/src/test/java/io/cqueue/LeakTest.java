package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.MINUTES)
class LeakTest extends QueueFixture {
    private static final int OPENINGS = LONG ? 100_000 : 3_000;
    private static final int LOANS = LONG ? 1_000_000 : 100_000;

    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    /** Resident memory in kilobytes. The heap is all resident from the beginning (pom.xml). */
    private static long memory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new AssertionError("no VmRSS");
    }

    /** Of the region. The library has more than one piece of each: the first begins where the file does. */
    private static long mappings() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
            .filter(line -> line.contains("cqueue.orders") && line.contains(" 00000000 ")).count();
    }

    private void openAndClose(int times) {
        for (int i = 0; i < times; i++) {
            try (CQueue queue = CQueue.open("orders", options())) {
                queue.offer(new byte[1]);
                queue.poll();
            }
        }
    }

    @Test
    void openingAndClosingLeavesNothing() throws IOException {
        try (CQueue queue = open()) {
            openAndClose(500);
            long descriptors = descriptors();
            long memory = memory();
            openAndClose(OPENINGS);
            assertEquals(descriptors, descriptors());
            assertEquals(1, mappings());
            assertEquals(1, queue.stats().participants());
            assertTrue(memory() - memory < 20_000, () -> "grew from " + memory + " kB");
        }
    }

    private static void lend(CQueue queue, int times) {
        for (int i = 0; i < times; i++) {
            try (Reservation out = queue.reserve(64)) {
                out.buffer().putInt(i);
                out.commit(4);
            }
            try (Received in = queue.pollInPlace()) {
                assertEquals(i, in.buffer().getInt());
                in.release();
            }
        }
    }

    @Test
    void loansLeaveNothing() throws IOException {
        try (CQueue queue = open()) {
            lend(queue, 1000);
            long descriptors = descriptors();
            long memory = memory();
            Stats before = queue.stats();
            lend(queue, LOANS);
            Stats after = queue.stats();
            assertEquals(descriptors, descriptors());
            assertEquals(2, mappings(), "the region and its view");
            assertEquals(0, after.length());
            assertEquals(1, after.participants());
            assertEquals(before.nodesTouched(), after.nodesTouched());
            assertEquals(before.memory(), after.memory());
            assertTrue(memory() - memory < 20_000, () -> "grew from " + memory + " kB");
        }
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    void viewsOfClosedQueuesAreLetGo() throws IOException, InterruptedException {
        ByteBuffer last = ByteBuffer.allocate(4);
        try (CQueue queue = open()) {
            for (int i = 0; i < OPENINGS / 10; i++) {
                try (CQueue other = CQueue.open("orders", options()); Reservation out = other.reserve(4)) {
                    last = out.buffer();
                }
            }
            assertEquals(1, mappings(), "closing cuts views off at once");
            assertEquals(1, queue.stats().participants());
            while (Views.detached() > 1) {
                System.gc();
                Thread.sleep(5);
            }
            last.putInt(0, 1);
            assertEquals(1, last.getInt(0));
        }
    }
}
