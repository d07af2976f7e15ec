// ghost_special.cpp - what must hold of sources, dead letters and the only consumer.
#include "world.hpp"

namespace model {

// ---- sources -------------------------------------------------------------------------------------------------

// Is the source's number that of the proposal in this position, or beyond?
bool Ghost::is_reached(const Position &position, std::uint32_t source) const
{
    return queue_->participants[position.producer->owner()].feed_number <= source_at(queue_, source)->number;
}

std::uint64_t Ghost::source_number() const
{
    for (std::uint32_t source = 0; source < LAYOUT_SOURCE_SLOTS; ++source)
        if ((queue_->header->sources >> 8 & 0xff) == source + 1 || source_at(queue_, source)->state >> 12 == SOURCE_KNOWN)
            return source_at(queue_, source)->number;
    return 0;
}

// Where it names a feeder, a number and a message are decided at once. Where it names nobody again, both are visible.
void Ghost::decided_changed(const Word &word, std::uint64_t old, std::uint64_t now)
{
    const layout_source *source = source_at(queue_, word.index);
    const std::uint32_t feeder = word_owner(now) != 0 ? word_owner(now) : word_owner(old);
    const layout_participant &entry = queue_->participants[feeder];
    const std::uint64_t link = entry.feed_link;
    const std::uint64_t slot =
        link == 0 ? 0 : slot_at(queue_, node_at(queue_, link_node(link)), static_cast<std::uint32_t>(entry.feed_index))->state;
    const bool fed = link != 0 && is_fed(slot, word_sequence(link)) && word_owner(slot) == feeder;

    if ((word_owner(now) == 0) == (word_owner(old) == 0) || now >> 12 != (old >> 12) + 1)
        return fail("decided goes from %u to %u", word_owner(old), word_owner(now));
    if (word_owner(now) == 0) {
        if (source->number < entry.feed_number || fed)
            fail("what was decided for %u is not done", feeder);
        return;
    }
    if (entry.feed_number <= source->number)
        return fail("number %u is decided, and the source is beyond", static_cast<unsigned>(entry.feed_number));
    if (link != 0 && !fed)
        return fail("number %u is decided without its message", static_cast<unsigned>(entry.feed_number));
    decided_[entry.feed_number % messages] = link != 0 ? 1 : 2;
}

void Ghost::number_changed(const Word &word, std::uint64_t old, std::uint64_t now)
{
    if (now <= old || decided_[now % messages] == 0)
        fail("the number of source %u goes from %u to %u, which was not decided", word.index, static_cast<unsigned>(old),
             static_cast<unsigned>(now));
}

void Ghost::check_sources()
{
    const std::uint64_t newest = queue_->header->sources >> 8 & 0xff;
    std::uint32_t last = 0;

    for (std::uint32_t number = 0; number < messages; ++number)
        last = decided_[number] ? number : last;
    if (source_number() != last)
        fail("number %u was decided last, and the source says %u", last, static_cast<unsigned>(source_number()));
    for (std::uint32_t source = 0; source < LAYOUT_SOURCE_SLOTS; ++source) {
        const layout_source *entry = source_at(queue_, source);
        if (word_owner(entry->decided) != 0)
            fail("a number is decided still for %u", word_owner(entry->decided));
        if (entry->state >> 12 == SOURCE_TAKEN && newest != source + 1)
            fail("an entry is being written still by %u", word_owner(entry->state));
    }
}

// ---- dead letters ----------------------------------------------------------------------------------------------

void Ghost::got_letter(const Word &payload)
{
    Position &position = *find(word_sequence(queue_->states[payload.node]), payload.index);
    position.is_letter = true;
    if (++delivered_[position.message % messages] > 1)
        fail("message %u is among the dead letters, and was delivered too", position.message);
}

// A message that is in both queues is the one that is noted.
void Ghost::check_letters()
{
    if (queue_->geometry.max_deliveries == 0)
        return;
    const std::uint64_t noted = queue_->header->moving;
    for (std::uint32_t i = 0; i < used_; ++i)
        if (positions_[i].is_letter && positions_[i].phase != SLOT_DONE &&
            (noted == 0 || position_of(word_sequence(noted), ticket_index(noted)) != i))
            return fail("message %u is in both queues, and nothing says so", positions_[i].message);
}

// ---- the only consumer -------------------------------------------------------------------------------------------

// It has the lease, and nothing older is left behind: neither waiting nor held by another.
void Ghost::check_consumer(const Process &process, std::uint32_t number)
{
    if (!(queue_->geometry.features & FEATURE_EXCLUSIVE))
        return;
    if (queue_->header->consumer != process.owner())
        return fail("%s takes a message and is not the consumer", process.name.c_str());
    for (std::uint32_t i = 0; i < number && i < deq; ++i) {
        const Position &older = positions_[i];
        const bool held = older.phase == SLOT_READING || older.phase == SLOT_FULL;
        if ((held && older.consumer && older.consumer->owner() != process.owner()) ||
            (older.phase == SLOT_ORPHAN && !older.passed_by))
            return fail("%s gets position %u while %u is left behind", process.name.c_str(), number, i);
    }
}

} // namespace model
