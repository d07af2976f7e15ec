import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What a consumer received: 32 bytes a message, in the file as soon as {@link #write} returns. */
final class Log implements AutoCloseable {
    private static final int RECORD = 32;

    private final FileChannel file;
    private final ByteBuffer records = ByteBuffer.allocateDirect(64 * RECORD).order(ByteOrder.LITTLE_ENDIAN);

    Log(Path path) throws IOException {
        file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    void add(Payload payload, int deliveries) {
        records.putLong(payload.producer()).putLong(payload.number()).putInt(payload.size());
        records.putInt(payload.intact() ? 1 : 0).putInt(deliveries).putInt(0);
    }

    /** All that was added, by one call. */
    void write() throws IOException {
        records.flip();
        int size = records.remaining();
        if (file.write(records) != size) {
            throw new IOException("the log took less than a record");
        }
        records.clear();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
