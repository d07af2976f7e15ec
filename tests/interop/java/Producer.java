import io.cqueue.Batch;
import io.cqueue.CQueue;
import io.cqueue.Reservation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Sends messages, and keeps account of those that the queue acknowledged. */
record Producer(CQueue queue, long id, long first, long count, int size) {
    private static final int BATCH = 64;

    void run(String method, Path ackPath) throws IOException, InterruptedException {
        try (FileChannel ack = FileChannel.open(ackPath, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            long done = 0;
            while (done < count) {
                done += switch (method) {
                    case "copy" -> copy(first + done);
                    case "batch" -> batch(first + done, (int) Math.min(BATCH, count - done));
                    case "loan" -> loan(first + done);
                    default -> throw new IllegalArgumentException("--method " + method);
                };
                ack.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, done), 0);
            }
        }
    }

    private int copy(long number) throws InterruptedException {
        queue.put(Payload.make(id, number, size));
        return 1;
    }

    private int batch(long number, int messages) throws InterruptedException {
        Batch batch = new Batch(messages, messages * size);
        for (int i = 0; i < messages; i++) {
            batch.add(Payload.make(id, number + i, size));
        }
        int sent = queue.offer(batch);
        if (sent > 0) {
            return sent;
        }
        queue.put(batch.get(0)); // full: wait for room
        return 1;
    }

    private int loan(long number) throws InterruptedException {
        while (true) {
            try (Reservation message = queue.reserve(size)) {
                if (message != null) {
                    Payload.write(message.buffer(), id, number, size);
                    while (!message.commit()) {
                        Thread.sleep(1);
                    }
                    return 1;
                }
            }
            Thread.sleep(1);
        }
    }
}
