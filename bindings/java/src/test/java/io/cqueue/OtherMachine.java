package io.cqueue;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Another Java virtual machine, for what can only be seen from outside. */
final class OtherMachine {
    private OtherMachine() {}

    static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    static Process start(Class<?> main, List<String> options, String... arguments) throws IOException {
        List<String> words = new ArrayList<>(options);
        words.addAll(List.of("-cp", classPath(), main.getName()));
        words.addAll(List.of(arguments));
        return start(words);
    }

    private static Process start(List<String> words) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(words);
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    /** {@return what it wrote, after it ended with `status`} */
    static String run(int status, Class<?> main, List<String> options, String... arguments)
            throws IOException, InterruptedException {
        return outputOf(start(main, options, arguments), status);
    }

    /** As {@link #run}, of whatever the words for the java command say. */
    static String launch(int status, List<String> words) throws IOException, InterruptedException {
        return outputOf(start(words), status);
    }

    private static String outputOf(Process process, int status) throws IOException, InterruptedException {
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertEquals(status, process.waitFor(), output);
        return output;
    }
}
