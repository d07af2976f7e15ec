package io.cqueue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Finds and loads the native library: the file that a system property names, else the one in the jar.
 *
 * <p>The one in the jar is copied to a temporary file of its own each time, because the virtual machine lets a file be
 * loaded by one class loader only; loaded, it needs its name no more.
 */
final class NativeLibrary {
    static final String PROPERTY = "io.cqueue.library";

    private static volatile boolean loaded;
    private static String failed;

    private NativeLibrary() {}

    /** Before the first native call. What cannot be loaded once is not tried again, and says the same again. */
    static void load() {
        if (!loaded) {
            loadOnce();
        }
    }

    private static synchronized void loadOnce() {
        if (failed != null) {
            throw new UnsatisfiedLinkError(failed);
        }
        if (!loaded) {
            try {
                find();
                loaded = true;
            } catch (UnsatisfiedLinkError e) {
                failed = e.getMessage();
                throw e;
            }
        }
    }

    private static void find() {
        String named = System.getProperty(PROPERTY);
        if (named != null) {
            loadFile(Path.of(named).toAbsolutePath(), "which the system property " + PROPERTY + " names");
        } else {
            loadCopy("native/" + platform() + "/libcqueue_java.so");
        }
    }

    /** As the native build's directories are named. */
    static String platform() {
        String processor = System.getProperty("os.arch");
        return System.getProperty("os.name").toLowerCase(java.util.Locale.ROOT).replace(' ', '-')
                + "-" + (processor.equals("amd64") ? "x86_64" : processor);
    }

    private static void loadCopy(String resource) {
        Path copy = null;
        try (InputStream library = NativeLibrary.class.getResourceAsStream(resource)) {
            if (library == null) {
                throw failure("there is none for " + platform() + " in the jar", null);
            }
            copy = Files.createTempFile("libcqueue_java", ".so");
            Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
            loadFile(copy,
                    "a copy of the one in the jar; set java.io.tmpdir to a directory that is not mounted noexec, or");
        } catch (IOException e) {
            throw failure("it cannot be copied to " + System.getProperty("java.io.tmpdir")
                    + " (set java.io.tmpdir to a directory that can be written): " + e, e);
        } finally {
            delete(copy);
        }
    }

    private static void loadFile(Path file, String what) {
        try {
            System.load(file.toString());
        } catch (UnsatisfiedLinkError e) {
            throw failure(file + ", " + what + ": " + e.getMessage(), e);
        }
    }

    private static UnsatisfiedLinkError failure(String why, Throwable cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError("cqueue's native library cannot be loaded: " + why
                + ". Build it with bindings/java/src/main/native/build and set -D" + PROPERTY
                + "=<path of libcqueue_java.so>");
        error.initCause(cause);
        return error;
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.delete(file);
            }
        } catch (IOException e) {
            file.toFile().deleteOnExit();
        }
    }
}
