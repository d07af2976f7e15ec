#include "words.hpp"

namespace model {

namespace {

const char *const names[] = {"handle's mark", "tail", "head", "orphans", "touched", "last_hole", "holed", "wake", "count",
                             "pin", "hint", "marks", "state", "enq", "deq", "next", "holed", "slot", "payload", "handle",
                             "sources", "source state", "source number", "decided", "feed", "due", "lease", "moving"};

std::string number(std::uint64_t value) { return std::to_string(value); }

} // namespace

Word classify(const cq_queue &queue, const void *address)
{
    const auto *bytes = static_cast<const unsigned char *>(address);
    if (bytes < queue.base || bytes >= queue.base + queue.geometry.file_size)
        return {Word::handle, 0, 0};
    const auto offset = static_cast<std::uint64_t>(bytes - queue.base);
    const layout_header &header = *queue.header;
    const geometry &g = queue.geometry;

    if (offset < sizeof header) {
        if (address == &header.tail)
            return {Word::tail, 0, 0};
        if (address == &header.head)
            return {Word::head, 0, 0};
        if (address == &header.orphans)
            return {Word::orphans, 0, 0};
        if (address == &header.touched)
            return {Word::touched, 0, 0};
        if (address == &header.last_hole)
            return {Word::last_hole, 0, 0};
        if (address == &header.holed)
            return {Word::holed, 0, 0};
        if (address == &header.sources)
            return {Word::sources, 0, 0};
        if (address == &header.consumer || address == &header.mover)
            return {Word::lease, 0, 0};
        if (address == &header.moving || address == &header.moved)
            return {Word::moving, 0, 0};
        return {address == &header.consumers.word || address == &header.producers.word ? Word::wake : Word::count, 0, 0};
    }
    if (offset < LAYOUT_SOURCES_OFFSET) {
        const auto entry = static_cast<std::uint32_t>((offset - LAYOUT_PARTICIPANTS_OFFSET) / sizeof(layout_participant));
        const std::uint64_t within = (offset - LAYOUT_PARTICIPANTS_OFFSET) % sizeof(layout_participant);
        const bool pins = within == offsetof(layout_participant, pins) || within >= offsetof(layout_participant, names);
        return {pins ? Word::pin : Word::feed, 0, entry};
    }
    if (offset < LAYOUT_SUMMARY_OFFSET) {
        const auto source = static_cast<std::uint32_t>((offset - LAYOUT_SOURCES_OFFSET) / sizeof(layout_source));
        const std::uint64_t within = (offset - LAYOUT_SOURCES_OFFSET) % sizeof(layout_source);
        return {within == 0                                  ? Word::source_state
                : within == offsetof(layout_source, decided) ? Word::decided
                                                             : Word::source_number,
                0, source};
    }
    if (offset < g.marks_offset)
        return {Word::hint, 0, 0};
    if (offset < g.dues_offset)
        return {Word::marks, 0, 0};
    if (offset < g.states_offset)
        return {Word::due, 0, 0};
    if (offset < g.nodes_offset)
        return {Word::state, static_cast<std::uint32_t>((offset - g.states_offset) / 8), 0};
    const auto node = static_cast<std::uint32_t>((offset - g.nodes_offset) / g.node_stride);
    const std::uint64_t within = (offset - g.nodes_offset) % g.node_stride;
    if (within == offsetof(layout_node, pinned))
        return {Word::hint, node, 0};
    if (within < LAYOUT_NODE_HEADER)
        return {within == 0                          ? Word::enq
                : within == offsetof(layout_node, deq)   ? Word::deq
                : within == offsetof(layout_node, holed) ? Word::node_holed
                                                         : Word::next,
                node, 0};
    const auto index = static_cast<std::uint32_t>((within - LAYOUT_NODE_HEADER) / g.slot_stride);
    return {(within - LAYOUT_NODE_HEADER) % g.slot_stride == 0 ? Word::slot : Word::payload, node, index};
}

std::string name_of(const Word &word)
{
    const std::string name = names[word.kind];
    switch (word.kind) {
    case Word::state: return name + " " + number(word.node);
    case Word::enq: case Word::deq: case Word::next: case Word::node_holed: return "node " + number(word.node) + " " + name;
    case Word::pin: return name + " " + number(word.index);
    case Word::slot: case Word::payload: return name + " " + number(word.node) + "." + number(word.index);
    default: return name;
    }
}

std::string show(const Word &word, std::uint64_t value)
{
    static const char *const phases[] = {"DONE", "WRITING", "FULL", "READING", "VOID", "ORPHAN", "FED", "?"};
    static const char *const states[] = {"FREE", "TAKEN", "LINKED", "SETTLED", "BARE"};
    const std::string sequence = number(word_sequence(value)), owner = ",o" + number(word_owner(value));

    switch (word.kind) {
    case Word::tail: case Word::head: case Word::next:
        return "(" + sequence + (link_node(value) == NODE_NIL ? ",NIL)" : ",n" + number(link_node(value)) + ")");
    case Word::enq: case Word::deq: case Word::last_hole:
        return "(" + sequence + "," + number(ticket_index(value)) + owner + ")";
    case Word::state: return "(" + sequence + "," + (ticket_index(value) < 5 ? states[ticket_index(value)] : "?") + owner + ")";
    case Word::slot:
        return "(" + sequence + "," + phases[slot_phase(value)] + owner +
               (slot_deliveries(value) ? ",d" + number(slot_deliveries(value)) : "") + ")";
    default: return number(value);
    }
}

} // namespace model
