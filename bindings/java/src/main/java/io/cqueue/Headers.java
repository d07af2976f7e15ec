package io.cqueue;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Headers as a map, and in the format of cq_header_add: for each the key's length (1 byte), the value's (2 bytes,
 * little-endian), the key in UTF-8, the value. C checks what is put.
 */
final class Headers {
    private static final int KEY_MOST = 255;
    private static final int VALUE_MOST = 65_535;

    private Headers() {}

    static byte[] pack(Map<String, byte[]> headers) {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        headers.forEach((name, value) -> {
            byte[] key = Text.exact("a header's key", name);
            if (key.length > KEY_MOST) {
                throw new IllegalArgumentException("a header's key of " + key.length + " bytes: 255 at most");
            }
            if (value.length > VALUE_MOST) {
                throw new IllegalArgumentException("the header \"" + name + "\" has " + value.length
                        + " bytes: 65,535 at most");
            }
            packed.write(key.length);
            packed.write(value.length & 0xff);
            packed.write(value.length >> 8);
            packed.writeBytes(key);
            packed.writeBytes(value);
        });
        return packed.toByteArray();
    }

    static Map<String, byte[]> unpack(byte[] packed) {
        Map<String, byte[]> headers = new LinkedHashMap<>();
        ByteBuffer rest = ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN);
        while (rest.hasRemaining()) {
            byte[] key = new byte[rest.get() & 0xff];
            byte[] value = new byte[rest.getShort() & 0xffff];
            rest.get(key).get(value);
            headers.put(new String(key, StandardCharsets.UTF_8), value);
        }
        return Collections.unmodifiableMap(headers);
    }
}
