package io.cqueue;

import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * Turns objects into messages and back, for {@link CQueue#typed(Codec)}. Used by many threads at once.
 *
 * @param <T> the objects
 */
public interface Codec<T> {
    /**
     * The message of an object.
     *
     * @param object not null
     * @return its bytes
     */
    byte[] encode(T object);

    /**
     * The object of a message.
     *
     * @param message its bytes
     * @return not null
     */
    T decode(byte[] message);

    /**
     * Objects as JSON: the default format that all languages share, one value a message, in UTF-8. Members that the
     * class does not have are ignored; what JSON has no number for (NaN, infinities) cannot be encoded. It needs
     * Jackson 2.16 or later (com.fasterxml.jackson.core:jackson-databind), which the program adds to its
     * dependencies.
     *
     * @param <T> the objects
     * @param type their class: a record, a class that Jackson can map, a Map, ...
     * @return the codec
     */
    static <T> Codec<T> json(Class<T> type) {
        Objects.requireNonNull(type, "type");
        try {
            return new JsonCodec<>(type);
        } catch (NoClassDefFoundError e) {
            throw new IllegalStateException(
                    "JSON needs Jackson: add com.fasterxml.jackson.core:jackson-databind to the dependencies", e);
        }
    }

    /**
     * Objects as the bytes that a C struct of them has: little-endian, members in the order of declaration, each
     * aligned to its size. The other languages read it as their struct.
     *
     * <pre>{@code
     * // struct order { int32_t id; double price; char name[8]; };
     * Codec<Order> codec = Codec.struct(24,
     *         (order, to) -> to.putInt(0, order.id()).putDouble(8, order.price()).put(16, order.name()),
     *         from -> new Order(from.getInt(0), from.getDouble(8), Arrays.copyOfRange(from.array(), 16, 24)));
     * }</pre>
     *
     * @param <T> the objects
     * @param size of the struct in bytes; a message of another size cannot be decoded
     * @param write puts an object into a buffer of that size, all zeros before
     * @param read makes an object of such a buffer, which has an array
     * @return the codec
     */
    static <T> Codec<T> struct(
            int size, BiConsumer<? super T, ByteBuffer> write, Function<ByteBuffer, ? extends T> read) {
        return new StructCodec<>(size, write, read);
    }

    /**
     * Strings as UTF-8. Bytes that are none cannot be decoded, nor can half of a surrogate pair be encoded.
     *
     * @return the codec
     */
    static Codec<String> utf8() {
        return new Codec<>() {
            @Override
            public byte[] encode(String object) {
                try {
                    return Text.bytes(object);
                } catch (CharacterCodingException e) {
                    throw new IllegalArgumentException("the string has half of a surrogate pair in it", e);
                }
            }

            @Override
            public String decode(byte[] message) {
                try {
                    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(message)).toString();
                } catch (CharacterCodingException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }
}
