package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchTest extends QueueFixture {
    private static Batch batch(String... messages) {
        Batch batch = new Batch(messages.length, 1);
        for (String message : messages) {
            assertTrue(batch.add(bytes(message)));
        }
        return batch;
    }

    @Test
    void aBatchGoesThroughInOrder() {
        try (CQueue queue = open()) {
            assertEquals(4, queue.offer(batch("one", "", "three", "4")));
            Batch in = new Batch(3, 100);
            assertEquals(3, queue.poll(in));
            assertEquals(3, in.size());
            assertEquals("one", text(in.get(0)));
            assertEquals("", text(in.get(1)));
            assertEquals("three", text(in.get(2)));
            assertEquals(1, queue.poll(in));
            assertEquals("4", text(in.get(0)));
            assertThrows(IndexOutOfBoundsException.class, () -> in.get(1));
            assertEquals(0, queue.poll(in));
            assertTrue(in.isEmpty());
        }
    }

    @Test
    void whatHasNoRoomIsNotSent() {
        try (CQueue queue = open(3, 8)) {
            Batch out = batch("a", "b", "c", "d", "e");
            assertEquals(3, queue.offer(out));
            assertEquals(0, queue.offer(out, 3));
            assertEquals("a", text(queue.poll()));
            assertEquals(1, queue.offer(out, 3));
            assertThrows(IndexOutOfBoundsException.class, () -> queue.offer(out, 6));
            assertEquals(0, queue.offer(out, 5), "none are left");
            for (String expected : new String[] {"b", "c", "d", null}) {
                assertEquals(expected, text(queue.poll()));
            }
        }
    }

    @Test
    void puttingWaitsForRoomForAll() throws InterruptedException {
        try (CQueue queue = open(2, 8)) {
            Thread consumer = new Thread(() -> {
                for (int i = 0; i < 7; i++) {
                    try {
                        assertArrayEquals(new byte[] {(byte) i}, queue.take());
                    } catch (InterruptedException e) {
                        return;
                    }
                }
            });
            Batch out = new Batch(7, 7);
            for (int i = 0; i < 7; i++) {
                out.add(new byte[] {(byte) i});
            }
            consumer.start();
            queue.put(out);
            consumer.join();
            assertEquals(0, queue.stats().length());
            assertEquals(7, queue.stats().dequeued());
        }
    }

    @Test
    void aMessageThatIsTooBigKeepsTheWholeBatchOut() {
        try (CQueue queue = open(8, 4)) {
            CQueueException error = assertThrows(CQueueException.MessageTooBig.class, () -> queue.offer(batch("1", "12345")));
            assertEquals("\"orders\": a message of 5 bytes, the region takes 4 at most (or what was reserved)", error.getMessage());
            assertEquals(0, queue.stats().length());
        }
    }

    @Test
    void aBatchGrowsForAMessageLargerThanItself() {
        try (CQueue queue = open(8, 5000)) {
            queue.offer(new byte[5000]);
            queue.offer(new byte[1]);
            Batch in = new Batch(8, 10);
            assertEquals(1, queue.poll(in));
            assertEquals(5000, in.get(0).length);
            assertEquals(1, queue.poll(in));
            assertEquals(1, in.get(0).length);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 255, 256, 257, 3000})
    void anyNumberOfMessagesMakesABatch(int count) {
        try (CQueue queue = open(4096, 8)) {
            Batch out = new Batch(count, 8 * count);
            for (int i = 0; i < count; i++) {
                out.add(ByteBuffer.allocate(8).putInt(i).flip());
            }
            assertFalse(out.add(new byte[1]));
            assertFalse(out.add(ByteBuffer.allocate(1)));
            assertEquals(count, queue.offer(out));
            Batch in = new Batch(count, 4 * count);
            assertEquals(count, queue.poll(in));
            for (int i = 0; i < count; i++) {
                ByteBuffer message = in.buffer(i);
                assertEquals(4, message.remaining());
                assertEquals(i, message.getInt());
                assertTrue(message.isReadOnly());
            }
        }
    }

    @Test
    void aBatchThatAnotherThreadChangesIsRefusedNotRead() {
        try (CQueue queue = open()) {
            Batch batch = batch("abc", "def");
            batch.memory().end(0, Integer.MAX_VALUE);
            assertThrows(CQueueException.InvalidArgument.class, () -> queue.offer(batch));
            batch.memory().end(0, -1);
            assertThrows(CQueueException.InvalidArgument.class, () -> queue.offer(batch));
            assertEquals(0, queue.stats().length());
        }
    }

    @Test
    void aBatchNeedsRoomForAMessage() {
        assertThrows(IllegalArgumentException.class, () -> new Batch(0, 10));
        assertThrows(IllegalArgumentException.class, () -> new Batch(1, -1));
        assertThrows(IllegalArgumentException.class, () -> new Batch(Integer.MAX_VALUE, 1));
        assertThrows(IllegalArgumentException.class, () -> new Batch(1, Integer.MAX_VALUE));
        assertThrows(IndexOutOfBoundsException.class, () -> new Batch(1, 1).add(new byte[1], 1, 1));
    }
}
