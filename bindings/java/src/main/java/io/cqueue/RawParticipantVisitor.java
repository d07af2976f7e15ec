package io.cqueue;

/** Who is shown the participants of a queue; called from native code by this name and signature. */
interface RawParticipantVisitor {
    /** Whether to go on. `participant`: the address of a cq_participant that is gone afterwards. */
    boolean visit(long participant);
}
