#include "figures.hpp"

#include "units.hpp"

namespace tool {

namespace {

using Number = std::uint64_t;

const char *noun_of(Unit unit)
{
    switch (unit) {
    case Unit::messages: return "message";
    case Unit::slots: return "slot";
    case Unit::handles: return "handle";
    case Unit::threads: return "thread";
    case Unit::nodes: return "node";
    default: return "";
    }
}

} // namespace

/* In the order of the library's statistics. */
const std::vector<Figure> &figures()
{
    static const std::vector<Figure> all{
        {"format_version", "format version", Kind::given, Unit::none, "", nullptr,
         [](const Stats &s) { return Number{s.format_version}; }},
        {"capacity", "capacity", Kind::given, Unit::messages, "", "capacity_messages",
         [](const Stats &s) { return Number{s.capacity}; }},
        {"max_message_size", "max message size", Kind::given, Unit::bytes, "", "max_message_bytes",
         [](const Stats &s) { return Number{s.max_message_size}; }},
        {"length", "length", Kind::gauge, Unit::messages, " waiting", "length_messages",
         [](const Stats &s) { return Number{s.length}; }},
        {"orphans", "orphans", Kind::gauge, Unit::messages, " waiting to be delivered again", "orphan_messages",
         [](const Stats &s) { return Number{s.orphans}; }},
        {"enqueued", "enqueued", Kind::counter, Unit::messages, "", "enqueued_messages",
         [](const Stats &s) { return Number{s.enqueued}; }},
        {"dequeued", "dequeued", Kind::counter, Unit::messages, "", "dequeued_messages",
         [](const Stats &s) { return Number{s.dequeued}; }},
        {"redelivered", "redelivered", Kind::counter, Unit::messages, "", "redelivered_messages",
         [](const Stats &s) { return Number{s.redelivered}; }},
        {"returned", "returned", Kind::counter, Unit::messages, " given back", "returned_messages",
         [](const Stats &s) { return Number{s.returned}; }},
        {"voided", "voided", Kind::counter, Unit::slots, "", "voided_slots",
         [](const Stats &s) { return Number{s.voided}; }},
        {"reaped", "reaped", Kind::counter, Unit::handles, " of dead processes", "reaped_handles",
         [](const Stats &s) { return Number{s.reaped}; }},
        {"participants", "participants", Kind::gauge, Unit::handles, " open", "participants",
         [](const Stats &s) { return Number{s.participants}; }},
        {"waiting_producers", "waiting producers", Kind::gauge, Unit::threads, "", "waiting_producers",
         [](const Stats &s) { return Number{s.waiting_producers}; }},
        {"waiting_consumers", "waiting consumers", Kind::gauge, Unit::threads, "", "waiting_consumers",
         [](const Stats &s) { return Number{s.waiting_consumers}; }},
        {"slots_per_node", "slots per node", Kind::given, Unit::messages, "", nullptr,
         [](const Stats &s) { return Number{s.slots_per_node}; }},
        {"nodes", "nodes", Kind::given, Unit::nodes, "", nullptr, [](const Stats &s) { return Number{s.nodes}; }},
        {"nodes_touched", "nodes touched", Kind::gauge, Unit::nodes, " with memory", nullptr,
         [](const Stats &s) { return Number{s.nodes_touched}; }},
        {"nodes_linked", "nodes linked", Kind::gauge, Unit::nodes, " in use", nullptr,
         [](const Stats &s) { return Number{s.nodes_linked}; }},
        {"memory", "memory", Kind::gauge, Unit::bytes, "", "memory_bytes",
         [](const Stats &s) { return Number{s.memory}; }},
        {"file_size", "file size", Kind::given, Unit::bytes, "", "file_bytes",
         [](const Stats &s) { return Number{s.file_size}; }},
        {"created", "created", Kind::given, Unit::time, "", "created_seconds",
         [](const Stats &s) { return static_cast<Number>(s.created); }},
        {"unlinked", "removed", Kind::gauge, Unit::yes, ": the name no longer leads to it", nullptr,
         [](const Stats &s) { return Number{s.unlinked}; }},
        {"held", "held", Kind::gauge, Unit::messages, " taken and not released yet", "held_messages",
         [](const Stats &s) { return Number{s.held}; }},
        {"writing", "writing", Kind::gauge, Unit::slots, " reserved or being written", "writing_slots",
         [](const Stats &s) { return Number{s.writing}; }},
        {"max_held", "max held", Kind::given, Unit::messages, " for sure while the queue is full", "max_held_messages",
         [](const Stats &s) { return Number{s.max_held}; }},
        {"max_memory", "max memory", Kind::given, Unit::bytes, "", "max_memory_bytes",
         [](const Stats &s) { return Number{s.max_memory}; }, nullptr, "no limit"},
        {"reserve", "reserve", Kind::given, Unit::bytes, " kept for messages", "reserve_bytes",
         [](const Stats &s) { return Number{s.reserve}; }, nullptr, "none"},
        {"trimmed", "trimmed", Kind::counter, Unit::bytes, " given back", "trimmed_bytes",
         [](const Stats &s) { return Number{s.trimmed}; }},
        {"id", "id", Kind::given, Unit::text, "", nullptr, nullptr,
         [](const Stats &s) { return format_hex(s.id, sizeof s.id); }},
        {"durable", "durable", Kind::given, Unit::yes, ": what is synced survives power cuts", nullptr,
         [](const Stats &s) { return Number{s.durable}; }},
        {"disk_error", "disk", Kind::gauge, Unit::text, "", nullptr, nullptr,
         [](const Stats &s) { return std::string(s.disk_error ? cq_strerror(s.disk_error) : "no error"); }},
        {"flushes_begun", "flushes begun", Kind::counter, Unit::none, "", "flushes_begun",
         [](const Stats &s) { return Number{s.flushes_begun}; }, nullptr, "none"},
        {"flushes_done", "flushes done", Kind::counter, Unit::none, "", "flushes_done",
         [](const Stats &s) { return Number{s.flushes_done}; }, nullptr, "none"},
        {"unsynced", "unsynced", Kind::gauge, Unit::messages, " not on the disk yet", "unsynced_messages",
         [](const Stats &s) { return Number{s.unsynced}; }},
        {"segments", "segments", Kind::gauge, Unit::none, "", "segments",
         [](const Stats &s) { return Number{s.segments}; }, nullptr, "none"},
        {"disk_bytes", "on disk", Kind::gauge, Unit::bytes, "", "disk_bytes",
         [](const Stats &s) { return Number{s.disk_bytes}; }, nullptr, "none"},
        {"recovered", "recovered", Kind::given, Unit::messages, " after a power cut", "recovered_messages",
         [](const Stats &s) { return Number{s.recovered}; }},
        {"max_headers", "max headers", Kind::given, Unit::bytes, " for each message", nullptr,
         [](const Stats &s) { return Number{s.max_headers}; }, nullptr, "none"},
        {"max_deliveries", "max deliveries", Kind::given, Unit::none, "", nullptr,
         [](const Stats &s) { return Number{s.max_deliveries}; }, nullptr, "no limit"},
        {"time_to_live", "time to live", Kind::given, Unit::span, "", nullptr,
         [](const Stats &s) { return static_cast<Number>(s.time_to_live); }, nullptr, "no limit"},
        {"enqueue_times", "enqueue times", Kind::given, Unit::yes, "", nullptr,
         [](const Stats &s) { return Number{s.enqueue_times}; }},
        {"exclusive_consumer", "exclusive consumer", Kind::given, Unit::yes, ": one handle at a time takes messages",
         nullptr, [](const Stats &s) { return Number{s.exclusive_consumer}; }},
        {"consumer", "consumer", Kind::gauge, Unit::none, "", nullptr,
         [](const Stats &s) { return Number{s.consumer}; }, nullptr, "none"},
        {"sources", "sources", Kind::gauge, Unit::none, "", "sources",
         [](const Stats &s) { return Number{s.sources}; }, nullptr, "none"},
        {"delayed", "delayed", Kind::gauge, Unit::messages, " to be delivered again later", "delayed_messages",
         [](const Stats &s) { return Number{s.delayed}; }},
        {"oldest_age", "oldest age", Kind::gauge, Unit::span, "", "oldest_age_seconds",
         [](const Stats &s) { return static_cast<Number>(s.oldest_age); }, nullptr, "none"},
        {"expired", "expired", Kind::counter, Unit::messages, "", "expired_messages",
         [](const Stats &s) { return Number{s.expired}; }},
        {"dead_lettered", "dead-lettered", Kind::counter, Unit::messages, "", "dead_lettered_messages",
         [](const Stats &s) { return Number{s.dead_lettered}; }},
        {"spent", "spent", Kind::gauge, Unit::messages, " to go to the dead letters", "spent_messages",
         [](const Stats &s) { return Number{s.spent}; }},
        {"dead_letter_result", "dead letter error", Kind::gauge, Unit::text, "", nullptr,
         [](const Stats &s) { return Number{s.dead_letter_result != 0}; },
         [](const Stats &s) { return std::string(cq_strerror(static_cast<int>(s.dead_letter_result))); }, "none"},
        {"dead_letter", "dead letter", Kind::given, Unit::text, "", nullptr,
         [](const Stats &s) { return Number{s.dead_letter[0] != 0}; },
         [](const Stats &s) { return std::string(s.dead_letter); }, "none"},
    };
    return all;
}

std::string help_of(const Figure &figure)
{
    const std::string noun = noun_of(figure.unit);
    const std::string remark = figure.remark;
    if (noun.empty()) /* "reserve: kept for messages", of metrics whose name says what they count */
        return std::string(figure.title) + (remark.substr(0, 1) == " " ? ":" : "") + remark;
    return std::string(figure.title) + ": " + noun + "s" + remark;
}

std::string in_words(const Figure &figure, const Stats &stats)
{
    if (figure.off && figure.of(stats) == 0)
        return figure.off;
    if (figure.unit == Unit::text)
        return figure.text(stats);
    const std::uint64_t value = figure.of(stats);
    const std::int64_t time = static_cast<std::int64_t>(value);
    switch (figure.unit) {
    case Unit::none: return std::to_string(value);
    case Unit::bytes:
        return format_count(value, "byte") + (value < 1024 ? "" : " (" + format_bytes(value) + ")") +
               figure.remark;
    case Unit::time: return format_time(time) + ", " + format_span(now() - time) + " ago";
    case Unit::span: return format_number(value / 1'000'000) + " ms";
    case Unit::yes: return value ? std::string("yes") + figure.remark : "no";
    default: return format_count(value, noun_of(figure.unit)) + figure.remark;
    }
}

void add_json(nlohmann::ordered_json &object, const Stats &stats)
{
    for (const Figure &figure : figures()) {
        if (figure.unit == Unit::text)
            object[figure.name] = figure.text(stats);
        else if (figure.unit == Unit::yes)
            object[figure.name] = figure.of(stats) != 0;
        else
            object[figure.name] = figure.of(stats);
    }
}

} // namespace tool
