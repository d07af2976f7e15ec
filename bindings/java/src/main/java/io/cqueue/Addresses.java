package io.cqueue;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;

/**
 * Where direct buffers lead. Asking the virtual machine costs as much as sending a message, so the answers for some
 * buffers are kept; who uses the same ones again and again does not pay for it.
 */
final class Addresses {
    /** Threads may race for an entry: whichever they see is right for its buffer. */
    private static final Known[] ENTRIES = new Known[64];

    private Addresses() {}

    private static final class Known extends WeakReference<ByteBuffer> {
        final long address;

        Known(ByteBuffer buffer, long address) {
            super(buffer);
            this.address = address;
        }
    }

    /** {@return the address of a direct buffer's index 0} */
    static long of(ByteBuffer buffer) {
        int entry = System.identityHashCode(buffer) % ENTRIES.length;
        Known known = ENTRIES[entry];
        if (known == null || !known.refersTo(buffer)) {
            known = new Known(buffer, RawJNI.view_address(buffer));
            ENTRIES[entry] = known;
        }
        return known.address;
    }
}
