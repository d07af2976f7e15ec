package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TypedQueueTest extends QueueFixture {
    private record Tea(int id, String name, double price) {}

    /** Numbers as text. */
    private static final Codec<Integer> NUMBERS = new Codec<>() {
        @Override
        public byte[] encode(Integer object) {
            return bytes(object.toString());
        }

        @Override
        public Integer decode(byte[] message) {
            return message.length == 0 ? null : Integer.valueOf(text(message));
        }
    };

    private static final Codec<Tea> STRUCT = Codec.struct(24,
            (tea, to) -> to.putInt(0, tea.id()).putDouble(8, tea.price()).put(16, bytes(tea.name())),
            from -> new Tea(from.getInt(0), new String(from.array(), 16, 8, StandardCharsets.UTF_8).replace("\0", ""),
                    from.getDouble(8)));

    @Test
    void textThatIsNoUtf8IsNotReplacedByOther() {
        try (CQueue queue = open()) {
            TypedQueue<String> texts = queue.typed(Codec.utf8());
            texts.add("t\u00e9 \ud83c\udf75");
            assertEquals("t\u00e9 \ud83c\udf75", texts.poll());
            assertThrows(IllegalArgumentException.class, () -> texts.add("\ud83c"));
            assertEquals(0, queue.size());
            byte[] latin1 = {'t', (byte) 0xe9};
            queue.offer(latin1);
            assertArrayEquals(latin1, assertThrows(DecodeException.class, texts::poll).data());
            assertArrayEquals(latin1, queue.poll());
        }
    }

    @Test
    void whatJsonHasNoNumberForIsRefused() {
        try (CQueue queue = open()) {
            TypedQueue<Object> objects = queue.typed(Codec.json(Object.class));
            for (Object bad : List.of(Double.NaN, Float.NEGATIVE_INFINITY, Map.of("a", Double.POSITIVE_INFINITY),
                    new double[] {1, Double.NaN}, new float[] {Float.NaN})) {
                IllegalArgumentException no = assertThrows(IllegalArgumentException.class, () -> objects.add(bad));
                assertTrue(no.getMessage().contains("JSON has no number "), no.getMessage());
            }
            objects.add(new double[] {1.5});
            assertEquals("[1.5]", text(queue.poll()));
            assertNull(queue.poll());
        }
    }

    @Test
    void jsonIsWhatOtherLanguagesWrite() {
        try (CQueue queue = open()) {
            TypedQueue<Tea> teas = queue.typed(Codec.json(Tea.class));
            teas.add(new Tea(7, "tea", 2.5));
            assertEquals("{\"id\":7,\"name\":\"tea\",\"price\":2.5}", text(queue.poll()));
            queue.offer(bytes(" {\"price\": 2.5, \"name\": \"t\u00e9\", \"more\": [], \"id\": 7} "));
            assertEquals(new Tea(7, "t\u00e9", 2.5), teas.poll());
            queue.offer(bytes("{\"a\": [1, null]}"));
            assertEquals(Map.of("a", Arrays.asList(1, null)), queue.typed(Codec.json(Map.class)).poll());
            for (String bad : List.of("{\"id\": 7", "{} {}", "null", "")) {
                queue.offer(bytes(bad));
                assertEquals(bad, text(assertThrows(DecodeException.class, teas::poll).data()));
                assertEquals(bad, text(queue.poll()));
            }
            assertThrows(NullPointerException.class, () -> Codec.json(null));
            assertThrows(IllegalArgumentException.class, () -> queue.typed(Codec.json(Object.class)).add(new Object()));
        }
    }

    @Test
    void aStructHasTheBytesOfCs() {
        try (CQueue queue = open()) {
            TypedQueue<Tea> teas = queue.typed(STRUCT);
            teas.add(new Tea(7, "tea", 2.5));
            byte[] struct = HexFormat.of().parseHex("0700000000000000" + "0000000000000440" + "7465610000000000");
            assertArrayEquals(struct, queue.poll());
            queue.offer(struct);
            assertEquals(new Tea(7, "tea", 2.5), teas.poll());
            queue.offer(new byte[23]);
            DecodeException error = assertThrows(DecodeException.class, teas::poll);
            assertEquals("a struct of 24 bytes, the message has 23", error.getCause().getMessage());
        }
    }

    @Test
    void whatCannotBeDecodedStaysAndIsThrownWithItsBytes() throws InterruptedException {
        try (CQueue queue = open()) {
            TypedQueue<Integer> numbers = queue.typed(NUMBERS);
            queue.offer(bytes("seven"));
            long position = assertThrows(DecodeException.class, numbers::poll).position();
            assertThrows(DecodeException.class, numbers::take);
            DecodeException error = assertThrows(DecodeException.class, () -> numbers.poll(1, TimeUnit.DAYS));
            assertEquals("seven", text(error.data()));
            assertEquals(3, error.deliveries());
            assertEquals(position, error.position());
            assertInstanceOf(NumberFormatException.class, error.getCause());
            assertTrue(error.getMessage().startsWith("\"orders\": a message of 5 bytes cannot be decoded (delivery 3): "));
            assertEquals(0, assertThrows(DecodeException.class, numbers::peek).deliveries());
            assertEquals(1, queue.size());
            assertEquals(0, queue.stats().held());
            numbers.clear();
            queue.offer(new byte[0]);
            assertThrows(DecodeException.class, numbers::poll, "nothing is no object");
        }
    }

    @Test
    void goodNeighboursAreDelivered() {
        try (CQueue queue = open()) {
            TypedQueue<Integer> numbers = queue.typed(NUMBERS);
            for (String message : List.of("bad", "1", "2", "worse", "3")) {
                queue.offer(bytes(message));
            }
            List<Integer> good = new ArrayList<>();
            assertEquals(3, numbers.drainTo(good));
            assertEquals(List.of(1, 2, 3), good);
            assertEquals("bad", text(assertThrows(DecodeException.class, () -> numbers.drainTo(good)).data()));
            assertEquals(2, queue.size());
            assertEquals(0, queue.stats().held());
            assertEquals("bad", text(queue.poll()));
            assertEquals("worse", text(queue.poll()));
        }
    }

    @Test
    void deadLettersHaveTheHeadersThatFit() {
        Map<String, String> why = Map.of("cq-dead-letter", "undecodable", "cq-queue", "typed", "cq-deliveries", "1");
        Map<String, String> all = new HashMap<>(why);
        all.put("a", "b");
        Map<Integer, Map<String, String>> expected = Map.of(66, all, 65, why, 10, Map.of(), 0, Map.of());
        try (CQueue queue = CQueue.open("typed", options().maxHeaders(50))) {
            expected.forEach((room, headers) -> {
                try (CQueue dead = CQueue.open("dead" + room, options().maxHeaders(room))) {
                    queue.offer(bytes("bad"), Map.of("a", bytes("b")));
                    assertNull(queue.typed(NUMBERS, PoisonHandler.deadLetters(dead, 1)).poll());
                    try (Received letter = dead.pollInPlace()) {
                        Map<String, String> found = new HashMap<>();
                        letter.headers().forEach((key, value) -> found.put(key, text(value)));
                        assertEquals(headers, found, () -> "with room for " + room);
                        letter.release();
                    }
                }
            });
        }
    }

    @Test
    void aHandlerMayDropOrMoveWhatCannotBeDecoded() throws InterruptedException {
        try (CQueue queue = open(); CQueue dead = CQueue.open("dead", options().capacity(1))) {
            queue.offer(bytes("bad"));
            queue.offer(bytes("1"));
            assertEquals(1, queue.typed(NUMBERS, PoisonHandler.drop()).take());

            TypedQueue<Integer> numbers = queue.typed(NUMBERS, PoisonHandler.deadLetters(dead, 2));
            queue.offer(bytes("bad"));
            queue.offer(bytes("worse"));
            queue.offer(bytes("2"));
            assertThrows(DecodeException.class, numbers::poll);
            assertThrows(DecodeException.class, numbers::poll, "the first is moved, the second is new");
            assertEquals("bad", text(dead.poll()));
            dead.offer(bytes("full"));
            assertThrows(DecodeException.class, numbers::poll, "there is no room, so it stays");
            assertEquals("full", text(dead.poll()));
            assertEquals(2, numbers.poll());
            assertEquals("worse", text(dead.poll()));
            assertNull(numbers.poll(1, TimeUnit.MILLISECONDS));
            assertThrows(IllegalArgumentException.class, () -> PoisonHandler.deadLetters(dead, 0));
            assertThrows(IllegalArgumentException.class, () -> PoisonHandler.deadLetters(dead, 256));

            IllegalStateException thrown = new IllegalStateException("the handler");
            queue.offer(bytes("bad"));
            assertEquals(thrown, assertThrows(IllegalStateException.class, queue.typed(NUMBERS, message -> {
                throw thrown;
            })::poll));
            assertEquals(1, queue.size());
        }
    }

    @Test
    void aDeliveryIsReleasedOrDeliveredAgain() throws InterruptedException {
        try (CQueue queue = open()) {
            TypedQueue<Integer> numbers = queue.typed(NUMBERS);
            numbers.put(5);
            try (Delivery<Integer> number = numbers.takeDelivery()) {
                assertEquals(5, number.value());
                assertEquals(1, number.deliveries());
            }
            try (Delivery<Integer> number = numbers.pollDelivery()) {
                assertEquals(2, number.deliveries());
                number.giveBack();
                assertFalse(number.isHeld());
            }
            try (Delivery<Integer> number = numbers.pollDelivery(1, TimeUnit.DAYS)) {
                assertEquals(3, number.deliveries());
                number.release();
                assertThrows(CQueueException.NotHeld.class, number::release);
            }
            assertNull(numbers.pollDelivery());
            assertNull(numbers.pollDelivery(1, TimeUnit.MILLISECONDS));
        }
    }
}
