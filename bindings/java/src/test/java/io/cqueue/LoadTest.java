package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class LoadTest extends QueueFixture {
    private static Path classes() throws URISyntaxException {
        return Path.of(CQueue.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    /** By reflection, because the class is another one for every class loader. */
    private String sendAndReceive(Class<?> queueClass, String message) throws ReflectiveOperationException {
        Class<?> optionsClass = queueClass.getClassLoader().loadClass("io.cqueue.Options");
        Object options = optionsClass.getConstructor().newInstance();
        optionsClass.getMethod("directory", Path.class).invoke(options, directory);
        Object queue = queueClass.getMethod("open", String.class, optionsClass).invoke(null, "orders", options);
        queueClass.getMethod("put", byte[].class).invoke(queue, (Object) bytes(message));
        Method close = queueClass.getMethod("close");
        String received = text((byte[]) queueClass.getMethod("take").invoke(queue));
        close.invoke(queue);
        return received;
    }

    @Test
    void severalClassLoadersHaveALibraryEach() throws Exception {
        URL[] urls = {classes().toUri().toURL()};
        try (URLClassLoader one = new URLClassLoader(urls, null); URLClassLoader two = new URLClassLoader(urls, null);
                CQueue queue = CQueue.open("orders", options())) {
            assertNotSame(one.loadClass("io.cqueue.CQueue"), two.loadClass("io.cqueue.CQueue"));
            assertEquals("one", sendAndReceive(one.loadClass("io.cqueue.CQueue"), "one"));
            assertEquals("two", sendAndReceive(two.loadClass("io.cqueue.CQueue"), "two"));
            assertEquals(2, queue.stats().dequeued());
        }
    }

    private static long mapped() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("libcqueue_java") && line.contains(" r-xp ")).count();
        }
    }

    private WeakReference<ClassLoader> useAndForget() throws Exception {
        try (URLClassLoader loader = new URLClassLoader(new URL[] {classes().toUri().toURL()}, null)) {
            assertEquals("one", sendAndReceive(loader.loadClass("io.cqueue.CQueue"), "one"));
            return new WeakReference<>(loader);
        }
    }

    /** Its threads may still run, and what it registered for forks is called by later ones. */
    @Test
    @Timeout(60)
    void theLibraryStaysWhenItsClassLoaderGoes() throws Exception {
        long before = mapped();
        WeakReference<ClassLoader> loader = useAndForget();
        assertEquals(before + 1, mapped());
        while (loader.get() != null) {
            System.gc();
            Thread.sleep(10);
        }
        for (int i = 0; i < 20; i++) { // the library would go some time after its classes
            System.gc();
            Thread.sleep(10);
            assertEquals(before + 1, mapped());
        }
    }

    @Test
    void theModuleShowsOnlyWhatIsPublic() throws Exception {
        Configuration configuration = ModuleLayer.boot().configuration()
                .resolve(ModuleFinder.of(classes()), ModuleFinder.of(), Set.of("io.cqueue"));
        Module module = ModuleLayer.boot().defineModulesWithOneLoader(configuration, null).findModule("io.cqueue").orElseThrow();
        assertTrue(module.isExported("io.cqueue"));
        assertEquals("module", sendAndReceive(module.getClassLoader().loadClass("io.cqueue.CQueue"), "module"));
    }

    @Test
    void nothingThatSwigMadeIsPublic() throws Exception {
        try (Stream<Path> files = Files.list(classes().resolve("io/cqueue"))) {
            Set<String> open = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".class") && !name.contains("$") && !name.equals("package-info.class"))
                    .map(name -> name.substring(0, name.length() - 6))
                    .filter(LoadTest::isPublic)
                    .collect(Collectors.toSet());
            assertEquals(Set.of("Batch", "CQueue", "CQueueException", "Codec", "DecodeException", "Delivery", "Message", "Options",
                    "Participant", "PoisonHandler", "QueueClosedException", "Received", "ReceivedBatch", "Recovery", "Reservation",
                    "Stats", "TypedQueue"), open);
        }
    }

    private static boolean isPublic(String name) {
        try {
            return java.lang.reflect.Modifier.isPublic(Class.forName("io.cqueue." + name, false, LoadTest.class.getClassLoader())
                    .getModifiers());
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    static final class Version {
        private Version() {}

        public static void main(String[] arguments) {
            System.out.println(CQueue.version());
            System.out.println(List.of(new File(System.getProperty("java.io.tmpdir")).list()));
        }
    }

    @Test
    void theCopyOfTheLibraryIsGoneOnceLoaded() throws Exception {
        assertEquals(CQueue.version() + "\n[]\n", OtherMachine.run(0, Version.class, List.of("-XX:-UsePerfData", "-Djava.io.tmpdir=" + directory)));
    }

    @Test
    void aPropertyNamesTheLibrary() throws Exception {
        Path library = directory.resolve("mine.so");
        try (var resource = CQueue.class.getResourceAsStream("native/" + NativeLibrary.platform() + "/libcqueue_java.so")) {
            Files.copy(resource, library);
        }
        // An unknown processor: what is in the jar cannot be meant.
        assertEquals(CQueue.version(), OtherMachine.run(0, Version.class,
                List.of("-Dos.arch=z80", "-D" + NativeLibrary.PROPERTY + "=" + library)).lines().findFirst().orElseThrow());
    }

    static final class Json {
        private Json() {}

        public static void main(String[] arguments) {
            for (int i = 0; i < 2; i++) {
                try {
                    Codec.json(String.class);
                } catch (IllegalStateException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    @Test
    void jsonSaysWhatItNeeds() throws Exception {
        Path tests = Path.of(LoadTest.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        String output = OtherMachine.launch(0, List.of("-cp", classes() + File.pathSeparator + tests, Json.class.getName()));
        String once = "JSON needs Jackson: add com.fasterxml.jackson.core:jackson-databind to the dependencies\n";
        assertEquals(once + once, output);
    }

    static final class Twice {
        private Twice() {}

        public static void main(String[] arguments) {
            for (Runnable first : List.<Runnable>of(CQueue::version, () -> CQueue.open("orders"), () -> CQueue.unlink("orders"))) {
                try {
                    first.run();
                } catch (Throwable e) {
                    System.out.println(e);
                }
            }
        }
    }

    @Test
    void everyTryToUseALibraryThatCannotBeLoadedSaysTheSame() throws Exception {
        List<String> told = OtherMachine.run(0, Twice.class, List.of("-Dos.arch=z80")).lines().toList();
        assertEquals(3, told.size(), told::toString);
        assertTrue(told.get(0).startsWith("java.lang.UnsatisfiedLinkError: cqueue's native library cannot be loaded: "), told::toString);
        assertEquals(1, Set.copyOf(told).size(), told::toString);
    }

    @Test
    void theVersionIsTheProjects() throws Exception {
        Matcher project = Pattern.compile("project\\(\\s*cqueue\\s+VERSION ([0-9.]+)").matcher(Files.readString(Path.of("../../CMakeLists.txt")));
        assertTrue(project.find());
        assertEquals(project.group(1), CQueue.version());
        for (String file : List.of("pom.xml", "README.md")) {
            assertTrue(Files.readString(Path.of(file)).contains("<artifactId>cqueue</artifactId>\n  <version>" + project.group(1)
                    + "</version>"), file);
        }
    }

    @Test
    void aLibraryThatCannotBeLoadedSaysWhatToSet() throws Exception {
        String advice = "Build it with bindings/java/src/main/native/build and set "
                + "-Dio.cqueue.library=<path of libcqueue_java.so>";

        String none = OtherMachine.run(1, Version.class, List.of("-Dos.arch=z80"));
        assertTrue(none.contains("UnsatisfiedLinkError: cqueue's native library cannot be loaded: there is none for linux-z80 "
                + "in the jar. " + advice), none);

        String missing = OtherMachine.run(1, Version.class, List.of("-Dio.cqueue.library=/nowhere/it.so"));
        assertTrue(missing.contains("cannot be loaded: /nowhere/it.so, which the system property io.cqueue.library names: "),
                missing);
        assertTrue(missing.contains(advice), missing);

        Path broken = Files.writeString(directory.resolve("broken.so"), "no library");
        String refused = OtherMachine.run(1, Version.class, List.of("-Dio.cqueue.library=" + broken));
        assertTrue(refused.contains(broken + ", which the system property io.cqueue.library names: "), refused);
        assertFalse(refused.contains(CQueue.version()), refused);

        String nowhere = OtherMachine.run(1, Version.class, List.of("-Djava.io.tmpdir=/nowhere"));
        assertTrue(nowhere.contains("cannot be loaded: it cannot be copied to /nowhere (set java.io.tmpdir to a directory that can "
                + "be written): "), nowhere);
    }
}
