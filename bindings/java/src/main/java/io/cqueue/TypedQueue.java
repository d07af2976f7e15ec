package io.cqueue;

import java.util.AbstractQueue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A queue as the standard library's, of objects. Closing the {@link CQueue} ends it.
 *
 * <p>A message is decoded before it is released. One that cannot be decoded is never lost unless the {@link
 * PoisonHandler} says so: by default it stays in the queue and {@link DecodeException} is thrown, which has its bytes.
 * What {@code poll} and {@code take} return is gone (at most once); {@link #takeDelivery} is for those who want it
 * again if they die over it.
 *
 * <p>What looks without taking ({@code peek}, {@code contains}, the iterator) works on copies. Messages leave at the
 * head only: {@code remove(Object)}, {@code removeIf}, {@code removeAll}, {@code retainAll} and the iterator's {@code
 * remove} are not supported. An object whose message is larger than the queue takes is an {@link
 * IllegalArgumentException}.
 *
 * @param <T> the objects
 */
public final class TypedQueue<T> extends AbstractQueue<T> implements BlockingQueue<T> {
    private final CQueue queue;
    private final Codec<T> codec;
    private final PoisonHandler poison;

    TypedQueue(CQueue queue, Codec<T> codec, PoisonHandler poison) {
        this.queue = queue;
        this.codec = Objects.requireNonNull(codec, "codec");
        this.poison = Objects.requireNonNull(poison, "poison");
    }

    // ---- objects in -----------------------------------------------------------------------------------------------

    private interface Sending {
        boolean send(byte[] message) throws InterruptedException;
    }

    private boolean send(T object, Sending how) throws InterruptedException {
        byte[] message = codec.encode(Objects.requireNonNull(object));
        try {
            return how.send(message);
        } catch (CQueueException.MessageTooBig e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    @Override
    public boolean offer(T object) {
        try {
            return send(object, queue::offer);
        } catch (InterruptedException e) {
            throw new AssertionError("it does not wait", e);
        }
    }

    @Override
    public boolean offer(T object, long timeout, TimeUnit unit) throws InterruptedException {
        return send(object, message -> queue.offer(message, timeout, unit));
    }

    @Override
    public void put(T object) throws InterruptedException {
        offer(object, Waiting.FOR_EVER, TimeUnit.NANOSECONDS);
    }

    // ---- objects out ----------------------------------------------------------------------------------------------

    @Override
    public T poll() {
        return released(pollDelivery());
    }

    @Override
    public T poll(long timeout, TimeUnit unit) throws InterruptedException {
        return released(pollDelivery(timeout, unit));
    }

    @Override
    public T take() throws InterruptedException {
        return released(takeDelivery());
    }

    private static <T> T released(Delivery<T> delivery) {
        if (delivery == null) {
            return null;
        }
        try {
            delivery.release();
        } catch (CQueueException.DiskFailure e) {
            throw e.received(delivery.value());
        }
        return delivery.value();
    }

    /**
     * The oldest object, to be released.
     *
     * @return null if there is none
     * @throws DecodeException if its message cannot be decoded and is kept
     */
    public Delivery<T> pollDelivery() {
        for (Received message; (message = queue.pollInPlace()) != null; ) {
            Delivery<T> delivery = open(message);
            if (delivery != null) {
                return delivery;
            }
        }
        return null;
    }

    /**
     * The oldest object, to be released, waiting for one.
     *
     * @param timeout how long at most
     * @param unit of the time-out
     * @return null if none came in time
     * @throws InterruptedException if the thread was interrupted; no message was taken
     * @throws DecodeException if its message cannot be decoded and is kept
     */
    public Delivery<T> pollDelivery(long timeout, TimeUnit unit) throws InterruptedException {
        long most = unit.toNanos(timeout);
        long start = System.nanoTime();
        long left = most;
        for (Received message; (message = queue.pollInPlace(left, TimeUnit.NANOSECONDS)) != null; ) {
            Delivery<T> delivery = open(message);
            if (delivery != null) {
                return delivery;
            }
            left = most == Waiting.FOR_EVER ? most : Math.max(0, most - (System.nanoTime() - start));
        }
        return null;
    }

    /**
     * The oldest object, to be released, waiting for one as long as it takes.
     *
     * @return the object
     * @throws InterruptedException if the thread was interrupted; no message was taken
     * @throws DecodeException if its message cannot be decoded and is kept
     */
    public Delivery<T> takeDelivery() throws InterruptedException {
        return pollDelivery(Waiting.FOR_EVER, TimeUnit.NANOSECONDS);
    }

    /**
     * Objects as they come, each to be released, as {@link CQueue#messages}. A message that cannot be decoded and is
     * kept ends it with a {@link DecodeException}.
     *
     * @return a stream to be closed
     */
    public Stream<Delivery<T>> deliveries() {
        return Lending.stream(this::takeDelivery, Delivery::close);
    }

    /** {@return null: it was dropped} */
    private Delivery<T> open(Received message) {
        boolean delivered = false;
        try {
            T object = decode(message.toByteArray(), message.position(), message.deliveries(), message::headers);
            Delivery<T> delivery = new Delivery<>(message, object);
            delivered = true;
            return delivery;
        } catch (DecodeException e) {
            if (isDropped(message, e)) {
                return null;
            }
            throw e;
        } finally {
            if (!delivered) {
                message.close();
            }
        }
    }

    private T decode(byte[] data, long position, int deliveries, Supplier<Map<String, byte[]>> headers) {
        try {
            return Objects.requireNonNull(codec.decode(data), "the codec made nothing of it");
        } catch (RuntimeException e) {
            throw new DecodeException(queue.name(), data, position, deliveries, headers.get(), e);
        }
    }

    private boolean isDropped(Received message, DecodeException why) {
        if (poison.judge(why) != PoisonHandler.Verdict.DROP) {
            return false;
        }
        message.release();
        return true;
    }

    /**
     * Move all waiting objects to a collection.
     *
     * @param to where to
     * @return how many
     * @throws DecodeException if there were none but such that cannot be decoded and are kept
     */
    @Override
    public int drainTo(Collection<? super T> to) {
        return drainTo(to, Integer.MAX_VALUE);
    }

    /**
     * Move waiting objects to a collection. A message that cannot be decoded costs no other: if it is kept, it is given
     * back when all others were moved.
     *
     * @param to where to
     * @param max how many at most
     * @return how many
     * @throws DecodeException if there were none but such that cannot be decoded and are kept
     */
    @Override
    public int drainTo(Collection<? super T> to, int max) {
        if (to == this) {
            throw new IllegalArgumentException("a queue cannot be drained to itself");
        }
        Objects.requireNonNull(to);
        List<Received> kept = new ArrayList<>();
        DecodeException first = null;
        int moved = 0;
        try {
            for (Received message; moved < max && (message = queue.pollInPlace()) != null; ) {
                boolean stays = false;
                try {
                    to.add(decode(message.toByteArray(), message.position(), message.deliveries(), message::headers));
                    message.release();
                    moved++;
                } catch (DecodeException e) {
                    stays = !isDropped(message, e);
                    if (stays) {
                        kept.add(message);
                        first = first == null ? e : first;
                    }
                } finally {
                    if (!stays) {
                        message.close(); // if it is held yet, the collection did not take it
                    }
                }
            }
        } finally {
            kept.forEach(Received::close);
        }
        if (moved == 0 && first != null) {
            throw first;
        }
        return moved;
    }

    // ---- looking on -----------------------------------------------------------------------------------------------

    @Override
    public T peek() {
        List<T> first = waiting(1);
        return first.isEmpty() ? null : first.get(0);
    }

    @Override
    public int size() {
        return (int) Math.min(queue.size(), Integer.MAX_VALUE);
    }

    /** How many messages there is room for, those that are delivered again not counted: there may be room for more. */
    @Override
    public int remainingCapacity() {
        return (int) Math.min(Math.max(queue.capacity() - queue.size(), 0), Integer.MAX_VALUE);
    }

    @Override
    public Iterator<T> iterator() {
        return Collections.unmodifiableList(waiting(Integer.MAX_VALUE)).iterator();
    }

    private List<T> waiting(int max) {
        List<T> objects = new ArrayList<>();
        queue.walk(message -> {
            objects.add(decode(message.data(), message.position(), 0, Map::of));
            return objects.size() < max;
        });
        return objects;
    }

    /** Removes all messages, whether they can be decoded or not. */
    @Override
    public void clear() {
        while (queue.poll() != null) {
            continue;
        }
    }

    @Override
    public boolean remove(Object object) {
        throw unsupported();
    }

    @Override
    public boolean removeIf(Predicate<? super T> which) {
        throw unsupported();
    }

    @Override
    public boolean removeAll(Collection<?> objects) {
        throw unsupported();
    }

    @Override
    public boolean retainAll(Collection<?> objects) {
        throw unsupported();
    }

    private static UnsupportedOperationException unsupported() {
        return new UnsupportedOperationException("messages leave a queue at its head only: poll, take or drainTo");
    }

    @Override
    public String toString() {
        return queue.toString();
    }
}
