package io.cqueue;

import java.time.Duration;

/** Durations as C has them. */
final class Times {
    private Times() {}

    /** {@return nanoseconds, as many as there can be if it is longer} */
    static long nanos(Duration duration) {
        try {
            return duration.toNanos();
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE;
        }
    }
}
