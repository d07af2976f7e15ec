/*
 * cq check: are queues within limits? For health probes, which look at the exit code.
 */
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "readings.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct CheckOptions {
    Places places;
    std::optional<double> max_fill;
    std::optional<std::uint64_t> max_length;
    std::optional<std::uint64_t> max_held;
    std::optional<std::uint64_t> max_memory;
    std::optional<std::uint64_t> min_participants;
    std::optional<std::int64_t> max_age;
    std::optional<std::int64_t> max_stall;
    bool json = false;
};

/* Messages wait, and none was taken between the two looks. */
bool stalls(const Reading &before, const Reading &after)
{
    return before.stats.length > 0 && after.stats.length > 0 && after.stats.dequeued == before.stats.dequeued &&
           after.stats.redelivered == before.stats.redelivered;
}

std::vector<std::string> faults_of(const CheckOptions &options, const Reading *before, const Reading &reading)
{
    std::vector<std::string> faults;
    const auto most = [&](const char *noun, const char *what, const std::optional<std::uint64_t> &limit,
                          std::uint64_t value) {
        if (limit && value > *limit)
            faults.push_back(format_count(value, noun) + what + ", at most " + std::to_string(*limit) + " allowed");
    };
    if (!reading.problem.empty())
        return {reading.problem};
    if (options.max_fill && reading.fill() > *options.max_fill) {
        char text[80];
        std::snprintf(text, sizeof text, "%.1f%% full, at most %g%% allowed", reading.fill(), *options.max_fill);
        faults.emplace_back(text);
    }
    most("message", " waiting", options.max_length, reading.stats.length);
    most("message", " held", options.max_held, reading.stats.held);
    most("byte", " of memory", options.max_memory, reading.stats.memory);
    if (options.max_age && !reading.stats.enqueue_times)
        faults.emplace_back("its messages have no times: create it with --enqueue-times to check their age");
    else if (options.max_age && reading.stats.oldest_age > *options.max_age)
        faults.push_back("the oldest message is " + std::to_string(reading.stats.oldest_age / 1'000'000) +
                         " ms old, at most " + std::to_string(*options.max_age / 1'000'000) + " ms allowed");
    if (options.min_participants && reading.stats.participants < *options.min_participants)
        faults.push_back(format_count(reading.stats.participants, "handle") + " open, at least " +
                         std::to_string(*options.min_participants) + " wanted");
    if (before && stalls(*before, reading))
        faults.push_back(format_count(reading.stats.length, "message") + " waiting, and none was taken for " +
                         std::to_string(*options.max_stall / 1'000'000) + " ms");
    return faults;
}

int run_check(const CheckOptions &options)
{
    Readings look(options.places.where, options.places.names);
    std::vector<Reading> before;
    if (options.max_stall) {
        before = look.look();
        std::this_thread::sleep_for(std::chrono::nanoseconds(*options.max_stall));
    }
    int code = exit_ok;
    for (const Reading &reading : look.look()) {
        const Reading *earlier = nullptr;
        for (const Reading &one : before)
            if (one.name == reading.name && one.problem.empty() && one.stats.created == reading.stats.created)
                earlier = &one;
        const std::vector<std::string> faults = faults_of(options, earlier, reading);
        code = std::max<int>(code, !reading.problem.empty() ? exit_error : faults.empty() ? exit_ok : exit_nothing);
        if (options.json) {
            std::cout << nlohmann::ordered_json{
                             {"name", reading.name}, {"ok", faults.empty()}, {"faults", faults}}
                             .dump()
                      << '\n';
        } else {
            std::cout << reading.name << ": ";
            for (std::size_t i = 0; i < faults.size(); ++i)
                std::cout << (i ? "; " : "") << faults[i];
            std::cout << (faults.empty() ? "ok\n" : "\n");
        }
    }
    finish_output();
    return code;
}

} // namespace

void add_check(CLI::App &app, Command &chosen)
{
    add_command<CheckOptions>(
        app, chosen, "check", "Check that queues are within limits, for health probes", run_check,
        [](CLI::App &command, CheckOptions &options) {
            add_places(command, options.places, Trust::by_root)->description("These queues (default: all)");
            add_parsed(command, "--max-fill", options.max_fill, parse_percentage, "PERCENT",
                       "How much of the capacity may be in use: 80%");
            add_parsed(command, "--max-length", options.max_length, parse_limit, "N", "How many messages may wait");
            add_parsed(command, "--max-held", options.max_held, parse_limit, "N", "How many messages may be held");
            add_parsed(command, "--max-memory", options.max_memory, parse_size, "BYTES", "How much memory it may take");
            add_parsed(command, "--max-age", options.max_age, parse_age, "DURATION",
                       "How old the oldest waiting message may be, in queues with --enqueue-times");
            add_parsed(command, "--max-stall", options.max_stall, parse_interval, "DURATION",
                       "How long messages may wait with none of them taken; it looks on for so long");
            add_parsed(command, "--min-participants", options.min_participants, parse_count, "N",
                       "How many handles must be open");
            command.add_flag("--json", options.json, "Print a line of JSON for each queue");
            explain(command, {"It prints a line for each queue: ok, or what is wrong. Without a limit it checks only\n"
                              "that the queue is there and can be looked at.",
                              "0 all is well; 1 a limit is exceeded; 2 wrong usage; 3 a queue is\n"
                              "missing, or cannot be looked at.",
                              {"cq check orders --max-fill 80% --max-held 100",
                               "cq check orders --max-stall 2s || echo \"nobody consumes orders\""}});
        });
}

} // namespace tool
