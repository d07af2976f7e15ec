package io.cqueue;

/**
 * A value that was taken from a {@link TypedQueue}, at least once: if this process dies before {@link #release},
 * somebody gets it again. As a {@link Received}, whose message was decoded.
 *
 * <pre>{@code
 * try (Delivery<Order> order = orders.takeDelivery()) {
 *     handle(order.value());
 *     order.release();
 * }
 * }</pre>
 *
 * @param <T> the values
 */
public final class Delivery<T> implements AutoCloseable {
    private final Received message;
    private final T value;

    Delivery(Received message, T value) {
        this.message = message;
        this.value = value;
    }

    /** {@return what the message says} */
    public T value() {
        return value;
    }

    /** {@return 1 the first time it is delivered, 2 the second, ..., at most 255} */
    public int deliveries() {
        return message.deliveries();
    }

    /** {@return what identifies the message, also when it is delivered again} */
    public long position() {
        return message.position();
    }

    /** {@return whether it was neither released nor given back yet} */
    public boolean isHeld() {
        return message.isHeld();
    }

    /**
     * Done with it: it is gone.
     *
     * @throws CQueueException.NotHeld if it was released or given back
     */
    public void release() {
        message.release();
    }

    /**
     * Not done with it: it is delivered again, before newer messages.
     *
     * @throws CQueueException.NotHeld if it was released or given back
     */
    public void giveBack() {
        message.giveBack();
    }

    /** Give it back, if it is still held. */
    @Override
    public void close() {
        message.close();
    }
}
