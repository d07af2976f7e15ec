import io.cqueue.Batch;
import io.cqueue.CQueue;
import io.cqueue.Options;
import io.cqueue.Received;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;

/**
 * Bench DIRECTORY SECONDS ROUNDS C_PROGRAM ROWS: what messages cost in Java, beside C, LinkedBlockingQueue and a Unix
 * socket, each measured in turns with the others. It reports and judges nothing.
 */
final class Bench {
    private static final int SIZE = 56;
    private static final int BATCH = 64;
    private static final int BETWEEN = 1000; // rounds between two looks at the clock

    private final Path directory;
    private final double seconds;
    private final int rounds;
    private final String c;
    private final String wanted;

    private Bench(String[] words) {
        directory = Path.of(words[0]);
        seconds = Double.parseDouble(words[1]);
        rounds = Integer.parseInt(words[2]);
        c = words[3];
        wanted = words[4];
    }

    private interface Round {
        void run() throws Exception;
    }

    private double time(Round round) throws Exception {
        long start = System.nanoTime();
        long done = 0;
        long elapsed;
        do {
            for (int i = 0; i < BETWEEN; i++) {
                round.run();
            }
            done += BETWEEN;
            elapsed = System.nanoTime() - start;
        } while (elapsed < seconds * 1e9);
        return (double) elapsed / done;
    }

    private static void check(boolean right) {
        if (!right) {
            throw new IllegalStateException("a message was not sent or did not come");
        }
    }

    // ---- the table ------------------------------------------------------------------------------------------------

    /** A row: measured once a round, told by its median and extremes. */
    private final class Row {
        final String name;
        final String unit;
        final Callable<Double> measure;
        final double[] found = new double[rounds];

        Row(String name, String unit, Callable<Double> measure) {
            this.name = name;
            this.unit = unit;
            this.measure = measure;
        }

        @Override
        public String toString() {
            double[] sorted = found.clone();
            Arrays.sort(sorted);
            return String.format(Locale.ROOT, "%-58s %10.2f  (%.2f to %.2f) %s", name, sorted[rounds / 2], sorted[0],
                    sorted[rounds - 1], unit);
        }
    }

    private CQueue open(String name) {
        return CQueue.open(name, new Options().directory(directory).capacity(1024).maxMessageSize(SIZE));
    }

    private double[] fromC;

    private void run() throws Exception {
        List<Row> rows = new ArrayList<>();
        ByteBuffer out = ByteBuffer.allocateDirect(SIZE);
        ByteBuffer in = ByteBuffer.allocateDirect(SIZE);
        byte[] message = new byte[SIZE];
        Batch batchOut = new Batch(BATCH, BATCH * SIZE);
        Batch batchIn = new Batch(BATCH, BATCH * SIZE);
        while (batchOut.add(message)) {
            continue;
        }
        try (CQueue queue = open("one"); Pair socket = new Pair("socket"); Pair processes = new Pair("queue")) {
            rows.add(new Row("C: a call", "ns", () -> {
                fromC = c();
                return fromC[0];
            }));
            rows.add(new Row("empty call into C", "ns", () -> time(() -> check(CQueue.abiVersion() == 1))));
            rows.add(new Row("Java: a call, direct buffer", "ns", () -> time(() -> {
                check(queue.offer(out.rewind()));
                check(queue.poll(in.rewind()) == SIZE);
            }) / 2));
            rows.add(new Row("Java: a call, new arrays", "ns", () -> time(() -> {
                check(queue.offer(message));
                check(queue.poll() != null);
            }) / 2));
            rows.add(new Row("Java: taken in place and released, sent as an array", "ns a message", () -> time(() -> {
                check(queue.offer(message));
                try (Received received = queue.pollInPlace()) {
                    check(received.buffer().get(1) == 0);
                    received.release();
                }
            })));
            rows.add(new Row("C: batches of 64", "ns a message", () -> fromC[1]));
            rows.add(new Row("Java: batches of 64", "ns a message", () -> time(() -> {
                check(queue.offer(batchOut) == BATCH);
                check(queue.poll(batchIn) == BATCH);
            }) / BATCH));
            rows.add(new Row("C: round trip of two processes", "us", () -> fromC[2] / 1000));
            rows.add(new Row("Java: round trip of two machines", "us", () -> processes.trip()));
            rows.add(new Row("Unix socket: round trip of two Java machines", "us", () -> socket.trip()));
            rows.add(new Row("Java: round trip of two threads", "us", () -> threads("trip")));
            rows.add(new Row("LinkedBlockingQueue: round trip of two threads", "us", this::linkedTrip));
            rows.add(new Row("Java: 1,000 threads wait for nothing", "% of a core", () -> idle(platform(), 1000, queue::take)));
            rows.add(new Row("LinkedBlockingQueue: 1,000 threads wait for nothing", "% of a core",
                    () -> idle(platform(), 1000, new LinkedBlockingQueue<>()::take)));
            rows.add(new Row("Java: 1,000 threads wait, a message wakes one", "us of processor", () -> wakes(platform(), 1000)));
            rows.add(new Row("LinkedBlockingQueue: 1,000 threads wait, a message wakes one", "us of processor",
                    this::linkedWakes));
            if (virtual() != null) {
                rows.add(new Row("Java: 10,000 virtual threads wait for nothing", "% of a core",
                        () -> idle(virtual(), 10_000, queue::take)));
                rows.add(new Row("Java: 10,000 virtual threads wait, a message wakes one", "us of processor",
                        () -> wakes(virtual(), 10_000)));
            }
            rows.removeIf(row -> !row.name.contains(wanted) && !row.name.equals("C: a call"));
            for (int round = -1; round < rounds; round++) { // the first time for the compiler
                for (Row row : rows) {
                    double value = row.measure.call();
                    row.found[Math.max(round, 0)] = value;
                }
            }
        }
        System.out.println("Java " + Runtime.version() + ", messages of 56 bytes; median (lowest to highest) of " + rounds + " rounds");
        rows.forEach(System.out::println);
    }

    private double[] c() throws IOException {
        Process process = new ProcessBuilder(c, directory.toString(), "" + seconds).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String text = new String(process.getInputStream().readAllBytes());
        return Arrays.stream(text.trim().split(" ")).mapToDouble(Double::parseDouble).toArray();
    }

    // ---- round trips ----------------------------------------------------------------------------------------------

    /** Another machine that answers. */
    private final class Pair implements AutoCloseable {
        private final Process process;
        private final Round trip;
        private SocketChannel channel;
        private CQueue there;
        private CQueue back;

        Pair(String kind) throws Exception {
            Path path = directory.resolve("socket");
            ServerSocketChannel server = kind.equals("socket")
                    ? ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path)) : null;
            process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp", System.getProperty("java.class.path"), "Bench", "echo", kind, directory.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            if (server != null) {
                channel = server.accept();
                server.close();
                ByteBuffer buffer = ByteBuffer.allocateDirect(SIZE);
                trip = () -> exchange(channel, buffer);
            } else {
                there = open("there");
                back = open("back");
                byte[] message = new byte[SIZE];
                trip = () -> {
                    there.put(message);
                    back.take();
                };
            }
        }

        double trip() throws Exception {
            return time(trip) / 1000;
        }

        @Override
        public void close() throws IOException, InterruptedException {
            process.destroyForcibly().waitFor();
            for (AutoCloseable each : new AutoCloseable[] {channel, there, back}) {
                try {
                    if (each != null) {
                        each.close();
                    }
                } catch (Exception e) {
                    throw new IOException(e);
                }
            }
        }
    }

    private static void exchange(SocketChannel channel, ByteBuffer buffer) throws IOException {
        buffer.clear();
        channel.write(buffer);
        buffer.clear();
        while (buffer.hasRemaining()) {
            channel.read(buffer);
        }
    }

    private static void echo(String kind, String directory) throws Exception {
        if (kind.equals("socket")) {
            SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(Path.of(directory, "socket")));
            ByteBuffer buffer = ByteBuffer.allocateDirect(SIZE);
            while (channel.read(buffer) >= 0) {
                if (!buffer.hasRemaining()) {
                    buffer.flip();
                    channel.write(buffer);
                    buffer.clear();
                }
            }
            return;
        }
        Options options = new Options().directory(Path.of(directory)).capacity(1024).maxMessageSize(SIZE);
        try (CQueue there = CQueue.open("there", options); CQueue back = CQueue.open("back", options)) {
            while (true) {
                back.put(there.take());
            }
        }
    }

    private double threads(String name) throws Exception {
        try (CQueue there = open(name + "-there"); CQueue back = open(name + "-back")) {
            return trip(() -> back.put(there.take()), () -> {
                there.put(new byte[SIZE]);
                back.take();
            });
        }
    }

    private double linkedTrip() throws Exception {
        BlockingQueue<byte[]> there = new LinkedBlockingQueue<>();
        BlockingQueue<byte[]> back = new LinkedBlockingQueue<>();
        return trip(() -> back.put(there.take()), () -> {
            there.put(new byte[SIZE]);
            back.take();
        });
    }

    private double trip(Round echo, Round round) throws Exception {
        Thread thread = new Thread(() -> forEver(echo));
        thread.start();
        double us = time(round) / 1000;
        thread.interrupt();
        thread.join();
        return us;
    }

    private static void forEver(Round round) {
        try {
            while (true) {
                round.run();
            }
        } catch (Exception e) {
            return; // interrupted
        }
    }

    // ---- many who wait --------------------------------------------------------------------------------------------

    private static ThreadFactory platform() {
        return task -> new Thread(null, task, "waiting", 128 * 1024);
    }

    /** {@return null: this Java has none} */
    private static ThreadFactory virtual() {
        try {
            Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
            return (ThreadFactory) Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    private static long processor() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private double idle(ThreadFactory factory, int count, Callable<?> take) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            threads.add(factory.newThread(() -> {
                try {
                    take.call();
                } catch (Exception e) {
                    return; // interrupted
                }
            }));
        }
        threads.forEach(Thread::start);
        Thread.sleep(500);
        long before = processor();
        long start = System.nanoTime();
        Thread.sleep((long) (seconds * 1000));
        double percent = 100.0 * (processor() - before) / (System.nanoTime() - start);
        for (Thread thread : threads) {
            thread.interrupt();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return percent;
    }

    private double wakes(ThreadFactory factory, int count) throws Exception {
        try (CQueue queue = open("wakes")) {
            return wakes(factory, count, queue::take, queue::put, queue::close);
        }
    }

    private double linkedWakes() throws Exception {
        BlockingQueue<byte[]> queue = new LinkedBlockingQueue<>();
        return wakes(platform(), 1000, queue::take, queue::put, () -> {
            for (int i = 0; i < 1000; i++) {
                queue.put(new byte[0]);
            }
        });
    }

    private interface Put {
        void put(byte[] message) throws InterruptedException;
    }

    /** Processor time of everybody, for each message that goes to one of many. */
    private double wakes(ThreadFactory factory, int count, Callable<byte[]> take, Put put, Round end) throws Exception {
        List<Thread> threads = new ArrayList<>();
        BlockingQueue<byte[]> received = new LinkedBlockingQueue<>();
        for (int i = 0; i < count; i++) {
            threads.add(factory.newThread(() -> {
                try {
                    byte[] message;
                    do {
                        message = take.call();
                        received.put(message);
                    } while (message.length > 0);
                } catch (Exception e) {
                    return; // closed
                }
            }));
        }
        threads.forEach(Thread::start);
        Thread.sleep(500);
        int messages = 2000;
        long before = processor();
        for (int i = 0; i < messages; i++) {
            put.put(new byte[SIZE]);
            received.take();
        }
        double us = (processor() - before) / 1000.0 / messages;
        end.run();
        for (Thread thread : threads) {
            thread.join();
        }
        return us;
    }

    public static void main(String[] words) throws Exception {
        if (words[0].equals("echo")) {
            echo(words[1], words[2]);
        } else {
            new Bench(words).run();
        }
    }
}
