package io.cqueue;

import java.time.Instant;

/**
 * Somebody who has a queue open, see {@link CQueue#participants}. A handle is one participant, so a process may be
 * several.
 *
 * @param id 1 to 4,094; used again after it was closed or reaped
 * @param pid its process, by that one's own count: another PID namespace has other numbers
 * @param command the program's name, cut to 15 bytes
 * @param alive false: it is dead, or about to be reaped
 * @param held messages that it has taken and not released yet
 * @param writing slots that it has reserved or is writing
 * @param waitingProducers threads of it that wait for room
 * @param waitingConsumers threads of it that wait for a message
 * @param waitingSince from when on some thread of it has been waiting; null: none is
 */
public record Participant(
        int id, int pid, String command, boolean alive, long held, long writing, int waitingProducers, int waitingConsumers,
        Instant waitingSince) {

    static Participant of(cq_participant raw) {
        return new Participant((int) raw.getId(), (int) raw.getPid(), raw.getCommand(), raw.getAlive() != 0, raw.getHeld(),
                raw.getWriting(), (int) raw.getWaiting_producers(), (int) raw.getWaiting_consumers(),
                raw.getWaiting_since() == 0 ? null : Stats.instant(raw.getWaiting_since()));
    }
}
