package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The README's programs are compiled and run, on a queue of another name. */
class ReadmeTest extends QueueFixture {
    @Test
    void everySnippetRuns() throws IOException, InterruptedException {
        List<String> snippets = snippets(Files.readString(Path.of("README.md")));
        assertEquals(4, snippets.size());
        for (String snippet : snippets) {
            String name = "readme-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
            Path source = Files.writeString(directory.resolve("Snippet.java"), program(snippet, name));
            try {
                String output = OtherMachine.launch(0, List.of("-ea", "-cp", OtherMachine.classPath(), source.toString()));
                assertEquals("done\n", output, snippet);
            } finally {
                Files.deleteIfExists(Path.of("/dev/shm/cqueue." + name));
            }
        }
    }

    private static List<String> snippets(String readme) {
        List<String> snippets = new ArrayList<>();
        Matcher matcher = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(readme);
        while (matcher.find()) {
            snippets.add(matcher.group(1));
        }
        return snippets;
    }

    private static String program(String snippet, String name) {
        int body = snippet.indexOf("\n\n");
        assertTrue(body > 0, "imports, an empty line, the rest");
        return snippet.substring(0, body)
                + "\nclass Snippet { public static void main(String[] arguments) throws Exception {"
                + snippet.substring(body).replace("\"orders\"", "\"" + name + "\"")
                + "System.out.println(\"done\"); } }";
    }
}
