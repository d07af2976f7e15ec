package bench;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * One process of a sample, as native/worker.c: {@code Worker CLASS describe|produce|consume|ping|pong [key=value...]}.
 *
 * <p>Warms up with a queue of its own before it says that it is ready, so that what is measured is compiled code.
 */
public final class Worker {
    private static final int WARM_UP = 50_000;
    private static final int NUMBER_BITS = 40;
    private static final String DISORDER =
        "wrong contents: a message came twice, out of order, or was never sent";
    private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));

    private final Map<String, String> arguments = new HashMap<>();
    private final Class<?> kind;
    private Contestant.Plan plan;
    private int pauses;
    private int polls;

    private Worker(Class<?> kind) {
        this.kind = kind;
    }

    public static void main(String[] arguments) throws Exception {
        Worker worker = new Worker(Class.forName(arguments[0]));
        if (arguments[1].equals("describe")) {
            System.out.println(worker.kind.getField("DESCRIPTION").get(null));
            return;
        }
        try {
            worker.run(arguments);
        } catch (Throwable failure) {
            System.out.println("{\"fault\": \"" + String.valueOf(failure).replaceAll("[\"\\\\\\n]", " ") + "\"}");
            System.out.flush();
            Runtime.getRuntime().halt(1);
        }
        Runtime.getRuntime().halt(0); // libraries leave threads behind
    }

    private long number(String key) {
        return Long.parseLong(arguments.getOrDefault(key, "0"));
    }

    private Contestant make() throws Exception {
        return (Contestant) kind.getDeclaredConstructor().newInstance();
    }

    private void run(String[] words) throws Exception {
        for (int i = 2; i < words.length; i++) {
            String[] pair = words[i].split("=", 2);
            arguments.put(pair[0], pair[1]);
        }
        plan = new Contestant.Plan(Path.of(arguments.get("place")), (int) number("size"), (int) number("capacity"),
            (int) number("producers"), (int) number("consumers"));
        pauses = (int) Math.max(1, number("pauses"));
        if (number("make") == 1) {
            make().make(plan);
            say("made");
        }
        await("join");
        long count = number("count");
        switch (words[1]) {
            case "produce" -> {
                Contestant queue = joined("there", Contestant.Role.PRODUCER);
                start();
                report(produce(queue, count, (int) number("index")));
            }
            case "consume" -> {
                Contestant queue = joined("there", Contestant.Role.CONSUMER);
                start();
                report(consume(queue, count));
            }
            case "ping" -> {
                Contestant there = joined("there", Contestant.Role.PRODUCER);
                Contestant back = joined("back", Contestant.Role.CONSUMER);
                start();
                trips(there, back, count / 5, false);
                report(trips(there, back, count - count / 5, false));
            }
            case "pong" -> {
                Contestant there = joined("there", Contestant.Role.CONSUMER);
                Contestant back = joined("back", Contestant.Role.PRODUCER);
                start();
                report(trips(back, there, count, true));
            }
            default -> throw new IllegalArgumentException("no role " + words[1]);
        }
    }

    private Contestant joined(String name, Contestant.Role role) throws Exception {
        Contestant queue = make();
        queue.join(plan, name, role);
        return queue;
    }

    private void start() throws Exception {
        Contestant warm = joined("warm-" + ProcessHandle.current().pid(), Contestant.Role.BOTH);
        ByteBuffer out = message();
        ByteBuffer in = message();
        for (int i = 1; i <= WARM_UP; i++) {
            stamp(out, i);
            send(warm, out);
            receive(warm, in);
        }
        warm.close();
        say("ready");
        await("go");
    }

    private ByteBuffer message() {
        ByteBuffer made = ByteBuffer.allocateDirect(plan.size()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < plan.size(); i++) {
            made.put(i, (byte) (i * 31 + 7));
        }
        return made;
    }

    private void stamp(ByteBuffer message, long id) {
        message.putLong(0, id);
        if (plan.size() >= 16) {
            message.putLong(plan.size() - 8, id);
        }
    }

    private void backOff() {
        polls += pauses;
        if (polls >= 1024) {
            polls = 0;
            Thread.yield();
        }
        for (int i = 0; i < pauses; i++) {
            Thread.onSpinWait();
        }
    }

    private void send(Contestant queue, ByteBuffer message) {
        while (!queue.send(message.clear())) {
            backOff();
        }
    }

    private void receive(Contestant queue, ByteBuffer message) {
        while (!queue.receive(message.clear())) {
            backOff();
        }
    }

    private String produce(Contestant queue, long count, int index) {
        ByteBuffer message = message();
        long sum = 0;
        long begin = System.nanoTime();
        for (long i = 1; i <= count; i++) {
            long id = (long) index << NUMBER_BITS | i;
            sum += id;
            stamp(message, id);
            send(queue, message);
        }
        return told(begin, count, sum);
    }

    private String consume(Contestant queue, long count) {
        ByteBuffer message = ByteBuffer.allocateDirect(plan.size()).order(ByteOrder.LITTLE_ENDIAN);
        long[] last = new long[64];
        long sum = 0;
        long begin = System.nanoTime();
        for (long i = 1; i <= count; i++) {
            receive(queue, message);
            long id = message.getLong(0);
            int producer = (int) (id >>> NUMBER_BITS);
            long number = id & (1L << NUMBER_BITS) - 1;
            if (producer >= 64 || number <= last[producer]) {
                throw new IllegalStateException(DISORDER);
            }
            last[producer] = number;
            if (plan.size() >= 16 && message.getLong(plan.size() - 8) != id) {
                throw new IllegalStateException("wrong contents: a message is torn");
            }
            sum += id;
            for (int b = 8; i % 1024 == 1 && b + 8 < plan.size(); b++) {
                if (message.get(b) != (byte) (b * 31 + 7)) {
                    throw new IllegalStateException("wrong contents: bytes inside a message differ");
                }
            }
        }
        return told(begin, count, sum);
    }

    private String trips(Contestant out, Contestant in, long count, boolean second) {
        ByteBuffer message = message();
        ByteBuffer answer = message();
        long begin = System.nanoTime();
        for (long i = 1; i <= count; i++) {
            if (second) {
                receive(in, message);
                send(out, message);
            } else {
                stamp(message, i);
                send(out, message);
                receive(in, answer);
                if (answer.getLong(0) != i) {
                    throw new IllegalStateException(DISORDER);
                }
            }
        }
        return second ? "\"count\": " + count : told(begin, count, 0);
    }

    private static String told(long begin, long count, long sum) {
        return "\"begin\": %d, \"end\": %d, \"count\": %d, \"sum\": %d".formatted(begin, System.nanoTime(), count, sum);
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static void await(String word) throws Exception {
        String line = IN.readLine();
        if (line == null) {
            Runtime.getRuntime().halt(1);
        }
        if (!word.equals(line)) {
            throw new IllegalStateException("expected " + word + ", got " + line);
        }
    }

    private static void report(String body) throws Exception {
        say("{" + body + "}");
        await("end");
    }
}
