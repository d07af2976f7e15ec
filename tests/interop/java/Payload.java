import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32;

/** A message as all workers make it: producer, number and a checksum of everything, then a filling; or nothing at all. */
record Payload(long producer, long number, int size, boolean intact) {
    private static final int HEADER = 20;
    private static final int IDENTITY = 16; // producer and number, before the checksum

    static void write(ByteBuffer to, long producer, long number, int size) {
        if (size == 0) {
            return;
        }
        byte[] filling = new byte[size - HEADER];
        Arrays.fill(filling, (byte) number);
        to.order(ByteOrder.LITTLE_ENDIAN).putLong(producer).putLong(number);
        to.putInt((int) checksum(to.duplicate().flip().slice(), filling)).put(filling);
    }

    static byte[] make(long producer, long number, int size) {
        byte[] message = new byte[size];
        write(ByteBuffer.wrap(message), producer, number, size);
        return message;
    }

    static Payload read(ByteBuffer from) {
        int size = from.remaining();
        if (size == 0) {
            return new Payload(0, 0, 0, true);
        }
        if (size < HEADER) {
            return new Payload(0, 0, size, false);
        }
        ByteBuffer message = from.slice().order(ByteOrder.LITTLE_ENDIAN);
        long producer = message.getLong();
        long number = message.getLong();
        long found = Integer.toUnsignedLong(message.getInt());
        byte[] filling = new byte[size - HEADER];
        message.get(filling);
        boolean intact = found == checksum(message.slice(0, IDENTITY), filling);
        for (byte each : filling) {
            intact &= each == (byte) number;
        }
        return new Payload(producer, number, size, intact);
    }

    private static long checksum(ByteBuffer identity, byte[] filling) {
        CRC32 checksum = new CRC32();
        checksum.update(identity);
        checksum.update(filling);
        return checksum.getValue();
    }
}
