package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
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
        String own = "-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        List<String> snippets = snippets(Files.readString(Path.of("README.md"))
                .replaceAll("\"((?:durable-)?orders(?:-[a-z]+)?)\"", "\"$1" + own + "\""));
        assertEquals(8, snippets.size());
        Path source = Files.writeString(directory.resolve("Readme.java"), program(snippets));
        try {
            String output = OtherMachine.launch(0, List.of("-ea", "-cp", OtherMachine.classPath(), source.toString()));
            assertEquals("8 ran\n", output);
        } finally {
            try (DirectoryStream<Path> left = Files.newDirectoryStream(Path.of("/dev/shm"), "cqueue.*" + own)) {
                for (Path queue : left) {
                    Files.delete(queue);
                }
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

    /** One program of them all: their imports, and a method of each. */
    private static String program(List<String> snippets) {
        StringBuilder imports = new StringBuilder();
        StringBuilder methods = new StringBuilder();
        StringBuilder calls = new StringBuilder();
        for (int i = 0; i < snippets.size(); i++) {
            String snippet = snippets.get(i);
            int body = snippet.indexOf("\n\n");
            assertTrue(body > 0, "imports, an empty line, the rest");
            imports.append(snippet, 0, body).append('\n');
            methods.append("static void snippet" + i + "() throws Exception {" + snippet.substring(body) + "}\n");
            calls.append("snippet" + i + "();\n");
        }
        return imports + "class Readme {\n" + methods + "public static void main(String[] arguments) throws Exception {\n" + calls
                + "System.out.println(\"" + snippets.size() + " ran\"); } }\n";
    }
}
