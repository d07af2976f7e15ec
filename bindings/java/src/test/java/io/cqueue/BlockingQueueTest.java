package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BlockingQueueTest extends QueueFixture {
    @Test
    void itIsABlockingQueue() throws InterruptedException {
        try (CQueue queue = open(3, 64)) {
            BlockingQueue<String> view = queue.asBlockingQueue(Codec.utf8());
            assertNull(view.peek());
            assertNull(view.poll());
            assertNull(view.poll(1, TimeUnit.MILLISECONDS));
            assertThrows(NoSuchElementException.class, view::remove);
            assertThrows(NoSuchElementException.class, view::element);
            assertThrows(NullPointerException.class, () -> view.offer(null));
            assertTrue(view.isEmpty());
            assertEquals(3, view.remainingCapacity());

            assertTrue(view.add("ä"));
            assertTrue(view.offer("b"));
            view.put("c");
            assertFalse(view.offer("d"));
            assertFalse(view.offer("d", 1, TimeUnit.MILLISECONDS));
            assertThrows(IllegalStateException.class, () -> view.add("d"));

            assertEquals(3, view.size());
            assertEquals(0, view.remainingCapacity());
            assertEquals("ä", view.peek());
            assertTrue(view.contains("c"));
            assertEquals(List.of("ä", "b", "c"), new ArrayList<>(view));
            Iterator<String> iterator = view.iterator();
            iterator.next();
            assertThrows(UnsupportedOperationException.class, iterator::remove);

            assertEquals("ä", view.take());
            assertEquals("b", view.poll(1, TimeUnit.DAYS));
            assertThrows(IllegalArgumentException.class, () -> view.drainTo(view));
            List<String> rest = new ArrayList<>();
            assertEquals(1, view.drainTo(rest));
            assertEquals(List.of("c"), rest);
        }
    }

    @Test
    void redeliveredMessagesCountAsWaiting() {
        try (CQueue queue = open(3, 64)) {
            queue.offer(bytes("a"));
            queue.pollInPlace().giveBack();
            assertEquals(2, queue.asBlockingQueue(Codec.utf8()).remainingCapacity());
            assertEquals(1, queue.asBlockingQueue(Codec.utf8()).size());
        }
    }

    @Test
    void whatIsTooBigIsAnIllegalArgument() {
        try (CQueue queue = open(3, 4)) {
            BlockingQueue<String> view = queue.asBlockingQueue(Codec.utf8());
            String message = assertThrows(IllegalArgumentException.class, () -> view.offer("12345")).getMessage();
            assertTrue(message.contains("a message of 5 bytes"), message);
            assertThrows(IllegalArgumentException.class, () -> view.add("12345"));
            assertThrows(IllegalArgumentException.class, () -> view.put("12345"));
            assertThrows(IllegalArgumentException.class, () -> view.offer("12345", 1, TimeUnit.DAYS));
            assertEquals(0, view.size());
        }
    }

    @Test
    void removingFromTheMiddleIsRefusedWhetherOrNotItIsThere() {
        try (CQueue queue = open()) {
            BlockingQueue<String> view = queue.asBlockingQueue(Codec.utf8());
            view.add("a");
            for (String object : List.of("a", "b")) {
                assertThrows(UnsupportedOperationException.class, () -> view.remove(object));
                assertThrows(UnsupportedOperationException.class, () -> view.removeIf(object::equals));
                assertThrows(UnsupportedOperationException.class, () -> view.removeAll(List.of(object)));
                assertThrows(UnsupportedOperationException.class, () -> view.retainAll(List.of(object)));
            }
            assertEquals(1, view.size());
        }
    }

    @Test
    void drainingToNothingRemovesNothing() {
        try (CQueue queue = open()) {
            queue.offer(bytes("a"));
            assertThrows(NullPointerException.class, () -> queue.drainTo(null));
            assertThrows(NullPointerException.class, () -> queue.drainTo(null, 1));
            assertThrows(NullPointerException.class, () -> queue.asBlockingQueue(Codec.utf8()).drainTo(null));
            assertThrows(UnsupportedOperationException.class, () -> queue.drainTo(List.of()));
            assertThrows(UnsupportedOperationException.class, () -> queue.asBlockingQueue(Codec.utf8()).drainTo(List.of()));
            assertEquals(1, queue.size());
            assertEquals("a", text(queue.poll()));
        }
    }

    @Test
    void drainingStopsAtTheNumberAskedFor() {
        try (CQueue queue = open()) {
            BlockingQueue<String> view = queue.asBlockingQueue(Codec.utf8());
            view.addAll(List.of("a", "b", "c"));
            List<String> some = new ArrayList<>();
            assertEquals(2, view.drainTo(some, 2));
            assertEquals(List.of("a", "b"), some);
            assertEquals(0, view.drainTo(some, 0));
            view.clear();
            assertTrue(view.isEmpty());
        }
    }
}
