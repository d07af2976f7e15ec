package io.cqueue;

import java.time.Instant;

/**
 * What is known about a queue. Counts are since its creation; those of operations that are under way or were cut short by
 * death may be off by these.
 *
 * @param formatVersion of the region
 * @param capacity messages
 * @param maxMessageSize bytes
 * @param length messages waiting, those to be redelivered included
 * @param orphans messages waiting to be redelivered, which do not count against the capacity
 * @param enqueued messages accepted
 * @param dequeued messages delivered for the first time
 * @param redelivered deliveries after the first
 * @param returned messages given back
 * @param voided slots that consumers gave up waiting for
 * @param reaped dead participants that were cleaned up after
 * @param participants handles open and alive now
 * @param waitingProducers threads of live participants that wait for room
 * @param waitingConsumers threads of live participants that wait for a message
 * @param slotsPerNode messages a node holds
 * @param nodes in all
 * @param nodesTouched that have memory
 * @param nodesLinked in the list, or behind it and still held
 * @param memory bytes of memory or disk that the region has
 * @param fileSize bytes, most of them usually never touched
 * @param created when
 * @param unlinked whether the name does not lead to this region any more
 * @param held messages taken, and neither released nor given back yet
 * @param writing slots reserved, or being written
 * @param maxHeld messages that may be held for sure while {@code capacity} wait; beyond it the queue may be full early
 */
public record Stats(
        int formatVersion, long capacity, long maxMessageSize, long length, long orphans, long enqueued, long dequeued,
        long redelivered, long returned, long voided, long reaped, int participants, int waitingProducers,
        int waitingConsumers, int slotsPerNode, long nodes, long nodesTouched, long nodesLinked, long memory,
        long fileSize, Instant created, boolean unlinked, long held, long writing, long maxHeld) {

    private static final long NANOSECONDS = 1_000_000_000L;

    static Stats of(cq_stats raw) {
        return new Stats((int) raw.getFormat_version(), raw.getCapacity(), raw.getMax_message_size(), raw.getLength(),
                raw.getOrphans(), raw.getEnqueued(), raw.getDequeued(), raw.getRedelivered(), raw.getReturned(),
                raw.getVoided(), raw.getReaped(), (int) raw.getParticipants(), (int) raw.getWaiting_producers(),
                (int) raw.getWaiting_consumers(), (int) raw.getSlots_per_node(), raw.getNodes(), raw.getNodes_touched(),
                raw.getNodes_linked(), raw.getMemory(), raw.getFile_size(),
                instant(raw.getCreated()), raw.getUnlinked() != 0, raw.getHeld(), raw.getWriting(), raw.getMax_held());
    }

    /** Of nanoseconds since 1970-01-01 UTC. */
    static Instant instant(long nanoseconds) {
        return Instant.ofEpochSecond(Math.floorDiv(nanoseconds, NANOSECONDS), Math.floorMod(nanoseconds, NANOSECONDS));
    }
}
