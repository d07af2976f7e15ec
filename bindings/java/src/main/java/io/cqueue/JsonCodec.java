package io.cqueue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerationException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.JsonGeneratorDelegate;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Objects as JSON, by Jackson, which need not be there: nothing else may name its classes. See {@link Codec#json}. */
final class JsonCodec<T> implements Codec<T> {
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
                    .addDecorator((factory, generator) -> new FiniteNumbers(generator))
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    /** JSON has no others, and what Jackson writes in their place other languages do not read as numbers. */
    private static final class FiniteNumbers extends JsonGeneratorDelegate {
        FiniteNumbers(JsonGenerator generator) {
            super(generator);
        }

        private void check(double number) throws JsonGenerationException {
            if (!Double.isFinite(number)) {
                throw new JsonGenerationException("JSON has no number " + number, this);
            }
        }

        @Override
        public void writeNumber(double number) throws IOException {
            check(number);
            super.writeNumber(number);
        }

        @Override
        public void writeNumber(float number) throws IOException {
            check(number);
            super.writeNumber(number);
        }

        @Override
        public void writeArray(double[] numbers, int offset, int length) throws IOException {
            for (int i = offset; i < offset + length; i++) {
                check(numbers[i]);
            }
            super.writeArray(numbers, offset, length);
        }
    }

    private final ObjectWriter writer;
    private final ObjectReader reader;

    JsonCodec(Class<T> type) {
        writer = MAPPER.writerFor(type);
        reader = MAPPER.readerFor(type);
    }

    @Override
    public byte[] encode(T object) {
        try {
            return writer.writeValueAsBytes(object);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    object.getClass().getName() + " cannot be written as JSON: " + e.getOriginalMessage(), e);
        }
    }

    @Override
    public T decode(byte[] message) {
        try {
            return reader.readValue(message);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
