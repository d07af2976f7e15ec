import io.cqueue.CQueue;
import io.cqueue.Codec;
import io.cqueue.Options;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** consume NAME COUNT: receive COUNT messages, waiting up to ten seconds for each. */
class Consume {
    public static void main(String[] arguments) throws InterruptedException {
        String name = arguments[0];
        int count = Integer.parseInt(arguments[1]);

        try (CQueue queue = CQueue.open(name, new Options().capacity(1000).maxMessageSize(256))) {
            // The standard library's interface, of strings. CQueue itself has the same methods, of bytes.
            BlockingQueue<String> orders = queue.asBlockingQueue(Codec.utf8());
            for (int i = 0; i < count; i++) {
                String order = orders.poll(10, TimeUnit.SECONDS);
                if (order == null) {
                    System.err.println("java: no message came for ten seconds");
                    System.exit(1);
                }
                System.out.println("java: got " + order);
            }
        }
    }
}
