/*
 * cq stat: everything that is counted about a queue.
 */
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "participants.hpp"
#include "queue.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct StatOptions {
    Place place;
    bool json = false;
    std::optional<std::int64_t> watch;
};

/* The names and the order of cq_participant. */
nlohmann::ordered_json to_json(const cq_participant &handle)
{
    nlohmann::ordered_json object;
    object["id"] = handle.id;
    object["pid"] = handle.pid;
    object["alive"] = handle.alive != 0;
    object["held"] = handle.held;
    object["writing"] = handle.writing;
    object["waiting_producers"] = handle.waiting_producers;
    object["waiting_consumers"] = handle.waiting_consumers;
    object["waiting_since"] = handle.waiting_since;
    object["command"] = command_of(handle);
    return object;
}

/* The names and the order of cq_stats. */
nlohmann::ordered_json to_json(const Place &place, const Stats &stats, const std::vector<cq_participant> &handles)
{
    nlohmann::ordered_json object;
    object["name"] = place.name;
    object["file"] = place.path();
    object["format_version"] = stats.format_version;
    object["capacity"] = stats.capacity;
    object["max_message_size"] = stats.max_message_size;
    object["length"] = stats.length;
    object["orphans"] = stats.orphans;
    object["enqueued"] = stats.enqueued;
    object["dequeued"] = stats.dequeued;
    object["redelivered"] = stats.redelivered;
    object["returned"] = stats.returned;
    object["voided"] = stats.voided;
    object["reaped"] = stats.reaped;
    object["participants"] = stats.participants;
    object["waiting_producers"] = stats.waiting_producers;
    object["waiting_consumers"] = stats.waiting_consumers;
    object["slots_per_node"] = stats.slots_per_node;
    object["nodes"] = stats.nodes;
    object["nodes_touched"] = stats.nodes_touched;
    object["nodes_linked"] = stats.nodes_linked;
    object["memory"] = stats.memory;
    object["file_size"] = stats.file_size;
    object["created"] = stats.created;
    object["unlinked"] = stats.unlinked != 0;
    object["held"] = stats.held;
    object["writing"] = stats.writing;
    object["max_held"] = stats.max_held;
    object["handles"] = nlohmann::ordered_json::array();
    for (const cq_participant &handle : handles)
        object["handles"].push_back(to_json(handle));
    return object;
}

void print_line(const char *name, const std::string &value) { std::printf("%-20s%s\n", name, value.c_str()); }

void print_count(const char *name, std::uint64_t value, const char *noun, const char *remark = "")
{
    print_line(name, format_count(value, noun) + remark);
}

void print_bytes(const char *name, std::uint64_t value)
{
    print_line(name, value < 1024 ? std::to_string(value) + " bytes"
                                  : std::to_string(value) + " bytes (" + format_bytes(value) + ")");
}

void print(const Place &place, const Stats &stats, const std::vector<cq_participant> &handles)
{
    print_line("name", place.name);
    print_line("file", place.path());
    print_line("format version", std::to_string(stats.format_version));
    print_line("created", format_time(stats.created) + ", " + format_span(now() - stats.created) + " ago");
    print_count("capacity", stats.capacity, "message");
    print_bytes("max message size", stats.max_message_size);
    print_count("length", stats.length, "message", " waiting");
    print_count("orphans", stats.orphans, "message", " of these, to be delivered again");
    print_count("enqueued", stats.enqueued, "message");
    print_count("dequeued", stats.dequeued, "message");
    print_count("redelivered", stats.redelivered, "message");
    print_count("returned", stats.returned, "message");
    print_count("voided", stats.voided, "slot");
    print_count("reaped", stats.reaped, "participant", " found dead");
    print_count("participants", stats.participants, "handle", " open");
    print_count("waiting producers", stats.waiting_producers, "thread");
    print_count("waiting consumers", stats.waiting_consumers, "thread");
    print_count("slots per node", stats.slots_per_node, "message");
    print_count("nodes", stats.nodes, "node");
    print_count("nodes touched", stats.nodes_touched, "node", " with memory");
    print_count("nodes linked", stats.nodes_linked, "node", " in use");
    print_bytes("memory", stats.memory);
    print_bytes("file size", stats.file_size);
    print_line("unlinked", stats.unlinked ? "yes: the name no longer leads to it" : "no");
    print_count("held", stats.held, "message", " taken and not released yet");
    print_count("writing", stats.writing, "slot", " reserved or being written");
    print_count("max held", stats.max_held, "message", " for sure while the queue is full");
    for (const cq_participant &handle : handles)
        print_line(("handle " + std::to_string(handle.id)).c_str(), describe(handle, place));
}

int run_stat(const StatOptions &options)
{
    const Queue queue(options.place, CQ_READ_ONLY);
    for (bool first = true;; first = false) {
        const Stats stats = queue.stat();
        const std::vector<cq_participant> handles = participants(queue);
        if (options.json) {
            std::cout << to_json(options.place, stats, handles).dump() << std::endl;
        } else {
            if (!first)
                std::printf("\n");
            print(options.place, stats, handles);
            std::fflush(stdout);
        }
        if (std::ferror(stdout) || !std::cout)
            throw Failure("cannot write the output");
        if (!options.watch)
            return exit_ok;
        if (stats.unlinked)
            throw Failure(queue.explain(CQ_STALE));
        std::this_thread::sleep_for(std::chrono::nanoseconds(*options.watch));
    }
}

std::int64_t parse_interval(const std::string &text)
{
    const std::int64_t interval = parse_duration(text);
    if (interval == forever || interval == 0)
        throw std::invalid_argument("\"" + text + "\" is not an interval; write 1s or 500ms");
    return interval;
}

} // namespace

void add_stat(CLI::App &app, Command &chosen)
{
    add_command<StatOptions>(
        app, chosen, "stat", "Show everything that is counted about a queue", run_stat,
        [](CLI::App &command, StatOptions &options) {
            add_place(command, options.place, Trust::by_root);
            command.add_flag("--json", options.json,
                             "Print a line of JSON: the fields of cq_stats, and those of cq_participant for each "
                             "handle; sizes in bytes, times in nanoseconds since 1970");
            add_parsed(command, "--watch", options.watch, parse_interval, "DURATION",
                       "Print it again and again, so often, until interrupted or the queue is removed");
            command.footer("Counts are since the queue was created.\n\n"
                           "Exit codes: 0 printed; 2 wrong usage; 3 error.\n\n"
                           "Example:\n"
                           "  cq stat orders --watch 1s --json");
        });
}

} // namespace tool
