package io.cqueue;

import java.nio.charset.StandardCharsets;

/** Strings as the C interface has them: UTF-8, without a 0 in them. */
final class Text {
    private Text() {}

    /** A 0 would cut the string off, and open a queue of another name: it becomes what is refused as well. */
    static byte[] encode(String text) {
        return text == null ? null : text.replace('\0', '?').getBytes(StandardCharsets.UTF_8);
    }

    static String decode(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
