import static java.nio.charset.StandardCharsets.UTF_8;

import io.cqueue.CQueue;
import io.cqueue.Options;
import io.cqueue.Received;
import java.util.concurrent.TimeUnit;

/**
 * acknowledge NAME COUNT: handle COUNT messages where they lie; what is not released is delivered again.
 *
 * That holds for one that is given back, as the first one here is, and for those of a process that dies.
 */
class Acknowledge {
    public static void main(String[] arguments) throws InterruptedException {
        String name = arguments[0];
        int count = Integer.parseInt(arguments[1]);

        try (CQueue queue = CQueue.open(name, new Options().capacity(1000).maxMessageSize(256))) {
            boolean first = true;
            for (int handled = 0; handled < count; first = false) {
                try (Received message = queue.pollInPlace(10, TimeUnit.SECONDS)) {
                    if (message == null) {
                        System.err.println("java: no message came for ten seconds");
                        System.exit(1);
                    }
                    String text = UTF_8.decode(message.buffer()).toString();
                    if (first && message.deliveries() == 1) {
                        message.giveBack();
                        System.out.println("java: gave back " + text);
                    } else {
                        System.out.println("java: handled " + text + " (delivery " + message.deliveries() + ")");
                        message.release();
                        handled++;
                    }
                } // closed without having been released, as by an exception, it is given back
            }
        }
    }
}
