package io.cqueue;

import java.util.AbstractQueue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** A queue as a BlockingQueue of objects. What looks without taking works on copies. */
final class BlockingQueueView<T> extends AbstractQueue<T> implements BlockingQueue<T> {
    private final CQueue queue;
    private final Codec<T> codec;

    BlockingQueueView(CQueue queue, Codec<T> codec) {
        this.queue = queue;
        this.codec = Objects.requireNonNull(codec, "codec");
    }

    private byte[] encode(T object) {
        return codec.encode(Objects.requireNonNull(object));
    }

    private T decode(byte[] message) {
        return message == null ? null : codec.decode(message);
    }

    @Override
    public boolean offer(T object) {
        return queue.offer(encode(object));
    }

    @Override
    public boolean offer(T object, long timeout, TimeUnit unit) throws InterruptedException {
        return queue.offer(encode(object), timeout, unit);
    }

    @Override
    public void put(T object) throws InterruptedException {
        queue.put(encode(object));
    }

    @Override
    public T poll() {
        return decode(queue.poll());
    }

    @Override
    public T poll(long timeout, TimeUnit unit) throws InterruptedException {
        return decode(queue.poll(timeout, unit));
    }

    @Override
    public T take() throws InterruptedException {
        return decode(queue.take());
    }

    @Override
    public T peek() {
        List<T> first = waiting(1);
        return first.isEmpty() ? null : first.get(0);
    }

    @Override
    public int drainTo(Collection<? super T> to) {
        return drainTo(to, Integer.MAX_VALUE);
    }

    @Override
    public int drainTo(Collection<? super T> to, int max) {
        if (to == this) {
            throw new IllegalArgumentException("a queue cannot be drained to itself");
        }
        Objects.requireNonNull(to);
        int moved = 0;
        for (T object; moved < max && (object = poll()) != null; moved++) {
            to.add(object);
        }
        return moved;
    }

    @Override
    public int size() {
        return (int) Math.min(queue.stats().length(), Integer.MAX_VALUE);
    }

    @Override
    public int remainingCapacity() {
        Stats stats = queue.stats();
        long counted = stats.length() - stats.orphans();
        return (int) Math.min(Math.max(stats.capacity() - counted, 0), Integer.MAX_VALUE);
    }

    @Override
    public Iterator<T> iterator() {
        return Collections.unmodifiableList(waiting(Integer.MAX_VALUE)).iterator();
    }

    private List<T> waiting(int max) {
        List<T> objects = new ArrayList<>();
        queue.walk(message -> {
            objects.add(decode(message.data()));
            return objects.size() < max;
        });
        return objects;
    }
}
