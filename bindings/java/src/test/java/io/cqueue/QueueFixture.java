package io.cqueue;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A directory of its own for each test's queues. */
abstract class QueueFixture {
    static final boolean LONG = Boolean.getBoolean("cqueue.long");

    Path directory;

    @BeforeEach
    void makeDirectory() throws IOException {
        directory = Files.createTempDirectory(Path.of("/dev/shm"), "cqueue-java-");
    }

    @AfterEach
    void removeDirectory() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    /** 16 messages of up to 64 bytes. */
    CQueue open() {
        return open(16, 64);
    }

    CQueue open(long capacity, long maxMessageSize) {
        return CQueue.open("orders", options().capacity(capacity).maxMessageSize(maxMessageSize));
    }

    Options options() {
        return new Options().directory(directory);
    }

    static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, UTF_8);
    }
}
