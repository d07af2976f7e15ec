package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CopyTest extends QueueFixture {
    @Test
    void messagesComeOutInTheOrderTheyWentIn() {
        try (CQueue queue = open()) {
            assertTrue(queue.offer(bytes("one")));
            assertTrue(queue.offer(bytes("xtwox"), 1, 3));
            assertEquals("one", text(queue.poll()));
            assertEquals("two", text(queue.poll()));
            assertNull(queue.poll());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 4095, 4096, 4097, 70_000})
    void everySizeGoesThroughUnchanged(int size) throws InterruptedException {
        byte[] message = new byte[size];
        for (int i = 0; i < size; i++) {
            message[i] = (byte) (i * 31);
        }
        try (CQueue queue = open(4, 70_000)) {
            byte[] into = new byte[size];
            assertTrue(queue.offer(message));
            assertArrayEquals(message, queue.poll());
            assertTrue(queue.offer(message, 1, TimeUnit.DAYS));
            assertEquals(size, queue.poll(into));
            assertArrayEquals(message, into);
            assertTrue(queue.offer(message));
            assertArrayEquals(message, queue.poll(1, TimeUnit.DAYS));

            // Waiting for real, so that the way through a copy is taken.
            Thread later = new Thread(() -> {
                while (queue.stats().waitingConsumers() == 0) {
                    Thread.onSpinWait();
                }
                queue.offer(message);
            });
            later.start();
            Arrays.fill(into, (byte) 0);
            assertEquals(size, queue.poll(ByteBuffer.wrap(into), 1, TimeUnit.DAYS));
            assertArrayEquals(message, into);
            later.join();
        }
    }

    @Test
    void aFullQueueRefusesExactlyWhatIsBeyondItsCapacity() throws InterruptedException {
        try (CQueue queue = open(3, 8)) {
            for (int i = 0; i < 3; i++) {
                assertTrue(queue.offer(new byte[] {(byte) i}));
            }
            assertFalse(queue.offer(new byte[1]));
            assertFalse(queue.offer(new byte[1], 1, TimeUnit.MILLISECONDS));
            assertFalse(queue.offer(ByteBuffer.allocateDirect(1), 30, TimeUnit.MILLISECONDS));
            assertNull(queue.reserve(1));
            assertArrayEquals(new byte[] {0}, queue.poll());
            assertTrue(queue.offer(new byte[1]));
        }
    }

    @Test
    void theRangeOfAnArrayIsChecked() {
        try (CQueue queue = open()) {
            assertThrows(IndexOutOfBoundsException.class, () -> queue.offer(new byte[4], 2, 3));
            assertThrows(IndexOutOfBoundsException.class, () -> queue.offer(new byte[4], -1, 1));
            assertThrows(NullPointerException.class, () -> queue.offer((byte[]) null));
            assertThrows(NullPointerException.class, () -> queue.poll((byte[]) null));
            assertEquals(0, queue.stats().length());
        }
    }

    static Stream<Named<UnaryOperator<ByteBuffer>>> kindsOfBuffer() {
        return Stream.of(
                Named.of("heap", bytes -> ByteBuffer.allocate(32).put(bytes).flip()),
                Named.of("slice of heap", bytes -> ByteBuffer.allocate(40).put(3, bytes, 0, 32).slice(3, 32)),
                Named.of("direct", bytes -> ByteBuffer.allocateDirect(32).put(bytes).flip()),
                Named.of("slice of direct", bytes -> ByteBuffer.allocateDirect(40).put(3, bytes, 0, 32).slice(3, 32)));
    }

    /** 32 bytes: 0, 1, ... */
    private static ByteBuffer source() {
        ByteBuffer source = ByteBuffer.allocate(32);
        for (int i = 0; i < 32; i++) {
            source.put((byte) i);
        }
        return source.flip();
    }

    @ParameterizedTest
    @MethodSource("kindsOfBuffer")
    void aMessageIsWhatRemainsOfABuffer(UnaryOperator<ByteBuffer> kind) throws InterruptedException {
        try (CQueue queue = open()) {
            for (ByteBuffer buffer : List.of(kind.apply(source()), kind.apply(source()).asReadOnlyBuffer())) {
                assertTrue(queue.offer(buffer.position(5).limit(8)));
                assertEquals(8, buffer.position());
                assertEquals(8, buffer.limit());
                assertArrayEquals(new byte[] {5, 6, 7}, queue.poll());

                queue.put(buffer.position(1).limit(3));
                assertArrayEquals(new byte[] {1, 2}, queue.poll());

                assertTrue(queue.offer(buffer), "nothing remains: an empty message");
                assertArrayEquals(new byte[0], queue.poll());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kindsOfBuffer")
    void aMessageThatIsRefusedLeavesTheBufferAsItWas(UnaryOperator<ByteBuffer> kind) {
        try (CQueue queue = open(1, 64)) {
            queue.offer(new byte[1]);
            ByteBuffer buffer = kind.apply(source()).position(4).limit(9);
            assertFalse(queue.offer(buffer));
            assertEquals(4, buffer.position());
            assertEquals(9, buffer.limit());
        }
    }

    @ParameterizedTest
    @MethodSource("kindsOfBuffer")
    void aMessageIsPutWhereABufferStands(UnaryOperator<ByteBuffer> kind) throws InterruptedException {
        try (CQueue queue = open()) {
            queue.offer(new byte[] {70, 71, 72});
            queue.offer(new byte[] {73});
            ByteBuffer buffer = kind.apply(source()).position(10).limit(14);
            assertEquals(3, queue.poll(buffer));
            assertEquals(1, queue.poll(buffer, 1, TimeUnit.DAYS));
            assertEquals(-1, queue.poll(buffer));
            assertEquals(-1, queue.poll(buffer, 1, TimeUnit.MILLISECONDS));
            assertEquals(14, buffer.position());
            byte[] all = new byte[32];
            buffer.clear().get(all);
            byte[] expected = source().array();
            System.arraycopy(new byte[] {70, 71, 72, 73}, 0, expected, 10, 4);
            assertArrayEquals(expected, all);
        }
    }

    @ParameterizedTest
    @MethodSource("kindsOfBuffer")
    void aMessageThatDoesNotFitStays(UnaryOperator<ByteBuffer> kind) {
        try (CQueue queue = open()) {
            queue.offer(new byte[20]);
            ByteBuffer buffer = kind.apply(source()).position(10).limit(29);
            CQueueException.BufferTooSmall error =
                    assertThrows(CQueueException.BufferTooSmall.class, () -> queue.poll(buffer));
            assertEquals(20, error.needed());
            assertEquals("\"orders\": the message has 20 bytes, more than the buffer: it is still queued", error.getMessage());
            assertEquals(10, buffer.position());
            assertEquals(1, queue.stats().length());
        }
    }

    @ParameterizedTest
    @MethodSource("kindsOfBuffer")
    void aReadOnlyBufferReceivesNothing(UnaryOperator<ByteBuffer> kind) {
        try (CQueue queue = open()) {
            queue.offer(new byte[1]);
            ByteBuffer buffer = kind.apply(source()).asReadOnlyBuffer();
            assertThrows(ReadOnlyBufferException.class, () -> queue.poll(buffer));
            assertEquals(1, queue.stats().length());
        }
    }

    @Test
    void addressesOfManyBuffersAreNotMixedUp() {
        List<ByteBuffer> buffers = new ArrayList<>();
        try (CQueue queue = open()) {
            for (int i = 0; i < 1000; i++) {
                buffers.add(ByteBuffer.allocateDirect(8).putLong(0, i));
            }
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 1000; i++) {
                    queue.offer(buffers.get(i).clear());
                    assertEquals(8, queue.poll(buffers.get(999 - i).clear()));
                    assertEquals(i, buffers.get(999 - i).getLong(0));
                    buffers.get(999 - i).putLong(0, 999 - i);
                }
            }
        }
    }

    @Test
    void drainingMovesWhatIsWaiting() {
        try (CQueue queue = open()) {
            for (int i = 0; i < 5; i++) {
                queue.offer(new byte[] {(byte) i});
            }
            List<byte[]> to = new ArrayList<>();
            assertEquals(2, queue.drainTo(to, 2));
            assertEquals(3, queue.drainTo(to));
            assertEquals(0, queue.drainTo(to));
            for (int i = 0; i < 5; i++) {
                assertArrayEquals(new byte[] {(byte) i}, to.get(i));
            }
        }
    }
}
