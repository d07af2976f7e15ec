package io.cqueue;

import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.util.function.IntSupplier;

/**
 * Lets {@link Thread#interrupt} end a call into C: it runs something that makes the call return. That is what channels
 * are interrupted by, so this looks like one. For one thread; interrupted once, it is used up.
 */
final class Interruption extends AbstractInterruptibleChannel {
    private final Runnable interrupt;

    Interruption(Runnable interrupt) {
        this.interrupt = interrupt;
    }

    /** {@return what the call returned}. The thread's interrupt status stays as it is. */
    int call(IntSupplier call) {
        begin();
        try {
            return call.getAsInt();
        } finally {
            try {
                end(true);
            } catch (AsynchronousCloseException e) {
                assert Thread.currentThread().isInterrupted(); // the caller looks at that
            }
        }
    }

    /** Called by the thread that interrupts. */
    @Override
    protected void implCloseChannel() {
        interrupt.run();
    }
}
