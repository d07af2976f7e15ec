package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What goes along with messages, where they come from, and what becomes of those that nobody wants. */
@Timeout(120)
class MoreTest extends QueueFixture {
    private CQueue open(Options more) {
        return CQueue.open("orders", more.directory(directory).capacity(16).maxMessageSize(64));
    }

    private static String shown(Map<String, byte[]> headers) {
        List<String> all = new ArrayList<>();
        headers.forEach((key, value) -> all.add(key + "=" + text(value)));
        return String.join(" ", all);
    }

    @Test
    void headersGoAlong() throws Exception {
        try (CQueue queue = open(new Options().maxHeaders(400))) {
            Map<String, byte[]> headers = new LinkedHashMap<>();
            headers.put("content-type", bytes("text/plain"));
            headers.put("ä", new byte[] {0, -1, 7});
            headers.put("empty", new byte[0]);
            headers.put("long", new byte[300]);
            queue.put(bytes("a"), headers);
            assertTrue(queue.offer(bytes("b"), Map.of()));
            try (Received message = queue.takeInPlace()) {
                Map<String, byte[]> found = message.headers();
                assertEquals(List.copyOf(headers.keySet()), List.copyOf(found.keySet()));
                headers.forEach((key, value) -> assertArrayEquals(value, found.get(key), key));
                assertThrows(UnsupportedOperationException.class, found::clear);
                message.release();
                assertThrows(CQueueException.NotHeld.class, message::headers);
            }
            try (Received message = queue.takeInPlace()) {
                assertEquals(Map.of(), message.headers());
                message.release();
            }
            try (Reservation place = queue.reserve(1)) {
                place.setHeaders(Map.of("a", bytes("1")));
                place.setHeaders(Map.of("b", bytes("2")));
                assertEquals("b=2", shown(place.headers()));
                place.commit();
                assertThrows(CQueueException.NotHeld.class, () -> place.setHeaders(Map.of()));
            }
            try (Received message = queue.takeInPlace()) {
                assertEquals("b=2", shown(message.headers()));
            }
            assertEquals(400, queue.stats().maxHeaders());
        }
    }

    @Test
    void headersThatAreNoneAreRefused() {
        try (CQueue queue = open()) {
            assertThrows(CQueueException.NotCreatedForThis.class,
                    () -> queue.offer(bytes("a"), Map.of("a", bytes("1"))));
            assertTrue(queue.offer(bytes("a"), Map.of()));
            try (Received message = queue.pollInPlace()) {
                assertEquals(Map.of(), message.headers());
                assertNull(message.enqueueTime());
            }
        }
        try (CQueue queue = CQueue.open("with", options().maxHeaders(20))) {
            String tooBig = assertThrows(CQueueException.MessageTooBig.class,
                    () -> queue.offer(bytes("a"), Map.of("a", new byte[17]))).getMessage();
            assertEquals("\"with\": headers of 21 bytes, the queue takes 20: create it with a larger maxHeaders, "
                    + "or send fewer", tooBig);
            try (Reservation place = queue.reserve(1)) {
                assertEquals(tooBig, assertThrows(CQueueException.MessageTooBig.class,
                        () -> place.setHeaders(Map.of("a", new byte[17]))).getMessage());
            }
            assertTrue(assertThrows(CQueueException.MessageTooBig.class,
                    () -> queue.offer(new byte[5000], Map.of("a", new byte[1]))).getMessage().contains("5000 bytes"));
            assertThrows(CQueueException.BadHeaders.class, () -> queue.offer(bytes("a"), Map.of("", new byte[1])));
            assertThrows(IllegalArgumentException.class,
                    () -> queue.offer(bytes("a"), Map.of("a".repeat(256), new byte[1])));
            assertThrows(IllegalArgumentException.class, () -> queue.offer(bytes("a"), Map.of("a", new byte[65_536])));
            assertEquals(0, queue.size());
        }
    }

    /** Each of these is another source or key to C, and another one's numbers would be taken for its. */
    @Test
    void whatCDoesNotTakeAsItIsIsRefused() {
        try (CQueue queue = open(new Options().maxHeaders(50))) {
            for (String name : List.of("a\0b", "a\ud800b")) {
                assertThrows(IllegalArgumentException.class, () -> queue.offerFrom(name, 1, bytes("x"), Map.of()));
                assertThrows(IllegalArgumentException.class, () -> queue.putFrom(name, 1, bytes("x"), Map.of()));
                assertThrows(IllegalArgumentException.class, () -> queue.source(name));
                assertThrows(IllegalArgumentException.class, () -> queue.raiseSource(name, 1));
                assertThrows(IllegalArgumentException.class, () -> queue.put(bytes("x"), Map.of(name, bytes("y"))));
            }
            for (String name : List.of("", "x".repeat(201), "\u00e9".repeat(101))) {
                assertTrue(assertThrows(IllegalArgumentException.class, () -> queue.source(name)).getMessage()
                        .endsWith("bytes: it has 1 to 200 of them"));
            }
            for (long number : new long[] {0, -1, Long.MIN_VALUE}) {
                assertThrows(IllegalArgumentException.class, () -> queue.offerFrom("a", number, bytes("x"), Map.of()));
                assertThrows(IllegalArgumentException.class, () -> queue.putFrom("a", number, bytes("x"), Map.of()));
                assertThrows(IllegalArgumentException.class, () -> queue.raiseSource("a", number));
            }
            assertEquals(Map.of(), queue.sources());
            assertEquals(0, queue.size());
        }
    }

    @Test
    void aSourceIsPutOnce() throws Exception {
        try (CQueue queue = open(new Options().maxHeaders(50)); CQueue other = open(new Options())) {
            assertEquals(0, queue.source("stream"));
            assertTrue(queue.putFrom("stream", 1, bytes("a"), Map.of("n", bytes("1"))));
            assertEquals(true, queue.offerFrom("stream", 5, bytes("b"), Map.of()));
            assertEquals(false, other.offerFrom("stream", 5, bytes("x"), Map.of()));
            assertFalse(other.putFrom("stream", 4, bytes("x"), Map.of()));
            assertTrue(queue.putFrom("other", 1, bytes("c"), Map.of()));
            assertEquals(Map.of("stream", 5L, "other", 1L), queue.sources());
            assertTrue(queue.raiseSource("stream", 9));
            assertFalse(queue.raiseSource("stream", 9));
            assertEquals(9, other.source("stream"));
            assertEquals("a b c", text(queue.poll()) + " " + text(queue.poll()) + " " + text(queue.poll()));
            assertEquals(2, queue.stats().sources());
            for (int i = 0; i < 62; i++) {
                assertTrue(queue.raiseSource("source " + i, 1));
            }
            assertThrows(CQueueException.TooManySources.class,
                    () -> queue.offerFrom("one more", 1, bytes("a"), Map.of()));
            for (int i = 0; i < 16; i++) {
                queue.put(bytes("full"));
            }
            assertNull(queue.offerFrom("stream", 10, bytes("d"), Map.of()));
            assertEquals(9, queue.source("stream"));
            FutureTask<Boolean> waiting = new FutureTask<>(() -> other.putFrom("stream", 10, bytes("d"), Map.of()));
            new Thread(waiting).start();
            while (queue.stats().waitingProducers() == 0) {
                Thread.onSpinWait();
            }
            queue.poll();
            assertTrue(waiting.get());
        }
    }

    @Test
    void thereIsOneConsumerAtATime() throws Exception {
        CQueue first = open(new Options().exclusiveConsumer(true));
        try (first; CQueue second = open(new Options())) {
            first.put(bytes("a"));
            first.put(bytes("b"));
            assertEquals("a", text(first.take()));
            assertThrows(CQueueException.NotTheConsumer.class, second::poll);
            assertThrows(CQueueException.NotTheConsumer.class, () -> second.poll(10, TimeUnit.MILLISECONDS));
            Stats stats = second.stats();
            assertTrue(stats.exclusiveConsumer() && stats.consumer() != 0);
            FutureTask<byte[]> standby = new FutureTask<>(second::take);
            new Thread(standby).start();
            Thread.sleep(50);
            assertFalse(standby.isDone());
            first.close();
            assertEquals("b", text(standby.get()));
        }
    }

    @Test
    void whatNobodyCouldHandleGoesToTheDeadLetters() throws Exception {
        try (CQueue dead = CQueue.open("dead", options().maxHeaders(200));
                CQueue queue = open(new Options().deadLetter(2, "dead"))) {
            queue.put(bytes("bad"));
            queue.put(bytes("good"));
            for (int i = 1; i <= 2; i++) {
                try (Received message = queue.takeInPlace()) {
                    assertEquals("bad " + i, text(message.toByteArray()) + " " + message.deliveries());
                }
            }
            assertEquals("good", text(queue.poll(1, TimeUnit.MINUTES)));
            try (Received message = dead.pollInPlace(1, TimeUnit.MINUTES)) {
                assertEquals("bad", text(message.toByteArray()));
                assertEquals("deliveries", text(message.headers().get("cq-dead-letter")));
                assertEquals("orders", text(message.headers().get("cq-queue")));
            }
            Stats stats = queue.stats();
            assertEquals(List.of(2L, 1L), List.of(stats.maxDeliveries(), stats.deadLettered()));
            assertEquals("dead", stats.deadLetter());
        }
    }

    @Test
    void aMessageComesLaterOrLast() throws Exception {
        try (CQueue queue = open()) {
            for (String message : "a b c d".split(" ")) {
                queue.put(bytes(message));
            }
            try (Received message = queue.takeInPlace()) {
                message.giveBack(Duration.ofDays(1));
                assertFalse(message.isHeld());
                assertThrows(CQueueException.NotHeld.class, () -> message.giveBack(Duration.ofDays(1)));
            }
            assertEquals(1, queue.stats().delayed());
            try (Received message = queue.takeInPlace()) {
                assertEquals("b", text(message.toByteArray()));
                message.giveBackToTail();
                assertThrows(CQueueException.NotHeld.class, message::giveBackToTail);
            }
            assertEquals("c d b", text(queue.take()) + " " + text(queue.take()) + " " + text(queue.take()));
            assertNull(queue.poll());
            assertEquals(1, queue.stats().delayed());
        }
    }

    @Test
    void aMessageComesAfterItsDelay() throws Exception {
        try (CQueue queue = open()) {
            queue.put(bytes("a"));
            long start = System.nanoTime();
            try (Received message = queue.takeInPlace()) {
                message.giveBack(Duration.ofMillis(200));
            }
            try (Received message = queue.pollInPlace(1, TimeUnit.MINUTES)) {
                assertEquals("a 2", text(message.toByteArray()) + " " + message.deliveries());
                assertThrows(IllegalArgumentException.class, () -> message.giveBack(Duration.ofNanos(-1)));
                message.giveBack(Duration.ZERO);
            }
            assertTrue(System.nanoTime() - start > 100_000_000);
            assertEquals("a", text(queue.poll()));
        }
    }

    @Test
    void messagesHaveTimesAndExpire() throws Exception {
        Options options = new Options().enqueueTimes(true).timeToLive(Duration.ofDays(1));
        try (CQueue queue = open(options)) {
            Instant before = Instant.now();
            queue.put(bytes("a"));
            try (Received message = queue.takeInPlace()) {
                assertTrue(Duration.between(before, message.enqueueTime()).abs().toSeconds() < 60);
            }
            assertEquals(Duration.ofDays(1), queue.stats().timeToLive());
            CQueue.unlink("orders", directory);
        }
        options.timeToLive(Duration.ofMillis(200));
        try (CQueue queue = open(options)) {
            queue.put(bytes("a"));
            Stats stats = queue.stats();
            assertTrue(stats.enqueueTimes());
            assertEquals(Duration.ofMillis(200), stats.timeToLive());
            Thread.sleep(400);
            assertNull(queue.poll());
            assertEquals(1, queue.stats().expired());
        }
    }

    @Test
    void propertiesAreTheQueues() throws Exception {
        try (CQueue queue = open(new Options().maxHeaders(100)); CQueue other = open(new Options())) {
            other.put(bytes("a"), Map.of("a", bytes("1")));
            assertEquals(1, queue.size());
            assertThrows(CQueueException.Mismatch.class, () -> open(new Options().maxHeaders(50)));
            assertThrows(CQueueException.Mismatch.class, () -> open(new Options().exclusiveConsumer(true)));
            assertThrows(IllegalArgumentException.class, () -> new Options().timeToLive(Duration.ofNanos(-1)));
            assertThrows(IllegalArgumentException.class, () -> new Options().maxHeaders(-1));
        }
    }
}
