/**
 * A named queue in shared memory for the processes of one machine: strictly first in, first out, bounded, with any
 * number of producers and consumers, in Java, C, C++, Go, Rust and Python. No process waits for a stopped or dead one,
 * and what a dead one held is neither lost nor leaked.
 *
 * <p>Begin with {@link io.cqueue.CQueue}. Errors are unchecked, one class each, see {@link io.cqueue.CQueueException}.
 */
package io.cqueue;
