package bench;

import io.aeron.FragmentAssembler;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Aeron over shared memory (aeron:ipc), with a media driver in the process that makes it. Every subscriber gets every
 * message.
 */
public final class Aeron implements Contestant {
    public static final String DESCRIPTION = """
        {"name": "Aeron", "when_killed": "all, after 15 s", "producers": 0, "consumers": 1, "max_size": 0, "poll": 1,\
         "wait": 0, "batch": 0, "place": 0, "slow": 1, "cleans": 0,\
         "cannot": ["alone", "wake", "latency", "idle", "backlog", "reopen", "many"]}""".replace("\n", "");
    private static final String CHANNEL = "aeron:ipc?term-length=4m";

    private io.aeron.Aeron aeron;
    private Publication publication;
    private Subscription subscription;
    private ByteBuffer into;
    private final UnsafeBuffer view = new UnsafeBuffer();
    private final FragmentAssembler handler = new FragmentAssembler((buffer, offset, length, header) ->
        buffer.getBytes(offset, into, 0, length));

    @Override public void make(Plan plan) {
        MediaDriver.launch(new MediaDriver.Context().aeronDirectoryName(plan.place() + "/aeron").dirDeleteOnStart(true)
            .threadingMode(ThreadingMode.SHARED).termBufferSparseFile(true));
    }

    @Override public void join(Plan plan, String name, Role role) throws Exception {
        aeron = io.aeron.Aeron.connect(new io.aeron.Aeron.Context().aeronDirectoryName(plan.place() + "/aeron"));
        int stream = name.hashCode();
        if (role != Role.PRODUCER) {
            subscription = aeron.addSubscription(CHANNEL, stream);
        }
        if (role != Role.CONSUMER) {
            publication = aeron.addPublication(CHANNEL, stream);
        }
    }

    @Override public boolean send(ByteBuffer message) {
        view.wrap(message, message.position(), message.remaining());
        long result = publication.offer(view, 0, message.remaining());
        if (result == Publication.CLOSED || result == Publication.MAX_POSITION_EXCEEDED) {
            throw new IllegalStateException("Aeron: " + Publication.errorString(result));
        }
        return result > 0;
    }

    @Override public boolean receive(ByteBuffer message) {
        into = message;
        return subscription.poll(handler, 1) > 0;
    }

    @Override public void close() {
        aeron.close();
    }
}
