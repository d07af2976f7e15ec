package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random calls from one thread, on two handles in turn, against a queue that is two dequeues in plain Java. */
class ModelTest extends QueueFixture {
    private static final int CAPACITY = 7;
    private static final int MAX_SIZE = 40;

    private record Entry(byte[] data, int deliveries) {}

    private final Deque<Entry> waiting = new ArrayDeque<>();
    private final Deque<Entry> again = new ArrayDeque<>(); // given back, in the order of delivery
    private final List<Received> taken = new ArrayList<>();
    private final List<Entry> takenModel = new ArrayList<>();

    static LongStream seeds() {
        return LongStream.rangeClosed(1, LONG ? 2000 : 60);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void itDoesWhatTheModelDoes(long seed) {
        Random random = new Random(seed);
        try (CQueue one = open(CAPACITY, MAX_SIZE); CQueue two = CQueue.open("orders", options())) {
            for (int step = 0; step < 400; step++) {
                step(random, random.nextBoolean() ? one : two);
                assertEquals(waiting.size() + again.size(), one.stats().length());
                assertEquals(again.size(), one.stats().orphans());
            }
        }
    }

    private void step(Random random, CQueue queue) {
        switch (random.nextInt(9)) {
            case 0 -> {
                byte[] data = message(random);
                assertEquals(accepts(data), queue.offer(data));
            }
            case 1 -> {
                byte[] data = message(random);
                assertEquals(accepts(data), queue.offer(ByteBuffer.allocateDirect(MAX_SIZE).put(data).flip()));
            }
            case 2 -> offerBatch(random, queue);
            case 3 -> {
                byte[] data = message(random);
                try (Reservation out = queue.reserve(data.length)) {
                    boolean accepted = accepts(data);
                    assertEquals(accepted, out != null);
                    if (accepted) {
                        out.buffer().put(data);
                        assertTrue(out.commit());
                    }
                }
            }
            case 4 -> {
                Entry expected = next();
                byte[] actual = queue.poll();
                if (expected == null) {
                    assertNull(actual);
                } else {
                    assertArrayEquals(expected.data(), actual);
                }
            }
            case 5 -> pollBatch(random, queue);
            case 6 -> {
                Entry expected = next();
                Received actual = queue.pollInPlace();
                if (expected == null) {
                    assertNull(actual);
                } else {
                    assertArrayEquals(expected.data(), actual.toByteArray());
                    assertEquals(expected.deliveries(), actual.deliveries());
                    taken.add(actual);
                    takenModel.add(expected);
                }
            }
            case 7 -> {
                if (!taken.isEmpty()) {
                    int which = random.nextInt(taken.size());
                    taken.remove(which).release();
                    takenModel.remove(which);
                }
            }
            default -> {
                // Only when nothing else was given back: in which order several come again is not promised.
                if (!taken.isEmpty() && again.isEmpty()) {
                    int which = random.nextInt(taken.size());
                    taken.remove(which).giveBack();
                    Entry entry = takenModel.remove(which);
                    again.add(new Entry(entry.data(), entry.deliveries() + 1));
                }
            }
        }
    }

    private void offerBatch(Random random, CQueue queue) {
        int count = 1 + random.nextInt(4);
        Batch batch = new Batch(count, 1);
        int expected = 0;
        for (int i = 0; i < count; i++) {
            byte[] data = message(random);
            batch.add(data);
            expected += accepts(data) ? 1 : 0;
        }
        assertEquals(expected, queue.offer(batch));
    }

    private void pollBatch(Random random, CQueue queue) {
        Batch batch = new Batch(1 + random.nextInt(4), 4 * MAX_SIZE);
        int count = queue.poll(batch);
        assertEquals(Math.min(batch.memory().most, waiting.size() + again.size()), count);
        for (int i = 0; i < count; i++) {
            Entry expected = next();
            assertNotNull(expected);
            assertArrayEquals(expected.data(), batch.get(i));
        }
    }

    private static byte[] message(Random random) {
        byte[] data = new byte[random.nextInt(MAX_SIZE + 1)];
        random.nextBytes(data);
        return data;
    }

    private boolean accepts(byte[] data) {
        return waiting.size() < CAPACITY && waiting.add(new Entry(data, 1));
    }

    private Entry next() {
        return again.isEmpty() ? waiting.poll() : again.poll();
    }
}
