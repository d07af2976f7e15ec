package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Queues that survive power cuts. */
@Timeout(120)
class DurableTest extends QueueFixture {
    @TempDir
    Path disk;

    private Options durable() {
        return options().capacity(64).maxMessageSize(10_000).durableDirectory(disk.resolve("orders"));
    }

    /** As a reboot does: the region is gone, the disk is not. */
    private void loseMemory() throws IOException {
        Files.delete(directory.resolve("cqueue.orders"));
    }

    @Test
    void whatWasSyncedComesBack() throws Exception {
        try (CQueue queue = CQueue.open("orders", durable())) {
            queue.put(bytes("taken"));
            queue.put(bytes("one"));
            queue.put(bytes("two"));
            assertEquals("taken", text(queue.take()));
            queue.sync();
            Stats stats = queue.stats();
            assertTrue(stats.durable());
            assertEquals(List.of(0L, 0L), List.of(stats.unsynced(), (long) stats.diskError()));
            assertTrue(stats.flushesDone() >= 1 && stats.segments() >= 1 && stats.diskBytes() > 0);
            assertEquals(disk.resolve("orders"), queue.durableDirectory());
        }
        loseMemory();
        try (CQueue queue = CQueue.open("orders", durable())) {
            assertEquals(2, queue.stats().recovered());
            try (Received message = queue.takeInPlace()) {
                assertEquals("one", text(message.toByteArray()));
                assertTrue(message.deliveries() >= 2);
            }
        }
    }

    @Test
    void withSyncEachCallIsOnTheDisk() throws Exception {
        try (CQueue queue = CQueue.open("orders", durable().sync(true))) {
            queue.put(bytes("one"));
            queue.put(new byte[9000]); // of which arrays are pinned elsewhere
            Batch batch = new Batch(2, 10);
            batch.add(bytes("two"));
            batch.add(bytes("three"));
            queue.put(batch);
            try (Reservation place = queue.reserve(4)) {
                place.buffer().put(bytes("four"));
                place.commit();
            }
            assertEquals("one", text(queue.take()));
            byte[] large = new byte[10_000];
            assertEquals(9000, queue.poll(large));
            try (Received message = queue.takeInPlace()) {
                assertEquals("two", text(message.toByteArray()));
                message.release();
            }
            assertEquals(0, queue.stats().unsynced());
        }
        loseMemory();
        try (CQueue queue = CQueue.open("orders", durable())) {
            assertEquals("three", text(queue.poll()));
            assertEquals("four", text(queue.poll()));
            assertNull(queue.poll());
        }
    }

    @Test
    void aQueueWithoutADiskSaysSo() {
        try (CQueue queue = open()) {
            assertFalse(queue.stats().durable());
            assertNull(queue.durableDirectory());
            assertThrows(CQueueException.InvalidArgument.class, queue::sync);
            assertThrows(CQueueException.Mismatch.class, () -> CQueue.open("orders", options().durable(true)));
        }
    }

    @Test
    void manyWhoSyncShareFlushes() throws Exception {
        try (CQueue queue = CQueue.open("orders", durable())) {
            long before = queue.stats().flushesBegun();
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                queue.offer(bytes("" + i));
                all.add(queue.syncAsync());
            }
            for (CompletableFuture<Void> each : all) {
                each.get();
            }
            assertTrue(queue.stats().flushesBegun() - before < 500, queue.stats() + "");
            assertEquals(0, queue.stats().unsynced());
        }
    }

    @Test
    void whatEndsAWaitEndsThatForASync() throws Exception {
        CQueue queue = CQueue.open("orders", durable());
        try (queue) {
            queue.put(bytes("one"));
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, queue::sync);
            assertFalse(queue.sync(0, TimeUnit.SECONDS));
            assertTrue(queue.sync(1, TimeUnit.MINUTES));
        }
        assertThrows(QueueClosedException.class, queue::sync);
        ExecutionException failure = assertThrows(ExecutionException.class, () -> queue.syncAsync().get());
        assertInstanceOf(QueueClosedException.class, failure.getCause());
    }

    /** Sleepers are kicked out of C for others' sakes all the time: a sync does not end for that. */
    @Test
    void syncsAndWaitsThatEndDoNotMeet() throws Exception {
        try (CQueue queue = CQueue.open("orders", durable()); CQueue other = CQueue.open("orders", durable())) {
            Thread waiter = new Thread(() -> {
                try {
                    while (true) {
                        queue.poll(200, TimeUnit.MICROSECONDS);
                        queue.takeAsync().cancel(false);
                    }
                } catch (InterruptedException e) {
                    return;
                }
            });
            waiter.start();
            Thread syncer = new Thread(() -> {
                try {
                    while (true) {
                        other.sync();
                    }
                } catch (InterruptedException e) {
                    return;
                }
            });
            syncer.start();
            for (int i = 0; i < 200; i++) {
                queue.sync();
            }
            for (Thread thread : List.of(waiter, syncer)) {
                thread.interrupt();
                thread.join();
            }
        }
    }

    @Test
    void aRegionInUseKeepsItsDirectory() throws Exception {
        try (CQueue queue = CQueue.open("orders", durable())) {
            queue.put(bytes("one"));
            queue.sync();
            loseMemory();
            CQueueException busy = assertThrows(CQueueException.Busy.class, () -> CQueue.open("orders", durable()));
            assertEquals("CQ_EBUSY", busy.code());
        }
    }

    /** A disk that fails: this process may write no file any more. The virtual machine ignores the signal. */
    static final class FailingDisk {
        private FailingDisk() {}

        private static CQueueException.DiskFailure failure(org.junit.jupiter.api.function.Executable call) {
            return assertThrows(CQueueException.DiskFailure.class, call);
        }

        public static void main(String[] arguments) throws Exception {
            Options options = new Options().directory(Path.of(arguments[0])).capacity(64).maxMessageSize(64)
                    .durableDirectory(Path.of(arguments[1])).sync(true);
            try (CQueue queue = CQueue.open("orders", options)) {
                for (String message : "a b c d e f g h".split(" ")) {
                    queue.put(bytes(message));
                }
                queue.put(bytes("\"i\""));
                for (String message : "k l m n o".split(" ")) {
                    queue.put(bytes(message));
                }
                new ProcessBuilder("prlimit", "--fsize=0:", "--pid", "" + ProcessHandle.current().pid()).inheritIO()
                        .start().waitFor();
                assertEquals("CQ_EIO", failure(() -> queue.put(bytes("j"))).code());
                assertArrayEquals(bytes("a"), (byte[]) failure(queue::take).received());
                assertArrayEquals(bytes("b"), (byte[]) failure(() -> queue.poll(1, TimeUnit.SECONDS)).received());
                ByteBuffer buffer = ByteBuffer.allocateDirect(8);
                assertEquals(1, failure(() -> queue.poll(buffer)).accepted());
                assertEquals(List.of(1, (int) 'c'), List.of(buffer.position(), (int) buffer.get(0)));
                Batch in = new Batch(2, 8);
                assertEquals(2, failure(() -> queue.poll(in)).accepted());
                assertEquals("d e", text(in.get(0)) + " " + text(in.get(1)));
                Received message = queue.takeInPlace();
                failure(message::release);
                assertFalse(message.isHeld());
                message.close(); // it is gone already
                CompletableFuture<byte[]> future = queue.takeAsync();
                assertEquals("g", text((byte[]) assertInstanceOf(CQueueException.DiskFailure.class,
                        assertThrows(ExecutionException.class, future::get).getCause()).received()));
                List<byte[]> drained = new ArrayList<>();
                failure(() -> queue.drainTo(drained, 1));
                assertEquals("h", text(drained.get(0)));
                assertEquals("i", failure(() -> queue.typed(Codec.json(String.class)).take()).received());
                copies(queue);
                ReceivedBatch both = queue.pollInPlace(2);
                failure(both::release);
                assertTrue(both.stream().noneMatch(Received::isHeld), "one that fails keeps no other");
                assertEquals(1, queue.size()); // j
                assertEquals(2, failure(() -> queue.put(in)).accepted());
                try (Reservation place = queue.reserve(1)) {
                    place.buffer().put((byte) 'k');
                    failure(place::commit);
                    assertFalse(place.isHeld());
                }
                assertThrows(CQueueException.class, queue::sync);
                assertTrue(queue.stats().diskError() < 0);
                assertEquals(4, queue.size());
                waits(queue);
                System.out.println("well");
            }
        }

        /** What was copied out is nowhere else, wherever it was copied to. */
        private static void copies(CQueue queue) {
            byte[] small = new byte[8];
            assertEquals(1, failure(() -> queue.poll(small)).accepted());
            assertEquals('k', small[0]);
            byte[] large = new byte[10_000];
            assertEquals(1, failure(() -> queue.poll(large)).accepted());
            assertEquals('l', large[0]);
            ByteBuffer heap = ByteBuffer.allocate(8);
            assertEquals(1, failure(() -> queue.poll(heap, 1, TimeUnit.SECONDS)).accepted());
            assertEquals(List.of(1, (int) 'm'), List.of(heap.position(), (int) heap.get(0)));
        }

        /** Whoever waits is served by a watcher: what that did is not done again. */
        private static void waits(CQueue queue) throws Exception {
            for (int i = 0; i < 4; i++) {
                failure(queue::poll);
            }
            List<String> received = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Thread thread = new Thread(() -> {
                    String message = text((byte[]) failure(queue::take).received());
                    synchronized (received) {
                        received.add(message);
                    }
                });
                thread.start();
                while (thread.getState() == Thread.State.NEW || queue.stats().waitingConsumers() == 0) {
                    Thread.onSpinWait();
                }
                threads.add(thread);
            }
            for (int i = 0; i < 3; i++) {
                int number = i;
                failure(() -> queue.put(bytes("" + number)));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of("0", "1", "2"), received.stream().sorted().toList());
            assertEquals(0, queue.size());
        }
    }

    @Test
    void aFailingDiskIsNamedAndHidesNothing() throws Exception {
        String said = OtherMachine.run(0, FailingDisk.class, List.of(), directory.toString(),
                disk.resolve("orders").toString());
        assertEquals("well", said.lines().reduce((first, last) -> last).orElse(""), said);
    }
}
