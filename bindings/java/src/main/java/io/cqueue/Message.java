package io.cqueue;

/**
 * A copy of a message that was seen waiting, see {@link CQueue#walk}.
 *
 * @param data its bytes
 * @param position identifies the message, also when it is delivered again
 * @param deliveries as the one who receives it now would be told: 1 the first time
 */
public record Message(byte[] data, long position, int deliveries) {}
