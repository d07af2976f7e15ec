import static java.nio.charset.StandardCharsets.UTF_8;

import io.cqueue.CQueue;
import io.cqueue.Options;

/** produce NAME COUNT: send COUNT messages, waiting whenever there is no room. */
class Produce {
    public static void main(String[] arguments) throws InterruptedException {
        String name = arguments[0];
        int count = Integer.parseInt(arguments[1]);

        // Opens the queue if there is one of that name, whoever made it, else makes it.
        try (CQueue queue = CQueue.open(name, new Options().capacity(1000).maxMessageSize(256))) {
            for (int i = 1; i <= count; i++) {
                queue.put(("order " + i + " from java").getBytes(UTF_8));
            }
        }
        System.out.println("java: sent " + count);
    }
}
