// epilogue.cpp - the end of each test: everybody finishes, the dead are reaped, the queue is used once more and every node
// accounted for. And what is printed when something failed.
#include "world.hpp"

#include <algorithm>

extern "C" void model_drop_leases(cq_queue *queue, std::uint32_t owner); // leave.c

namespace model {

namespace {

const char *const operations[] = {"begin", "load", "store", "exchange", "add", "or", "and", "copy", "yield"};

std::string describe(const World::Entry &entry)
{
    std::string line = entry.process->name + ": ";
    if (!entry.access.address)
        return line + (entry.access.operation == MODEL_YIELD ? "yield" : *entry.access.function ? entry.access.function : "begins");
    line += std::string(entry.access.function) + ": " + operations[entry.access.operation] + " " + name_of(entry.word);
    if (entry.access.operation == MODEL_COPY || entry.word.kind == Word::handle)
        return line;
    line += " " + show(entry.word, entry.old);
    if (entry.found != entry.old)
        line += ", finds " + show(entry.word, entry.found);
    return entry.now != entry.old ? line + " -> " + show(entry.word, entry.now) : line;
}

} // namespace

std::string World::report() const
{
    if (!failed())
        return "";
    std::string text = std::string("\n") + ghost.failure() + "\n";
    const std::size_t shown = 200, from = log_.size() > shown ? log_.size() - shown : 0;
    for (std::size_t i = from; i < log_.size(); ++i)
        text += "  " + describe(log_[i]) + "\n";
    return text;
}

std::uint32_t World::accesses(const Process &process, const std::string &word) const
{
    return static_cast<std::uint32_t>(std::count_if(log_.begin(), log_.end(), [&](const Entry &entry) {
        return entry.process == &process && entry.access.address && name_of(entry.word).compare(0, word.size(), word) == 0;
    }));
}

std::vector<std::string> World::accessed(const Process &process) const
{
    std::vector<std::string> words;
    for (const Entry &entry : log_)
        if (entry.process == &process && entry.access.address)
            words.push_back(std::string(operations[entry.access.operation]) + " " + name_of(entry.word));
    return words;
}

// Take what is there; then, if `fill`, as many messages as the queue must accept, and not one more; and take these.
void World::drain(std::uint32_t fill, std::uint32_t first_message)
{
    Process &last = add("last" + std::to_string(processes.size()), {});
    for (const Process *process : processes)
        last.thread.now.join(process->thread.now);
    const auto one = [&](const Action &action) {
        give(last, action);
        finish(last);
        return last.results.back().code;
    };

    one(sweep());
    if (!failed())
        ghost.check_sources();
    for (std::uint32_t i = 0; i < Ghost::positions && !failed() && one(dequeue()) == CQ_OK; ++i)
        ;
    for (std::uint32_t i = 0; i < fill && !failed(); ++i)
        if (one(enqueue(first_message + i)) != CQ_OK)
            return ghost.fail("only %u messages fit afterwards, the capacity is %u", i, fill);
    if (fill > 0 && !failed() && one(enqueue(first_message + fill)) != CQ_FULL)
        return ghost.fail("more messages fit afterwards than the capacity, %u", fill);
    for (std::uint32_t i = 0; i < fill && !failed(); ++i)
        one(dequeue());
}

void World::check_nodes()
{
    cq_queue *const queue = handles_[0].get();
    const std::uint64_t head = queue->header->head, tail = queue->header->tail;
    const std::uint64_t listed = sequence_distance(word_sequence(tail), word_sequence(head)) + 1;
    std::uint64_t linked = 0;

    std::uint64_t next = 0;
    node_sweep(queue, &next, UINT64_MAX); // hints may have gone astray; the truth must be whole
    for (std::uint32_t node = 0; node < queue->header->touched; ++node) {
        const std::uint64_t state = queue->states[node];
        linked += node_is_listed(state);
        if (ticket_index(state) == NODE_TAKEN)
            return ghost.fail("node %u stays TAKEN by %u", node, word_owner(state));
        if (ticket_index(state) == NODE_BARE ? word_owner(state) != 0 : ghost.absent[node])
            return ghost.fail("node %u is %s, and %s memory", node, show({Word::state, node, 0}, state).c_str(),
                              ghost.absent[node] ? "has no" : "has");
    }
    if (linked != listed)
        ghost.fail("%u nodes are LINKED, but the list has %u", static_cast<unsigned>(linked), static_cast<unsigned>(listed));
}

void World::finish_all()
{
    for (std::size_t i = 0; i < processes.size(); ++i)
        finish(*processes[i]);
    clock_ = INT64_MAX / 2; // whatever was given back for later is due
    const bool was_weak = weak;
    if (shape_.exclusive) { // they leave, and the next consumer sees that
        weak = false;
        for (Process *process : processes)
            model_drop_leases(process->queue, process->owner());
    }
    if (!failed())
        drain(static_cast<std::uint32_t>(geometry_.capacity), 450); // numbers that no test uses
    if (!failed())
        ghost.check_drained();
    if (!failed())
        check_nodes();
    weak = was_weak;
}

} // namespace model
