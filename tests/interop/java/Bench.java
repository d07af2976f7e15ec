import io.cqueue.Batch;
import io.cqueue.CQueue;
import io.cqueue.Options;
import java.nio.ByteBuffer;

/** What a message costs in one thread, and what an empty call into native code does. */
record Bench(double seconds) {
    private static final int SIZE = 56;
    private static final int BATCH = 64;
    private static final int BETWEEN = 1000; // rounds between two looks at the clock

    private interface Round {
        void run();
    }

    String run(String name, Options options) {
        try (CQueue queue = CQueue.open(name, options.capacity(1024).maxMessageSize(SIZE))) {
            ByteBuffer out = ByteBuffer.allocateDirect(SIZE);
            ByteBuffer in = ByteBuffer.allocateDirect(SIZE);
            Batch batchOut = new Batch(BATCH, BATCH * SIZE);
            Batch batchIn = new Batch(BATCH, BATCH * SIZE);
            while (batchOut.add(new byte[SIZE])) {
                continue;
            }
            double single = measure(() -> {
                check(queue.offer(out.rewind()));
                check(queue.poll(in.rewind()) == SIZE);
            }) / 2;
            double batch = measure(() -> {
                check(queue.offer(batchOut) == BATCH);
                check(queue.poll(batchIn) == BATCH);
            }) / BATCH;
            double empty = measure(() -> check(CQueue.abiVersion() == 1));
            return String.format(java.util.Locale.ROOT,
                    "{\"language\":\"java\",\"single_ns\":%.2f,\"batch_ns\":%.2f,\"empty_ns\":%.2f}", single, batch, empty);
        }
    }

    /** Nanoseconds a round, after as long again for the compiler to do its work. */
    private double measure(Round round) {
        time(round);
        return time(round);
    }

    private double time(Round round) {
        long start = System.nanoTime();
        long rounds = 0;
        long elapsed;
        do {
            for (int i = 0; i < BETWEEN; i++) {
                round.run();
            }
            rounds += BETWEEN;
            elapsed = System.nanoTime() - start;
        } while (elapsed < seconds * 1e9);
        return (double) elapsed / rounds;
    }

    private static void check(boolean right) {
        if (!right) {
            throw new IllegalStateException("a message was not sent or did not come");
        }
    }
}
