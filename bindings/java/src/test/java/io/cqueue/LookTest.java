package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class LookTest extends QueueFixture {
    @Test
    void aWalkShowsWhatIsWaitingAndTakesNothing() {
        try (CQueue queue = open()) {
            for (String message : List.of("a", "", "c")) {
                queue.offer(bytes(message));
            }
            try (Received in = queue.pollInPlace()) {
                in.giveBack();
            }
            List<String> seen = new ArrayList<>();
            queue.walk(message -> seen.add(text(message.data()) + " " + message.deliveries()));
            assertEquals(List.of("a 2", " 1", "c 1"), seen);
            seen.clear();
            queue.walk(message -> {
                seen.add(text(message.data()));
                return seen.size() < 2;
            });
            assertEquals(List.of("a", ""), seen);
            assertEquals(3, queue.stats().length());
        }
    }

    @Test
    void whatAVisitorThrowsEndsTheWalk() {
        try (CQueue queue = open()) {
            queue.offer(bytes("a"));
            queue.offer(bytes("b"));
            RuntimeException thrown = new RuntimeException("enough");
            List<Message> seen = new ArrayList<>();
            assertSame(thrown, assertThrows(RuntimeException.class, () -> queue.walk(message -> {
                seen.add(message);
                throw thrown;
            })));
            assertEquals(1, seen.size());
        }
    }

    @Test
    void aVisitorMayUseTheQueueButNotCloseIt() {
        try (CQueue queue = open()) {
            queue.offer(bytes("a"));
            queue.walk(message -> {
                assertEquals(1, queue.stats().length());
                queue.walk(inner -> true);
                assertThrows(IllegalStateException.class, queue::close);
                return queue.offer(bytes("b")) && message.deliveries() < 1;
            });
            assertEquals(2, queue.stats().length());
            assertFalse(queue.isClosed());
        }
    }

    @Test
    void statsCount() {
        Instant before = Instant.now();
        try (CQueue queue = open(16, 64); CQueue other = CQueue.open("orders", options())) {
            queue.offer(bytes("a"));
            queue.offer(bytes("b"));
            queue.offer(bytes("c"));
            queue.poll();
            try (Received in = other.pollInPlace()) {
                in.giveBack();
            }
            Stats stats = queue.stats();
            assertEquals(16, stats.capacity());
            assertEquals(64, stats.maxMessageSize());
            assertEquals(2, stats.length());
            assertEquals(1, stats.orphans());
            assertEquals(3, stats.enqueued());
            assertEquals(2, stats.dequeued());
            assertEquals(0, stats.redelivered());
            assertEquals(1, stats.returned());
            assertEquals(0, stats.voided());
            assertEquals(0, stats.reaped());
            assertEquals(2, stats.participants());
            assertEquals(0, stats.waitingProducers());
            assertEquals(0, stats.waitingConsumers());
            assertTrue(stats.nodesTouched() <= stats.nodes() && stats.nodesLinked() >= 1 && stats.slotsPerNode() >= 1);
            assertTrue(stats.memory() > 0 && stats.fileSize() >= stats.memory());
            assertFalse(stats.unlinked());
            assertEquals(0, stats.held());
            assertEquals(0, stats.writing());
            assertTrue(stats.maxHeld() > 0);
            assertTrue(Duration.between(before, stats.created()).abs().compareTo(Duration.ofMinutes(1)) < 0);
            assertEquals("b", text(queue.poll()));
            assertEquals(1, queue.stats().redelivered());
        }
    }

    @Test
    void whatADeadConsumerHeldIsRecovered() throws IOException, InterruptedException {
        try (CQueue queue = open()) {
            queue.offer(bytes("a"));
            Process holder = OtherMachine.start(Holder.class, List.of(), directory.toString());
            assertEquals('h', holder.getInputStream().read());
            holder.destroyForcibly().waitFor();
            assertEquals(new Recovery(1, 0, 1, 0), queue.recover());
            assertEquals(new Recovery(0, 0, 0, 0), queue.recover());
            try (Received in = queue.pollInPlace()) {
                assertEquals(2, in.deliveries());
                in.release();
            }
        }
    }

    @Test
    @Timeout(60)
    void participantsAreShownWithWhatTheyHoldAndWaitFor() throws IOException, InterruptedException {
        Instant before = Instant.now();
        try (CQueue queue = open()) {
            queue.offer(bytes("a"));
            Process holder = OtherMachine.start(Holder.class, List.of(), directory.toString());
            assertEquals('h', holder.getInputStream().read());
            Thread waiter = new Thread(() -> assertThrows(CQueueException.Cancelled.class, queue::take));
            waiter.start();
            while (queue.stats().waitingConsumers() == 0) {
                Thread.onSpinWait();
            }
            try (Reservation out = queue.reserve(8)) {
                assertEquals(8, out.size());
                List<Participant> all = new ArrayList<>(queue.participants());
                all.sort(Comparator.comparing(Participant::held));
                assertEquals(2, all.size());
                Participant waiting = all.get(0);
                Participant holding = all.get(1);
                Stats stats = queue.stats();
                assertEquals(ProcessHandle.current().pid(), waiting.pid());
                assertEquals(holder.pid(), holding.pid());
                assertTrue(waiting.alive() && holding.alive());
                assertEquals("java", holding.command());
                assertNotEquals(holding.id(), waiting.id());
                assertEquals(List.of(0L, 1L, 1L), List.of(waiting.held(), holding.held(), stats.held()));
                assertEquals(List.of(1L, 0L, 1L), List.of(waiting.writing(), holding.writing(), stats.writing()));
                assertEquals(List.of(1, 0), List.of(waiting.waitingConsumers(), holding.waitingConsumers()));
                assertEquals(List.of(0, 0), List.of(waiting.waitingProducers(), holding.waitingProducers()));
                assertNull(holding.waitingSince());
                // Clocks are read coarsely.
                assertTrue(waiting.waitingSince().isAfter(before.minusSeconds(1)));
                assertTrue(waiting.waitingSince().isBefore(Instant.now().plusSeconds(1)));
                queue.cancel(); // before the holder's message comes back
                waiter.join();
            } finally {
                holder.destroyForcibly().waitFor();
            }
        }
    }

    static final class Holder {
        private Holder() {}

        public static void main(String[] arguments) throws InterruptedException {
            try (CQueue queue = CQueue.open("orders", new Options().directory(Path.of(arguments[0])));
                    Received held = queue.takeInPlace()) {
                System.out.println("held " + held.size());
                Thread.sleep(Long.MAX_VALUE);
            }
        }
    }

    @Test
    void aQueueTellsWhatItIs() {
        CQueue queue = open(3, 64);
        queue.offer(bytes("a"));
        assertEquals(3, queue.capacity());
        assertEquals(64, queue.maxMessageSize());
        assertEquals(1, queue.size());
        assertFalse(queue.isEmpty());
        assertEquals(directory, queue.directory());
        assertEquals("CQueue[orders in " + directory + ", 1 of 3 messages of up to 64 bytes]", queue.toString());
        assertEquals(queue.toString(), queue.typed(Codec.utf8()).toString());
        try (CQueue reader = CQueue.open("orders", options().mode(Options.Mode.READ_ONLY))) {
            assertEquals(1, reader.size());
            assertEquals(3, reader.capacity());
            CQueueException error = assertThrows(CQueueException.ReadOnly.class, reader::poll);
            assertTrue(error.getMessage().endsWith("open it without Options.Mode.READ_ONLY"), error.getMessage());
        }
        queue.close();
        assertEquals("CQueue[orders in " + directory + ", closed]", queue.toString());
        assertThrows(QueueClosedException.class, queue::size);
    }

    @Test
    void descriptorsBelongToTheHandle() {
        try (CQueue queue = open()) {
            int messages = queue.descriptor();
            int room = queue.roomDescriptor();
            assertEquals(messages, queue.descriptor());
            assertEquals(room, queue.roomDescriptor());
            assertNotEquals(messages, room);
            assertTrue(Files.exists(Path.of("/proc/self/fd/" + messages)));
        }
    }

    @Test
    void versionsAreTheLibrarys() {
        assertEquals(Raw.CQ_VERSION_STRING, CQueue.version());
        assertEquals(1, CQueue.abiVersion());
        assertEquals(Raw.CQ_ABI_VERSION, CQueue.abiVersion());
    }

    /** In all that cq_explain can say, which is in its sources. */
    @Test
    void sentencesHaveJavasNames() throws IOException {
        Set<String> left = new TreeSet<>();
        for (String file : List.of("explain.c", "shortage.c")) {
            Matcher literals = Pattern.compile("\"(?:[^\"\\\\\n]|\\\\.)*\"").matcher(Files.readString(Path.of("../../c/src", file)));
            while (literals.find()) {
                Matcher names = Pattern.compile("\\b(?:CQ_[A-Z_]+|cq_[a-z_]+|max_held|max_message_size)").matcher(Text.translate(literals.group()));
                while (names.find()) {
                    left.add(names.group());
                }
            }
        }
        // No caller of this binding can get a struct's size wrong.
        assertEquals(Set.of("cq_config"), left);
        try (CQueue queue = open()) {
            assertEquals("\"orders\": an argument is invalid; what the queue was opened with is in order, and sync() "
                    + "is for queues that were created with Options.durable(true)",
                    assertThrows(CQueueException.InvalidArgument.class, queue::sync).getMessage());
            assertThrows(NullPointerException.class, () -> queue.walk(null));
        }
        assertEquals("\"CQ_TRUST\": open it with Options.trust(true)", Text.translate("\"CQ_TRUST\": open it with CQ_TRUST"));
    }

    /** Nothing of the C interface was left out: each function is called somewhere below the public classes. */
    @Test
    void everyFunctionOfTheHeaderIsUsed() throws IOException {
        String header = Files.readString(Path.of("../../c/include/cqueue.h"));
        Matcher functions = Pattern.compile("^CQ_API .*?\\b(cq_\\w+)\\(", Pattern.MULTILINE).matcher(header);
        StringBuilder sources = new StringBuilder();
        try (Stream<Path> files = Files.walk(Path.of("src/main"))) {
            for (Path file : files.filter(file -> file.toString().matches(".*\\.(java|c|h)")).toList()) {
                sources.append(Files.readString(file));
            }
        }
        Set<String> found = new TreeSet<>();
        Set<String> unused = new TreeSet<>();
        while (functions.find()) {
            found.add(functions.group(1));
            if (!Pattern.compile("\\b" + functions.group(1) + "\\b").matcher(sources).find()) {
                unused.add(functions.group(1));
            }
        }
        assertEquals(49, found.size(), found::toString);
        // The exceptions' texts are cq_explain's, which says more than cq_strerror. Threads wait in Java.
        assertEquals(Set.of("cq_strerror", "cq_enqueue_wait", "cq_dequeue_wait", "cq_take_wait", "cq_enqueue_from_wait",
                "cq_header_next", "cq_header_find"), unused);
    }
}
