// ghost_nodes.cpp - what must hold of nodes: their states, and how they are linked.
#include "world.hpp"

namespace model {

// Rule 13. What is said to have memory has it, and whoever changes that has the node.
bool Ghost::bare_changed(const Process &process, const Word &word, std::uint64_t old, std::uint64_t now) const
{
    const std::uint32_t from = ticket_index(old), to = ticket_index(now), before = word_owner(old), after = word_owner(now);

    if (word_sequence(old) != word_sequence(now))
        return false;
    if (to == NODE_BARE && before == 0 && (from == NODE_FREE || from == NODE_BARE))
        return after == process.owner();
    if (from != NODE_BARE || (before != process.owner() && !is_dead(before)))
        return false;
    if (to == NODE_BARE)
        return after == 0;
    return (to == NODE_FREE || to == NODE_TAKEN) && before == process.owner() && !absent[word.node];
}

void Ghost::state_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now)
{
    const std::uint32_t from = ticket_index(old), to = ticket_index(now);
    const std::uint64_t sequence = word_sequence(old);
    bool legal = false;

    if (from == NODE_BARE || to == NODE_BARE)
        legal = bare_changed(process, word, old, now);
    else if (from == NODE_FREE && to == NODE_TAKEN)
        legal = word_owner(now) == process.owner() && word_sequence(now) == sequence;
    else if (from == NODE_TAKEN && to == NODE_LINKED) {
        legal = word_owner(now) == 0;
        ++appended;
    } else if (from == NODE_LINKED && to == NODE_SETTLED) {
        // Nobody is to write into it any more, and until head comes there it has so many holes.
        std::uint32_t open = 0, found = 0;
        for (std::uint32_t i = 0; i < queue_->geometry.slots_per_node; ++i) {
            const Position &position = *find(sequence, i);
            open += !position.touched || position.phase == SLOT_WRITING || position.phase == SLOT_VOID || position.phase == SLOT_FED;
            found += position.phase == SLOT_DONE;
        }
        legal = word_sequence(now) == sequence && open == 0 &&
                (position_of(sequence, 0) < deq || word_owner(now) == found);
        ++settled;
    } else if (from == NODE_TAKEN && to == NODE_FREE)
        legal = (word_owner(old) == process.owner() || is_dead(word_owner(old))) && word_sequence(now) == sequence;
    else if ((from == NODE_LINKED || from == NODE_SETTLED) && to == NODE_FREE) {
        const std::uint64_t head = word_sequence(queue_->header->head), tail = word_sequence(queue_->header->tail);
        legal = word_sequence(now) == sequence && sequence_distance(tail, sequence) > sequence_distance(tail, head);
        for (std::uint32_t i = 0; i < queue_->geometry.slots_per_node; ++i)
            legal &= slot_at(queue_, node_at(queue_, word.node), i)->state == slot_word(sequence, 0, SLOT_DONE, 0);
        ++recycled;
    }
    if (!legal)
        return fail("%s: node %u goes from %s to %s", process.name.c_str(), word.node, show(word, old).c_str(),
                    show(word, now).c_str());
    if (to == NODE_FREE)
        for (std::uint64_t link = queue_->header->head;;) { // is it in the list?
            if (link_node(link) == word.node)
                return fail("%s frees node %u, which is in the list", process.name.c_str(), word.node);
            const std::uint64_t next = node_at(queue_, link_node(link))->next;
            if (word_sequence(next) != word_sequence(link) || link_node(next) == NODE_NIL)
                break;
            link = link_word(sequence_next(word_sequence(link)), link_node(next));
        }
}

void Ghost::links_changed(const Word &word, std::uint64_t old, std::uint64_t now)
{
    if (word.kind == Word::next) {
        if (word_sequence(old) == word_sequence(now) && link_node(old) != NODE_NIL)
            fail("a node gets another successor");
        return;
    }
    if (word_sequence(now) != sequence_next(word_sequence(old)))
        fail("%s moves by more than a node", name_of(word).c_str());
    if (!is_listed(link_node(now), word_sequence(now)))
        fail("%s reaches a node that is not LINKED", name_of(word).c_str());
    if (word.kind == Word::head &&
        sequence_distance(word_sequence(queue_->header->tail), word_sequence(now)) > queue_->geometry.node_count)
        fail("head passes tail");
}

} // namespace model
