import io.cqueue.Batch;
import io.cqueue.CQueue;
import io.cqueue.Received;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/** Receives messages until none has come for a while. */
record Consumer(CQueue queue, Log log, long idleMs) {
    private static final int BATCH = 64;

    void run(String method) throws IOException, InterruptedException {
        switch (method) {
            case "copy" -> copy();
            case "batch" -> batch();
            case "loan" -> loan();
            default -> throw new IllegalArgumentException("--method " + method);
        }
    }

    private void copy() throws IOException, InterruptedException {
        for (byte[] message; (message = next()) != null; ) {
            add(ByteBuffer.wrap(message), 0);
            log.write();
        }
    }

    private void batch() throws IOException, InterruptedException {
        Batch batch = new Batch(BATCH, (int) (BATCH * queue.stats().maxMessageSize()));
        while (true) {
            if (queue.poll(batch) == 0) {
                byte[] message = next();
                if (message == null) {
                    return;
                }
                add(ByteBuffer.wrap(message), 0);
            }
            for (int i = 0; i < batch.size(); i++) {
                add(batch.buffer(i), 0);
            }
            log.write();
        }
    }

    private void loan() throws IOException, InterruptedException {
        while (true) {
            try (Received message = queue.pollInPlace(idleMs, TimeUnit.MILLISECONDS)) {
                if (message == null) {
                    return;
                }
                add(message.buffer(), message.deliveries());
                log.write();
                message.release();
            }
        }
    }

    private byte[] next() throws InterruptedException {
        return queue.poll(idleMs, TimeUnit.MILLISECONDS);
    }

    private void add(ByteBuffer message, int deliveries) {
        log.add(Payload.read(message), deliveries);
    }
}
