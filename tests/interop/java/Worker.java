import io.cqueue.CQueue;
import io.cqueue.CQueueException;
import io.cqueue.Options;
import io.cqueue.Received;
import io.cqueue.Stats;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;

/** The worker of this language: what it does is told in ../README.md. */
final class Worker {
    private final Map<String, String> arguments = new HashMap<>();

    private Worker(String[] words) {
        for (int i = 1; i < words.length; i += 2) {
            if (!words[i].startsWith("--") || i + 1 == words.length) {
                throw new IllegalArgumentException(words[i] + ": expected --key value");
            }
            arguments.put(words[i].substring(2), words[i + 1]);
        }
    }

    private String get(String key) {
        String value = arguments.get(key);
        if (value == null) {
            throw new IllegalArgumentException("--" + key + " is missing");
        }
        return value;
    }

    private long number(String key, long otherwise) {
        return arguments.containsKey(key) ? Long.parseLong(get(key)) : otherwise;
    }

    private CQueue open(Options.Mode mode) {
        return CQueue.open(get("name"), options().mode(mode));
    }

    private Options options() {
        return new Options().directory(Path.of(get("directory")));
    }

    private void open() {
        String flags = arguments.getOrDefault("flags", "create").replace('-', '_').toUpperCase(Locale.ROOT);
        Options options = options().mode(Options.Mode.valueOf(flags));
        options.capacity(number("capacity", 0)).maxMessageSize(number("max-size", 0));
        try (CQueue queue = CQueue.open(get("name"), options)) {
            Stats stats = queue.stats();
            System.out.println("ok " + stats.capacity() + " " + stats.maxMessageSize());
        } catch (CQueueException error) {
            System.out.println(error.code() + ": " + error.getMessage());
        }
    }

    private void produce() throws IOException, InterruptedException {
        try (CQueue queue = open(Options.Mode.ATTACH)) {
            new Producer(queue, number("producer", 0), number("first", 0), Long.parseLong(get("count")),
                    Integer.parseInt(get("size"))).run(get("method"), Path.of(get("ack")));
        }
    }

    private void consume() throws IOException, InterruptedException {
        try (CQueue queue = open(Options.Mode.ATTACH); Log log = new Log(Path.of(get("log")))) {
            new Consumer(queue, log, Long.parseLong(get("idle-ms"))).run(get("method"));
        }
    }

    private void hold() throws InterruptedException {
        try (CQueue queue = open(Options.Mode.ATTACH); Received message = queue.takeInPlace()) {
            Payload payload = Payload.read(message.buffer());
            System.out.println("held " + payload.producer() + " " + payload.number() + " " + message.deliveries());
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    private void walk() {
        try (CQueue queue = open(Options.Mode.READ_ONLY)) {
            queue.walk(message -> {
                String hex = message.data().length == 0 ? "-" : HexFormat.of().formatHex(message.data());
                System.out.println(message.position() + " " + message.deliveries() + " " + hex);
                return true;
            });
        }
    }

    private void bench() {
        double seconds = Double.parseDouble(arguments.getOrDefault("seconds", "1"));
        try {
            System.out.println(new Bench(seconds).run(get("name"), options()));
        } finally {
            CQueue.unlink(get("name"), Path.of(get("directory")));
        }
    }

    private void putTyped() throws InterruptedException {
        try (CQueue queue = open(Options.Mode.ATTACH)) {
            Item.put(queue.typed(Item.codec(get("format"))), Long.parseLong(get("count")));
        }
    }

    private void getTyped() throws InterruptedException {
        try (CQueue queue = open(Options.Mode.ATTACH)) {
            Item.get(queue.typed(Item.codec(get("format"))), Long.parseLong(get("count")));
        }
    }

    public static void main(String[] words) throws IOException, InterruptedException {
        Worker worker = new Worker(words);
        switch (words.length == 0 ? "" : words[0]) {
            case "open" -> worker.open();
            case "produce" -> worker.produce();
            case "consume" -> worker.consume();
            case "hold" -> worker.hold();
            case "walk" -> worker.walk();
            case "bench" -> worker.bench();
            case "put-typed" -> worker.putTyped();
            case "get-typed" -> worker.getTyped();
            default -> throw new IllegalArgumentException(
                    "open, produce, consume, hold, walk, bench, put-typed or get-typed");
        }
    }
}
