package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams of loans: each is taken when it is asked for, and what is not released is delivered again. */
@Timeout(60)
class MessagesTest extends QueueFixture {
    private CQueue filled(int messages) {
        CQueue queue = open();
        for (int i = 0; i < messages; i++) {
            queue.offer(bytes("" + i));
        }
        return queue;
    }

    @Test
    void eachIsTakenWhenItIsAskedFor() {
        try (CQueue queue = filled(5); Stream<Received> messages = queue.messages()) {
            List<String> seen = new ArrayList<>();
            messages.limit(3).forEach(message -> {
                assertEquals(4 - seen.size(), queue.size());
                seen.add(text(message.toByteArray()));
                message.release();
            });
            assertEquals(List.of("0", "1", "2"), seen);
            assertEquals(2, queue.size());
        }
    }

    @Test
    void oneThatIsNotReleasedIsGivenBackWhenTheNextIsAskedForOrTheStreamIsClosed() {
        try (CQueue queue = filled(2)) {
            List<String> seen = new ArrayList<>();
            Received last;
            try (Stream<Received> messages = queue.messages()) {
                Iterator<Received> iterator = messages.iterator();
                last = iterator.next();
                for (int i = 0; i < 2; i++) {
                    Received before = last;
                    last = iterator.next();
                    assertFalse(before.isHeld());
                    seen.add(text(last.toByteArray()) + " " + last.deliveries());
                }
                assertTrue(last.isHeld());
            }
            assertFalse(last.isHeld());
            assertEquals(List.of("0 2", "0 3"), seen);
            assertEquals(2, queue.size());
        }
    }

    @Test
    void oneWhoseConsumerFailsIsGivenBackAtOnce() {
        try (CQueue queue = filled(2)) {
            Stream<Received> messages = queue.messages();
            assertThrows(IllegalStateException.class, () -> messages.forEach(message -> {
                throw new IllegalStateException("no");
            }));
            assertEquals(2, queue.size());
            assertEquals(0, queue.stats().held());
            messages.close();
        }
    }

    private interface End {
        void run(CQueue queue, Thread consumer);
    }

    private void ends(End end, boolean interrupted) throws Exception {
        try (CQueue queue = filled(1)) {
            CompletableFuture<Boolean> ended = new CompletableFuture<>();
            CompletableFuture<String> first = new CompletableFuture<>();
            Thread consumer = new Thread(() -> {
                try (Stream<Received> messages = queue.messages()) {
                    messages.forEach(message -> {
                        String text = text(message.toByteArray());
                        message.release();
                        first.complete(text);
                    });
                    ended.complete(Thread.currentThread().isInterrupted());
                } catch (Throwable e) {
                    ended.completeExceptionally(e);
                }
            });
            consumer.start();
            assertEquals("0", first.get());
            end.run(queue, consumer);
            assertEquals(interrupted, ended.get(30, TimeUnit.SECONDS));
        }
    }

    @Test
    void closingCancellingAndInterruptingEndIt() throws Exception {
        ends((queue, consumer) -> queue.close(), false);
        ends((queue, consumer) -> queue.cancel(), false);
        ends((queue, consumer) -> consumer.interrupt(), true);
    }

    @Test
    void objectsComeInTheSameWay() {
        try (CQueue queue = open()) {
            TypedQueue<String> names = queue.typed(Codec.json(String.class));
            names.add("tea");
            names.add("coffee");
            queue.offer(bytes("{bad"));
            List<String> seen = new ArrayList<>();
            try (Stream<Delivery<String>> deliveries = names.deliveries()) {
                DecodeException bad = assertThrows(DecodeException.class, () -> deliveries.forEach(delivery -> {
                    seen.add(delivery.value());
                    delivery.release();
                }));
                assertEquals("{bad", text(bad.data()));
            }
            assertEquals(List.of("tea", "coffee"), seen);
            assertEquals("{bad", text(queue.poll()));
            assertNull(queue.poll());
        }
    }
}
