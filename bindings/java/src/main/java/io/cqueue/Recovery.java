package io.cqueue;

/**
 * What {@link CQueue#recover} found.
 *
 * @param participants found dead and cleaned up after
 * @param slots freed: unfinished messages of dead producers
 * @param messages put back: held by dead consumers
 * @param nodes freed
 */
public record Recovery(int participants, long slots, long messages, long nodes) {
    static Recovery of(cq_recovery raw) {
        return new Recovery((int) raw.getParticipants(), raw.getSlots(), raw.getMessages(), raw.getNodes());
    }
}
