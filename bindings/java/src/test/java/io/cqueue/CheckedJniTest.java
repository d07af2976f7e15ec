package io.cqueue;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** All calls into native code once more, in a machine that checks the calls from there, and says when one is wrong. */
class CheckedJniTest {
    @Test
    void nativeCodeBreaksNoRuleOfJni() throws IOException, InterruptedException {
        String output = OtherMachine.run(0, Tests.class, List.of("-Xcheck:jni"));
        assertTrue(output.contains("all tests passed"), output);
        // The machine's own, not the logger's of messages that the tests forget.
        assertFalse(output.contains("WARNING in native method") || output.contains("WARNING: JNI"), output);
        assertFalse(output.contains("FATAL"), output);
    }

    static final class Tests {
        private Tests() {}

        public static void main(String[] arguments) {
            SummaryGeneratingListener summary = new SummaryGeneratingListener();
            LauncherFactory.create().execute(LauncherDiscoveryRequestBuilder.request()
                    .selectors(selectClass(CopyTest.class), selectClass(BatchTest.class), selectClass(LoanTest.class),
                            selectClass(WaitingTest.class), selectClass(OpenTest.class), selectClass(LookTest.class),
                            selectClass(BlockingQueueTest.class), selectClass(MoreTest.class),
                            selectClass(ModelTest.class))
                    .build(), summary);
            summary.getSummary().printFailuresTo(new java.io.PrintWriter(System.out, true));
            boolean passed = summary.getSummary().getTotalFailureCount() == 0 && summary.getSummary().getTestsSucceededCount() > 100;
            System.out.println(passed ? "all tests passed" : "failed");
            System.exit(passed ? 0 : 1);
        }
    }
}
