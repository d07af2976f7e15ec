package bench;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/** What a way of passing messages has to offer to be measured: native/contestant.h in Java, polled alone. */
public interface Contestant extends AutoCloseable {
    /** What is wanted of a queue. */
    record Plan(Path place, int size, int capacity, int producers, int consumers) {}

    enum Role { BOTH, PRODUCER, CONSUMER }

    /** In one process, before any joins. */
    void make(Plan plan) throws Exception;

    /** A contestant object joins one queue. */
    void join(Plan plan, String name, Role role) throws Exception;

    /** False: it is full. The message is all that is between position and limit, and stays as it is. */
    boolean send(ByteBuffer message);

    /** False: it is empty. Fills the buffer from its beginning. */
    boolean receive(ByteBuffer message);
}
