#include "world.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace model {

void Ghost::reset(const cq_queue *queue, std::vector<Process *> *processes)
{
    for (std::uint32_t i = 0; i < used_; ++i)
        positions_[i] = Position{};
    if (used_ == 0)
        positions_.fill(Position{});
    used_ = enq = deq = waiting = voids = holes = orphans_made = redelivered = appended = settled = recycled = 0;
    unclaimed_ = newest_ = settled_orphans_ = 0;
    absent.reset();
    accepted_.fill(0);
    delivered_.fill(0);
    decided_.fill(0);
    failure_[0] = '\0';
    queue_ = queue;
    processes_ = processes;
}

void Ghost::fail(const char *format, ...)
{
    if (failed()) // the first is the cause
        return;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(failure_, sizeof failure_, format, arguments);
    va_end(arguments);
}

std::uint32_t Ghost::position_of(std::uint64_t sequence, std::uint32_t index) const
{
    const std::uint64_t nodes = sequence_distance(sequence, word_sequence(queue_->header->first_position));
    const std::uint64_t position = nodes * queue_->geometry.slots_per_node + index;
    return position < positions ? static_cast<std::uint32_t>(position) : positions - 1;
}

bool Ghost::is_listed(std::uint32_t node, std::uint64_t sequence) const
{
    return node_is_listed(queue_->states[node]) && word_sequence(queue_->states[node]) == sequence;
}

Position *Ghost::find(std::uint64_t sequence, std::uint32_t index)
{
    const std::uint32_t position = position_of(sequence, index);
    if (position == positions - 1)
        fail("a sequence from nowhere, or the test is too long for its ghost");
    if (position >= used_)
        used_ = position + 1;
    return &positions_[position];
}

bool Ghost::is_dead(std::uint32_t owner) const
{
    bool dead = false;
    for (const Process *process : *processes_)
        if (process->owner() == owner)
            dead = process->dead; // the last one with this id counts
    return dead;
}

// ---- accesses ------------------------------------------------------------------------------------------------

void Ghost::before(const Process &process, const Word &word)
{
    if (word.node >= queue_->header->touched)
        return fail("%s reaches for node %u, which has no memory yet", process.name.c_str(), word.node);
    const bool in_node = word.kind >= Word::enq && word.kind <= Word::payload;
    if (in_node && absent[word.node])
        return fail("%s touches node %u, whose memory was given back: a SIGBUS where the file system is full",
                    process.name.c_str(), word.node);
    if (word.kind != Word::payload || process.next.operation != MODEL_COPY || process.walks())
        return; // a walk looks afterwards what its copy was worth
    // Payload is written and read by whom the slot belongs to, in the life that it belongs to.
    const std::uint64_t state = queue_->states[word.node];
    const Position &position = *find(word_sequence(state), word.index);
    if (!node_is_listed(state) ||
        (position.producer != &process && position.consumer != &process))
        fail("%s copies into or out of a slot that is not its own", process.name.c_str());
    else if (position.producer == &process && position.consumer != &process && position.published)
        fail("%s writes into a published message", process.name.c_str());
}

void Ghost::after(Process &process, const Word &word, std::uint64_t old, std::uint64_t now)
{
    if (old != now) {
        switch (word.kind) {
        case Word::slot: slot_changed(process, word, old, now); break;
        case Word::enq: enq_changed(process, word, old, now); break;
        case Word::deq: deq_changed(process, word, old, now); break;
        case Word::state: state_changed(process, word, old, now); break;
        case Word::head: case Word::tail: case Word::next: links_changed(word, old, now); break;
        case Word::decided: decided_changed(word, old, now); break;
        case Word::source_number: number_changed(word, old, now); break;
        case Word::touched:
            if (now != old + 1 || now > queue_->geometry.node_count)
                fail("touched goes from %u to %u", static_cast<unsigned>(old), static_cast<unsigned>(now));
            break;
        case Word::last_hole:
            if (position_distance(now, old, queue_->geometry.slots_per_node) >= POSITION_BEHIND)
                fail("last_hole goes back");
            break;
        default: break;
        }
        recount();
        check_letters();
    }
    note_instant();
}

void Ghost::slot_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now)
{
    const std::uint64_t sequence = word_sequence(now);
    const std::uint32_t from = slot_phase(old), to = slot_phase(now), number = position_of(sequence, word.index);
    Position &position = *find(sequence, word.index);
    const bool untouched = word_sequence(old) != sequence;
    const char *const name = process.name.c_str();

    if (!is_listed(word.node, sequence))
        return fail("%s writes a slot of a node that is in another life", name);
    if (number >= enq)
        return fail("%s writes a slot that nobody claimed", name);
    if (untouched && word.index > 0 && word_sequence(slot_at(queue_, node_at(queue_, word.node), word.index - 1)->state) != sequence)
        return fail("%s touches a slot while the one before is untouched", name);

    bool legal = false;
    switch (to) {
    case SLOT_WRITING:
        // A producer may ask for more patience in its own record.
        legal = word_owner(now) == position.producer->owner() &&
                (untouched || (from == SLOT_WRITING && position.producer == &process));
        break;
    case SLOT_FULL:
        if (from == SLOT_FED) { // by anybody, once that is decided
            const layout_source *source = source_at(queue_, slot_deliveries(old));
            legal = !untouched && word_owner(source->decided) == position.producer->owner() && is_reached(position, slot_deliveries(old));
        } else
            legal = (untouched || from == SLOT_WRITING) && position.producer == &process;
        if (legal)
            published(const_cast<Process &>(*position.producer), number, word);
        break;
    case SLOT_FED:
        legal = (untouched || from == SLOT_WRITING) && position.producer == &process && word_owner(now) == process.owner();
        break;
    case SLOT_READING:
        if (from == SLOT_FULL)
            legal = !untouched && position.consumer && word_owner(now) == position.consumer->owner();
        else if (from == SLOT_ORPHAN) {
            legal = !untouched && word_owner(now) == process.owner();
            position.to_be_letter = slot_deliveries(now) == slot_deliveries(old);
            if (!position.to_be_letter) {
                if (position.due > World::current()->clock())
                    fail("%s gets a message before its time", name);
                check_consumer(process, number);
            }
            position.consumer = &process;
            settled_orphans_ -= position.settled;
            position.settled = false;
            for (Process *other : *processes_)
                other->orphans[number] = false;
            ++redelivered;
        }
        break;
    case SLOT_ORPHAN:
        legal = !untouched && (from == SLOT_READING || from == SLOT_FULL) && position.consumer &&
                (position.consumer == &process || is_dead(position.consumer->owner()) ||
                 position.consumer->owner() == process.owner());
        process.orphans[number] = true;
        position.due = 0;
        position.deliveries = static_cast<std::uint8_t>(slot_deliveries(now));
        position.passed_by = word_owner(now) == ORPHAN_LATER || (queue_->geometry.max_deliveries != 0 &&
                                                                position.deliveries >= queue_->geometry.max_deliveries);
        if (word_owner(now) == ORPHAN_LATER)
            position.due = process.began + process.program[process.call].message;
        ++orphans_made;
        break;
    case SLOT_VOID:
        // At the front: nothing but holes is before it.
        if (from == SLOT_FED) {
            legal = !untouched && is_reached(position, slot_deliveries(old));
            made_hole(process, number, SLOT_DONE);
            break;
        }
        legal = !untouched && from == SLOT_WRITING && number >= deq;
        for (std::uint32_t i = deq; i < number; ++i)
            legal &= positions_[i].touched && (positions_[i].phase == SLOT_VOID || positions_[i].phase == SLOT_DONE);
        made_hole(process, number, to);
        break;
    case SLOT_DONE:
        if (!untouched && (from == SLOT_FULL || from == SLOT_READING)) {
            legal = position.consumer == &process ||
                    (position.consumer && position.consumer->owner() == process.owner() && process.handle_is_shared);
            position.finisher = &process;
            if (position.to_be_letter && !position.is_letter)
                fail("%s gives up a message that is not among the dead letters", name);
        } else if (untouched || from == SLOT_WRITING || from == SLOT_VOID) {
            legal = position.producer == &process || is_dead(position.producer->owner());
            if (untouched || from == SLOT_WRITING)
                made_hole(process, number, to);
        }
        break;
    default: break;
    }
    if (!legal)
        return fail("%s: %s turns into %s", name, untouched ? "untouched" : show(word, old).c_str(), show(word, now).c_str());
    position.touched = true;
    position.phase = static_cast<std::uint8_t>(to);
}

void Ghost::published(Process &process, std::uint32_t number, const Word &word)
{
    Position &position = positions_[number];
    std::uint64_t message;

    std::memcpy(&message, slot_payload(queue_, slot_at(queue_, node_at(queue_, word.node), word.index)), sizeof message);
    position.message = static_cast<std::uint32_t>(message);
    position.published = true;
    if (number < deq)
        return fail("%s publishes behind what consumers have passed", process.name.c_str());
    const Action::What what = process.program[process.call].what;
    if (what == Action::enqueue || what == Action::feed || what == Action::resume) {
        if (number < process.after)
            return fail("%s publishes in front of what was there before its call", process.name.c_str());
        if (number < process.published_up_to)
            return fail("%s publishes in front of its own earlier message", process.name.c_str());
        process.published_up_to = number + 1;
    }
    newest_ = number + 1 > newest_ ? number + 1 : newest_;
}

void Ghost::made_hole(Process &process, std::uint32_t number, std::uint32_t phase)
{
    const std::uint64_t last = queue_->header->last_hole;
    ++holes;
    if (position_of(word_sequence(last), ticket_index(last)) <= number)
        fail("%s makes a hole that last_hole does not cover", process.name.c_str());
    if (phase != SLOT_VOID)
        return;
    ++voids;
    bool later = false;
    for (std::uint32_t i = number + 1; i < enq; ++i)
        later |= positions_[i].phase == SLOT_FULL;
    const Action::What what = process.program[process.call].what;
    const bool for_room = (what == Action::enqueue || what == Action::reserve || what == Action::commit) &&
                          process.was_full && positions_[number].producer->owner() != process.owner();
    if (!later && !for_room)
        fail("%s voids a slot though no later message was published", process.name.c_str());
}

// ---- tickets ---------------------------------------------------------------------------------------------------

bool Ghost::is_prepared_by(const Process &process, std::uint32_t node) const
{
    const std::uint64_t state = queue_->states[node];
    return ticket_index(state) == NODE_TAKEN && word_owner(state) == process.owner();
}

void Ghost::enq_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now)
{
    const std::uint64_t sequence = word_sequence(now);

    if (word_sequence(old) != sequence) {
        if (!is_prepared_by(process, word.node))
            fail("%s prepares a node that it did not take", process.name.c_str());
        return;
    }
    if (ticket_index(now) <= ticket_index(old) || ticket_index(now) > queue_->geometry.slots_per_node)
        return fail("%s moves enq from %s to %s", process.name.c_str(), show(word, old).c_str(), show(word, now).c_str());
    for (std::uint32_t i = 0; i < ticket_index(old); ++i)
        if (!find(sequence, i)->touched)
            return fail("%s claims a slot to write while nothing names the owner of an earlier one", process.name.c_str());
    for (std::uint32_t i = ticket_index(old); i < ticket_index(now); ++i) {
        find(sequence, i)->producer = &process;
        if (position_of(sequence, i) != enq++)
            return fail("%s claims a slot of a node that is not the last", process.name.c_str());
    }
}

void Ghost::deq_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now)
{
    const std::uint64_t sequence = word_sequence(now);

    if (word_sequence(old) != sequence) {
        if (!is_prepared_by(process, word.node))
            fail("%s prepares a node that it did not take", process.name.c_str());
        return;
    }
    if (ticket_index(now) <= ticket_index(old) || ticket_index(now) > queue_->geometry.slots_per_node)
        return fail("%s moves deq from %s to %s", process.name.c_str(), show(word, old).c_str(), show(word, now).c_str());
    for (std::uint32_t i = 0; i < ticket_index(old); ++i)
        if (find(sequence, i)->phase == SLOT_FULL)
            return fail("%s moves deq while nothing names the reader of an earlier slot", process.name.c_str());
    for (std::uint32_t i = ticket_index(old); i < ticket_index(now); ++i) {
        Position &position = *find(sequence, i);
        if (position_of(sequence, i) != deq++)
            return fail("%s takes from a node that is not the first", process.name.c_str());
        const bool hole = position.touched && (position.phase == SLOT_VOID || position.phase == SLOT_DONE);
        if (word_owner(now) != 0 ? position.phase != SLOT_FULL : !hole)
            return fail("%s moves deq past a slot that is %s", process.name.c_str(),
                        position.touched ? "in another phase" : "untouched");
        if (word_owner(now) != 0) {
            position.consumer = &process;
            check_consumer(process, position_of(sequence, i));
        }
    }
}

// ---- instants and calls ---------------------------------------------------------------------------------------

void Ghost::recount()
{
    waiting = unclaimed_ = 0;
    for (std::uint32_t i = deq; i < enq; ++i) {
        const Position &position = positions_[i];
        waiting += !(position.touched && (position.phase == SLOT_VOID || position.phase == SLOT_DONE));
        unclaimed_ += position.phase == SLOT_FULL;
    }
    if (waiting > queue_->geometry.capacity)
        fail("%u messages accepted, the capacity is %u", waiting, static_cast<unsigned>(queue_->geometry.capacity));
}

void Ghost::note_instant()
{
    const bool empty = unclaimed_ == 0 && settled_orphans_ == 0, full = waiting >= queue_->geometry.capacity;
    if (empty || full)
        for (Process *process : *processes_)
            if (process->in_call) {
                process->was_empty |= empty;
                process->was_full |= full;
            }
}

void Ghost::call_begins(Process &process)
{
    process.in_call = true;
    process.was_empty = unclaimed_ == 0 && settled_orphans_ == 0;
    process.was_full = waiting >= queue_->geometry.capacity;
    process.after = newest_;
    process.began = World::current()->clock();
}

void Ghost::call_ends(Process &process, const Action &action, const Result &result)
{
    process.in_call = false;
    const char *const name = process.name.c_str();

    const bool feeds = action.what == Action::feed || action.what == Action::resume || action.what == Action::raise_to;
    if (result.code == CQ_ECONSUMER && queue_->geometry.features & FEATURE_EXCLUSIVE)
        return;
    if (feeds && (result.code == CQ_OK || result.code == CQ_DUPLICATE) &&
        source_number() < (action.what == Action::resume ? result.messages[0] : action.message))
        fail("%s was told that its number is known, and the source says %u", name,
             static_cast<unsigned>(source_number()));
    if (result.code < 0)
        return fail("%s: call %u returned %d", name, process.call, result.code);
    if (result.code == CQ_EMPTY && !process.was_empty)
        fail("%s was told EMPTY, but at every instant of the call a message was there", name);
    if (result.code == CQ_FULL && !process.was_full)
        fail("%s was told FULL, but at every instant of the call there was room", name);
    const bool in = action.what == Action::enqueue || action.what == Action::commit || action.what == Action::feed ||
                    action.what == Action::resume;
    const bool out = action.what == Action::dequeue || action.what == Action::release;
    for (std::uint32_t i = 0; i < result.count; ++i) {
        const std::uint32_t message = result.messages[i] % messages;
        if (in)
            ++accepted_[message];
        if (out && ++delivered_[message] > 1)
            fail("message %u was delivered twice", message);
    }
    // Who gives a message back has announced it when the call returns.
    if (action.what == Action::give_back || action.what == Action::give_back_later)
        sweep_ends(process);
}

// A complete sweep has announced every orphan that was one when it began, and those it made.
void Ghost::sweep_begins(Process &process)
{
    process.orphans.reset();
    for (std::uint32_t i = 0; i < used_; ++i)
        process.orphans[i] = positions_[i].phase == SLOT_ORPHAN;
}

void Ghost::sweep_ends(Process &process)
{
    for (std::uint32_t i = 0; i < used_; ++i)
        if (process.orphans[i] && positions_[i].phase == SLOT_ORPHAN && !positions_[i].settled && !positions_[i].passed_by) {
            positions_[i].settled = true;
            ++settled_orphans_;
        }
    process.orphans.reset();
}

void Ghost::check_drained()
{
    std::array<std::uint8_t, messages> seen{};

    for (std::uint32_t i = 0; i < enq; ++i) {
        const Position &position = positions_[i];
        if (position.phase != SLOT_DONE || !position.touched)
            return fail("position %u never ended: phase %u", i, position.phase);
        if (!position.published)
            continue;
        const std::uint32_t message = position.message % messages;
        if (++seen[message] > 1)
            return fail("message %u was published twice", message);
        if (!position.finisher)
            return fail("message %u was published but nobody read it to the end", message);
        if (delivered_[message] == 0 && !position.finisher->killed)
            return fail("message %u was lost", message);
    }
    for (std::uint32_t message = 0; message < messages; ++message)
        if (accepted_[message] != seen[message] && accepted_[message] != 0)
            return fail("message %u was accepted but never published", message);
        else if (decided_[message] == 1 && seen[message] != 1)
            return fail("the source has number %u, and there is no message", message);
}

} // namespace model
