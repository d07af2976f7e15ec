package io.cqueue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** Objects as C structs, see {@link Codec#struct}. */
record StructCodec<T>(int size, BiConsumer<? super T, ByteBuffer> write, Function<ByteBuffer, ? extends T> read)
        implements Codec<T> {
    StructCodec {
        CQueue.checkSize(size);
        Objects.requireNonNull(write, "write");
        Objects.requireNonNull(read, "read");
    }

    @Override
    public byte[] encode(T object) {
        byte[] message = new byte[size];
        write.accept(object, buffer(message));
        return message;
    }

    @Override
    public T decode(byte[] message) {
        if (message.length != size) {
            throw new IllegalArgumentException("a struct of " + Text.count(size, "byte") + ", the message has "
                    + message.length);
        }
        return read.apply(buffer(message));
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
