package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class LoanTest extends QueueFixture {
    @Test
    void aMessageIsWrittenAndReadInPlace() throws InterruptedException {
        try (CQueue queue = open()) {
            try (Reservation out = queue.reserve(10)) {
                assertEquals(10, out.size());
                assertEquals(10, out.buffer().remaining());
                out.buffer().putInt(42).put((byte) 7);
                assertNull(queue.poll());
                assertTrue(out.commit(5));
                assertFalse(out.isHeld());
            }
            try (Received in = queue.takeInPlace()) {
                assertEquals(5, in.size());
                assertEquals(1, in.deliveries());
                ByteBuffer buffer = in.buffer();
                assertTrue(buffer.isDirect());
                assertEquals(5, buffer.remaining());
                assertEquals(42, buffer.getInt());
                assertEquals(7, buffer.get());
                assertThrows(ReadOnlyBufferException.class, () -> buffer.put(0, (byte) 1));
                assertArrayEquals(new byte[] {0, 0, 0, 42, 7}, in.toByteArray());
                in.release();
                assertFalse(in.isHeld());
            }
            assertNull(queue.pollInPlace());
            assertNull(queue.pollInPlace(1, TimeUnit.MILLISECONDS));
        }
    }

    @Test
    void anEmptyMessageHasAnEmptyBuffer() {
        try (CQueue queue = open()) {
            try (Reservation out = queue.reserve(0)) {
                assertEquals(0, out.buffer().remaining());
                assertTrue(out.commit());
            }
            try (Received in = queue.pollInPlace()) {
                assertEquals(0, in.buffer().remaining());
                assertEquals(0, in.toByteArray().length);
            }
        }
    }

    @Test
    void whatIsNotReleasedIsDeliveredAgainBeforeNewerMessages() {
        try (CQueue queue = open()) {
            queue.offer(bytes("a"));
            queue.offer(bytes("b"));
            long position;
            try (Received in = queue.pollInPlace()) {
                position = in.position();
                in.giveBack();
            }
            try (Received in = queue.pollInPlace()) { // closed without a word: as by an exception
                assertEquals("a", text(in.toByteArray()));
                assertEquals(2, in.deliveries());
            }
            try (Received in = queue.pollInPlace()) {
                assertEquals("a", text(in.toByteArray()));
                assertEquals(3, in.deliveries());
                assertEquals(position, in.position());
                in.release();
            }
            assertEquals("b", text(queue.poll()));
            assertEquals(2, queue.stats().returned());
        }
    }

    @Test
    void whatIsNotCommittedIsGivenUp() {
        try (CQueue queue = open(1, 8)) {
            try (Reservation out = queue.reserve(8)) {
                assertNull(queue.reserve(1));
                out.abort();
                assertFalse(out.isHeld());
            }
            try (Reservation out = queue.reserve(8)) {
                assertNotNull(out);
            }
            assertNull(queue.poll());
            assertTrue(queue.offer(new byte[1]));
        }
    }

    @Test
    void aLoanEndsOnce() {
        try (CQueue queue = open(); CQueue other = CQueue.open("orders", options())) {
            queue.offer(bytes("a"));
            Received in = queue.pollInPlace();
            in.release();
            assertThrows(CQueueException.NotHeld.class, in::release);
            assertThrows(CQueueException.NotHeld.class, in::giveBack);
            assertThrows(CQueueException.NotHeld.class, in::buffer);
            assertThrows(CQueueException.NotHeld.class, in::toByteArray);
            in.close();
            Reservation out = queue.reserve(4);
            assertThrows(CQueueException.MessageTooBig.class, () -> out.commit(5));
            assertThrows(IllegalArgumentException.class, () -> out.commit(-1));
            assertTrue(out.commit());
            assertThrows(CQueueException.NotHeld.class, out::commit);
            assertThrows(CQueueException.NotHeld.class, out::abort);
            assertThrows(CQueueException.NotHeld.class, out::buffer);
            assertThrows(CQueueException.MessageTooBig.class, () -> queue.reserve(65));
            assertThrows(IllegalArgumentException.class, () -> queue.reserve(-1));
            assertEquals(1, other.stats().length());
        }
    }

    @Test
    void closingTheQueueGivesLoansBackAndMakesBuffersHarmless() {
        ByteBuffer read;
        ByteBuffer written;
        Received in;
        Reservation out;
        try (CQueue other = open()) {
            CQueue queue = CQueue.open("orders", options());
            queue.offer(bytes("a message"));
            in = queue.pollInPlace();
            out = queue.reserve(8);
            read = in.buffer();
            written = out.buffer();
            assertEquals('a', read.get(0));
            assertEquals(2, other.stats().participants());

            queue.close();

            assertEquals(1, other.stats().participants(), "buffers keep no participant alive");
            assertFalse(in.isHeld());
            assertThrows(QueueClosedException.class, in::buffer);
            assertThrows(QueueClosedException.class, in::release);
            assertThrows(QueueClosedException.class, out::commit);
            in.close();
            out.close();
            assertEquals(0, read.get(0), "what was the message shows zeros");
            written.putLong(0, 0x6161616161616161L);
            try (Received again = other.pollInPlace()) {
                assertEquals("a message", text(again.toByteArray()));
                assertEquals(2, again.deliveries());
                again.release();
            }
            assertNull(other.poll());
        }
        assertEquals(0, read.get(0), "the region is not even mapped any more");
        written.putLong(0, 1);
    }

    @Test
    void buffersOutliveQueuesInAnyNumber() {
        // Each view of a region is only let go when its buffers are garbage, and nobody asks for memory meanwhile.
        List<ByteBuffer> kept = new ArrayList<>();
        for (int i = 0; i < 1500; i++) {
            try (CQueue queue = open(100_000, 4096)) {
                queue.offer(bytes("a"));
                try (Received in = queue.pollInPlace()) {
                    if (i % 100 == 0) {
                        kept.add(in.buffer());
                    } else {
                        assertEquals('a', in.buffer().get(0));
                    }
                    in.release();
                }
            }
        }
        for (ByteBuffer buffer : kept) {
            assertEquals(0, buffer.get(0));
        }
    }

    @Test
    void aBatchGivesBackWhatIsNotReleasedInItsOrder() throws InterruptedException {
        try (CQueue queue = open()) {
            for (String message : List.of("a", "b", "c", "d")) {
                queue.offer(bytes(message));
            }
            try (ReceivedBatch batch = queue.pollInPlace(3)) {
                assertEquals(3, batch.size());
                batch.get(1).release();
            }
            try (ReceivedBatch batch = queue.pollInPlace(10, 1, TimeUnit.DAYS)) {
                assertEquals(List.of("a 2", "c 2", "d 1"),
                        batch.stream().map(message -> text(message.toByteArray()) + " " + message.deliveries()).toList());
                batch.get(0).giveBack();
                batch.release();
                assertThrows(UnsupportedOperationException.class, () -> batch.remove(0));
            }
            try (ReceivedBatch batch = queue.pollInPlace(10)) {
                assertEquals(1, batch.size());
                batch.release();
            }
            assertTrue(queue.pollInPlace(10).isEmpty());
            assertTrue(queue.pollInPlace(10, 1, TimeUnit.MILLISECONDS).isEmpty());
            queue.offer(bytes("e"));
            assertTrue(queue.pollInPlace(0).isEmpty());
            assertThrows(IllegalArgumentException.class, () -> queue.pollInPlace(0, 1, TimeUnit.DAYS));
            assertEquals(0, queue.stats().held());
        }
    }

    private static List<String> calls(LogRecord record) {
        return Arrays.stream(record.getThrown().getStackTrace()).map(StackTraceElement::getMethodName).toList();
    }

    private static void collect(BooleanSupplier until) throws InterruptedException {
        while (!until.getAsBoolean()) {
            System.gc();
            Thread.sleep(5);
        }
    }

    /** Waiting for it first. */
    private static void forget(CQueue queue) throws InterruptedException {
        Thread sender = new Thread(() -> {
            while (queue.stats().waitingConsumers() == 0) {
                Thread.onSpinWait();
            }
            queue.offer(bytes("one"));
        });
        sender.start();
        Received message = queue.takeInPlace();
        assertEquals(3, message.size());
        sender.join();
    }

    /** Waiting by somebody else's thread. */
    private static void forgetLater(CQueue queue) {
        CompletableFuture<Received> future = queue.takeInPlaceAsync();
        assertTrue(queue.offer(bytes("one")));
        assertEquals(3, future.join().size());
    }

    @Test
    @Timeout(60)
    void aForgottenMessageIsGivenBackAndToldOf() throws InterruptedException {
        List<LogRecord> log = new CopyOnWriteArrayList<>();
        Logger logger = Logger.getLogger("io.cqueue");
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                log.add(record);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try (CQueue queue = open(); CQueue traced = CQueue.open("orders", options().traceLoans(true))) {
            forget(queue);
            collect(() -> queue.size() == 1 && log.size() == 1);
            assertTrue(log.get(0).getMessage().contains("\"orders\": a Received was forgotten, and is given back"));
            assertTrue(log.get(0).getMessage().contains("Options.traceLoans(true)"));
            assertNull(log.get(0).getThrown());
            assertEquals("one", text(queue.poll()));

            forget(traced);
            collect(() -> log.size() == 2);
            assertTrue(calls(log.get(1)).contains("forget"));
            assertEquals("one", text(queue.poll()));

            forgetLater(traced);
            collect(() -> log.size() == 3);
            assertTrue(calls(log.get(2)).contains("forgetLater"));

            assertNotNull(queue.reserve(8));
            collect(() -> queue.stats().writing() == 0 && log.size() == 4);
            try (Received again = queue.pollInPlace()) {
                assertEquals(2, again.deliveries());
                again.release();
            }
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
    }

    private static ByteBuffer bufferOf(CQueue queue) throws InterruptedException {
        return queue.takeInPlace().buffer().slice(1, 2).duplicate();
    }

    @Test
    @Timeout(60)
    void aBufferKeepsItsMessageAsLongAsItCanBeReached() throws InterruptedException {
        try (CQueue queue = open()) {
            queue.offer(bytes("one"));
            ByteBuffer buffer = bufferOf(queue);
            for (int i = 0; i < 20; i++) {
                System.gc();
                Thread.sleep(5);
            }
            assertEquals(1, queue.stats().held());
            assertEquals('n', buffer.get(0));
            buffer = null;
            collect(() -> queue.size() == 1);
            assertEquals("one", text(queue.poll()));
        }
    }

    @Test
    void viewsReachMemoryBeyondWhatOneBufferCan() {
        // 3 GiB of addresses; the pages that are looked at are the only ones that have memory.
        Handle handle = Handle.open("orders", options().capacity(3000).maxMessageSize(1 << 20));
        long queue = handle.enter();
        long[] message = Loan.newMessage();
        assertEquals(Raw.CQ_OK, Raw.cq_reserve(queue, 8, message));
        long data = message[1];
        long gibibyte = 1L << 30;
        Views one = new Views();
        Views other = new Views();
        for (long offset : new long[] {0, gibibyte - 4096 - 4, gibibyte, 2 * gibibyte - 4, 2 * gibibyte + 12345}) {
            one.at(handle, data + offset, 8, lease -> { }).putLong(0, offset + 1);
            assertEquals(offset + 1, other.at(handle, data + offset, 8, lease -> { }).getLong(0), () -> "at " + offset);
        }
        one.detach();
        other.detach();
        handle.exit();
        handle.run();
    }
}
