/* Made by bindings/java/generate from cqueue.h. Do not edit. */
package io.cqueue;

import java.time.Duration;
import java.time.Instant;

/**
 * What is known about a queue. Counts are since its creation; those of operations that are under way or were cut short by
 * death may be off by these. Of the threads that wait on a handle of Java's, one is counted.
 *
 * @param formatVersion of the region
 * @param capacity messages
 * @param maxMessageSize bytes
 * @param length messages waiting, including those to be delivered again and those still being written
 * @param orphans messages waiting to be delivered again (not counted against capacity)
 * @param enqueued messages accepted
 * @param dequeued messages delivered for the first time
 * @param redelivered deliveries after the first
 * @param returned messages given back
 * @param voided slots of unfinished messages that other handles moved past
 * @param reaped dead handles that were cleaned up after
 * @param participants handles open and alive now
 * @param waitingProducers threads of live handles blocked in a put or an offer
 * @param waitingConsumers threads of live handles blocked in a take or a poll
 * @param slotsPerNode messages a node holds
 * @param nodes in all
 * @param nodesTouched nodes that have memory now
 * @param nodesLinked nodes in the list, or behind it with a message that is still held
 * @param memory bytes of memory or disk that the region occupies
 * @param fileSize bytes; most of them are usually never touched and occupy nothing
 * @param created when
 * @param unlinked whether the name no longer leads to this queue
 * @param held messages taken, and neither released nor given back yet
 * @param writing slots reserved, or being written
 * @param maxHeld messages that may be held while {@code capacity} others wait. If more are held, offer may report a
 *     full queue early: see LIMITS, Capacity
 * @param maxMemory bytes that the region may occupy; 0: any number
 * @param reserve bytes for messages that it occupies from the beginning
 * @param trimmed bytes that were given back to the file system
 * @param id the region's, random, as 32 hexadecimal digits: together with a message's position it names that message
 *     for ever. A queue that is removed and made anew has another
 * @param durable whether it survives power cuts
 * @param diskError the result that the last failed write or flush had, 0 once one succeeded after it: CQ_EIO,
 *     CQ_ENOSPACE, CQ_EACCESS, ...
 * @param flushesBegun number of the flush that began last, by any process. Flushes are numbered
 * @param flushesDone all flushes up to this number, or later ones in their place, are on the disk
 * @param unsynced messages in the queue that no flush has put on the disk yet
 * @param segments files in the durable directory that hold messages
 * @param diskBytes bytes that they occupy
 * @param recovered messages that the region was made with, after a power cut or removal
 * @param maxHeaders bytes that the headers of a message may have; 0: it has none
 * @param maxDeliveries a message that was delivered so often goes to dead_letter; 0: no limit
 * @param timeToLive how old a message may become; 0: any age
 * @param enqueueTimes whether messages have times
 * @param exclusiveConsumer whether the queue has one consumer at a time
 * @param consumer the handle (cq_participant.id) that is the only consumer now; 0: none is
 * @param sources sources that the queue knows, see offer_from; 64 at most
 * @param delayed of the orphans, those whose time has not come (Received.giveBack(Duration))
 * @param oldestAge how long ago the oldest waiting message was enqueued; 0: none waits, or there are no times
 * @param expired messages that outlived time_to_live
 * @param deadLettered messages that went to dead_letter
 * @param spent of the orphans, those that are to go to dead_letter
 * @param deadLetterResult what the last try of that came to: CQ_OK, or why it stays (a full queue, ...)
 * @param deadLetter the name of that queue; empty: none
 */
public record Stats(
        int formatVersion,
        long capacity,
        long maxMessageSize,
        long length,
        long orphans,
        long enqueued,
        long dequeued,
        long redelivered,
        long returned,
        long voided,
        long reaped,
        int participants,
        int waitingProducers,
        int waitingConsumers,
        int slotsPerNode,
        long nodes,
        long nodesTouched,
        long nodesLinked,
        long memory,
        long fileSize,
        Instant created,
        boolean unlinked,
        long held,
        long writing,
        long maxHeld,
        long maxMemory,
        long reserve,
        long trimmed,
        String id,
        boolean durable,
        int diskError,
        long flushesBegun,
        long flushesDone,
        long unsynced,
        long segments,
        long diskBytes,
        long recovered,
        long maxHeaders,
        long maxDeliveries,
        Duration timeToLive,
        boolean enqueueTimes,
        boolean exclusiveConsumer,
        int consumer,
        int sources,
        long delayed,
        Duration oldestAge,
        long expired,
        long deadLettered,
        long spent,
        long deadLetterResult,
        String deadLetter) {

    static Stats of(cq_stats raw) {
        return new Stats(
                (int) raw.getFormat_version(),
                raw.getCapacity(),
                raw.getMax_message_size(),
                raw.getLength(),
                raw.getOrphans(),
                raw.getEnqueued(),
                raw.getDequeued(),
                raw.getRedelivered(),
                raw.getReturned(),
                raw.getVoided(),
                raw.getReaped(),
                (int) raw.getParticipants(),
                (int) raw.getWaiting_producers(),
                (int) raw.getWaiting_consumers(),
                (int) raw.getSlots_per_node(),
                raw.getNodes(),
                raw.getNodes_touched(),
                raw.getNodes_linked(),
                raw.getMemory(),
                raw.getFile_size(),
                instant(raw.getCreated()),
                raw.getUnlinked() != 0,
                raw.getHeld(),
                raw.getWriting(),
                raw.getMax_held(),
                raw.getMax_memory(),
                raw.getReserve(),
                raw.getTrimmed(),
                raw.getId(),
                raw.getDurable() != 0,
                raw.getDisk_error(),
                raw.getFlushes_begun(),
                raw.getFlushes_done(),
                raw.getUnsynced(),
                raw.getSegments(),
                raw.getDisk_bytes(),
                raw.getRecovered(),
                raw.getMax_headers(),
                raw.getMax_deliveries(),
                Duration.ofNanos(raw.getTime_to_live()),
                raw.getEnqueue_times() != 0,
                raw.getExclusive_consumer() != 0,
                (int) raw.getConsumer(),
                (int) raw.getSources(),
                raw.getDelayed(),
                Duration.ofNanos(raw.getOldest_age()),
                raw.getExpired(),
                raw.getDead_lettered(),
                raw.getSpent(),
                raw.getDead_letter_result(),
                raw.getDead_letter());
    }

    /** Of nanoseconds since 1970-01-01 UTC. */
    static Instant instant(long nanoseconds) {
        return Instant.ofEpochSecond(Math.floorDiv(nanoseconds, 1_000_000_000L), Math.floorMod(nanoseconds, 1_000_000_000L));
    }
}
