package io.cqueue;

/** Who is shown the messages of a walk; called from native code by this name and signature. */
interface RawVisitor {
    /** Whether to go on. */
    boolean visit(byte[] data, long position, int deliveries);
}
