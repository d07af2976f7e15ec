package io.cqueue;

/** The queue, or the queue of a message in place, was closed before the call or during it. */
@SuppressWarnings("serial")
public final class QueueClosedException extends IllegalStateException {
    QueueClosedException(String name) {
        super("\"" + name + "\": closed: open the queue again");
    }
}
