package bench;

import java.nio.ByteBuffer;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;

/** Chronicle Queue, in shared memory. It keeps all messages; every reader gets every message. */
public final class Chronicle implements Contestant {
    public static final String DESCRIPTION = """
        {"name": "Chronicle Queue", "when_killed": "all, after 15 s", "producers": 0, "consumers": 1, "max_size": 0,\
         "poll": 1, "wait": 0, "batch": 0, "place": 0, "slow": 1, "cleans": 0,\
         "cannot": ["alone", "wake", "latency", "idle", "backlog", "reopen", "many"]}""".replace("\n", "");

    private ChronicleQueue queue;
    private ExcerptAppender appender;
    private ExcerptTailer tailer;
    private final Bytes<ByteBuffer> copy = Bytes.elasticByteBuffer();

    @Override public void make(Plan plan) {}

    @Override public void join(Plan plan, String name, Role role) {
        queue = SingleChronicleQueueBuilder.binary(plan.place().resolve(name)).build();
        appender = role == Role.CONSUMER ? null : queue.createAppender();
        tailer = role == Role.PRODUCER ? null : queue.createTailer();
    }

    @Override public boolean send(ByteBuffer message) {
        copy.clear();
        copy.write(0, message, message.position(), message.remaining());
        copy.writePosition(message.remaining());
        appender.writeBytes(copy);
        return true;
    }

    @Override public boolean receive(ByteBuffer message) {
        copy.clear();
        if (!tailer.readBytes(copy)) {
            return false;
        }
        copy.readPosition(0);
        copy.read(message);
        return true;
    }

    @Override public void close() {
        queue.close();
    }
}
