package io.cqueue;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Strings as the C interface has them: UTF-8, without a 0 in them; and its sentences with Java's names for things. */
final class Text {
    private static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("CQ_EXCLUSIVE", "Options.Mode.EXCLUSIVE"),
            Map.entry("CQ_ATTACH", "Options.Mode.ATTACH"),
            Map.entry("CQ_READ_ONLY", "Options.Mode.READ_ONLY"),
            Map.entry("CQ_ANY_FILESYSTEM", "Options.anyFilesystem(true)"),
            Map.entry("CQ_KEEP_UNLINKED", "Options.keepUnlinked(true)"),
            Map.entry("CQ_EXCLUSIVE_CONSUMER", "Options.exclusiveConsumer(true)"),
            Map.entry("CQ_ENQUEUE_TIMES", "Options.enqueueTimes(true)"),
            Map.entry("cq_source", "source()"),
            Map.entry("max_headers", "maxHeaders"),
            Map.entry("max_deliveries", "maxDeliveries"),
            Map.entry("dead_letter", "deadLetter"),
            Map.entry("time_to_live", "timeToLive"),
            Map.entry("durable_directory", "durableDirectory"),
            Map.entry("CQ_DURABLE", "Options.durable(true)"),
            Map.entry("CQ_SYNC", "Options.sync(true)"),
            Map.entry("cq_sync", "sync()"),
            Map.entry("CQ_TRUST", "Options.trust(true)"),
            Map.entry("cq_cancel", "cancel()"),
            Map.entry("cq_cancel_reset", "resetCancel()"),
            Map.entry("cq_participants", "participants()"),
            Map.entry("cq_open", "CQueue.open"),
            Map.entry("max_message_size", "maxMessageSize"),
            Map.entry("max_held", "maxHeld"),
            Map.entry("max_memory", "maxMemory"));
    /** What is about a call in C, and not about names in it alone. */
    private static final Map<String, String> PHRASES = Map.of(
            "an argument is NULL or 0 and must not be, or a struct_size is not set; cq_open's config is in order",
            "an argument is invalid; what the queue was opened with is in order",
            "as cq_header_add makes them", "as they have to be");
    private static final Pattern NAME = Pattern.compile("\\b(?:CQ_[A-Z_]+|cq_[a-z_]+"
            + "|max_(?:held|headers|memory|deliveries|message_size)|dead_letter|time_to_live|durable_directory)\\b");

    private Text() {}

    /** A 0 would cut the string off, and open a queue of another name: it becomes what is refused as well. */
    static byte[] encode(String text) {
        return text == null ? null : text.replace('\0', '?').getBytes(StandardCharsets.UTF_8);
    }

    /** {@return "1 byte", "2 bytes"} */
    static String count(long count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }

    /** {@return what C has of a source's name} */
    static byte[] source(String name) {
        byte[] bytes = exact("a source's name", name);
        if (bytes.length == 0 || bytes.length > 200) {
            throw new IllegalArgumentException(
                    "a source's name of " + count(bytes.length, "byte") + ": it has 1 to 200 of them");
        }
        return bytes;
    }

    /**
     * {@return the bytes of a text that is what it says to C, too}. Where something in it were replaced, or it ended
     * early, it would be another one.
     */
    static byte[] exact(String what, String text) {
        try {
            if (text.indexOf('\0') < 0) {
                return bytes(text);
            }
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(what + " has half of a surrogate pair in it: \"" + text + "\"", e);
        }
        throw new IllegalArgumentException(what + " has the character 0 in it: \"" + text + "\"");
    }

    /** As {@link String#getBytes}, which puts a question mark in the place of what UTF-8 has no bytes for. */
    static byte[] bytes(String text) throws CharacterCodingException {
        ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
        return Arrays.copyOfRange(encoded.array(), encoded.position(), encoded.limit());
    }

    static String decode(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** What cq_explain says, after the queue's name, in Java's words. */
    static String translate(String sentence) {
        for (Map.Entry<String, String> phrase : PHRASES.entrySet()) {
            sentence = sentence.replace(phrase.getKey(), phrase.getValue());
        }
        int begin = sentence.indexOf("\": ") + 1;
        return sentence.substring(0, begin) + NAME.matcher(sentence.substring(begin))
                .replaceAll(name -> Matcher.quoteReplacement(NAMES.getOrDefault(name.group(), name.group())));
    }
}
