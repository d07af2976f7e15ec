package io.cqueue;

/** What walker.h shows the sources to. */
interface RawSourceVisitor {
    boolean visit(byte[] name, long number);
}
