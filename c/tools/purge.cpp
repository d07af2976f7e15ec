/*
 * cq purge: the waiting messages are removed, and the queue stays.
 */
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <limits>
#include <optional>
#include <string>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "loans.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct PurgeOptions {
    Places places;
    std::optional<std::uint64_t> count;
    bool force = false;
    bool dry_run = false;
    bool json = false;
};

bool is_meant(const std::string &name, std::uint64_t messages)
{
    if (!::isatty(STDIN_FILENO))
        throw Failure("\"" + name + "\": " + format_count(messages, "message") +
                          " would be removed for good: say --force if that is meant (`cq backup` keeps a copy)",
                      exit_usage);
    std::cerr << "Remove " << format_count(messages, "message") << " of \"" << name << "\" for good? [y/N] ";
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

int purge(const PurgeOptions &options, const Place &place)
{
    const Queue queue(place, CQ_ATTACH);
    const Stats stats = queue.stat();
    /* Not more than wait now: who puts meanwhile must not keep this going. */
    const std::uint64_t most = std::min(options.count.value_or(stats.length), stats.length);
    std::uint64_t removed = 0;
    if (options.dry_run) {
        removed = most;
    } else if (most > 0 && (options.force || is_meant(place.name, most))) {
        const Interrupts interrupts;
        for (; removed < most; ++removed) {
            interrupts.check();
            Loans loan(queue);
            if (queue.must(loan.add([&](cq_message *message) { return cq_take(queue, message); })) != CQ_OK)
                break;
            loan.release_all();
        }
    }
    if (options.json)
        std::cout << nlohmann::ordered_json{{"name", place.name},
                                            {options.dry_run ? "would_remove" : "removed", removed},
                                            {"held", stats.held}}
                         .dump()
                  << '\n';
    else
        std::cout << place.name << ": " << format_count(removed, "message")
                  << (options.dry_run ? " would be removed" : " removed")
                  << (stats.held ? "; consumers hold " + std::to_string(stats.held) + " more" : "") << '\n';
    return exit_ok;
}

int run_purge(const PurgeOptions &options)
{
    const int code = for_each(options.places, [&](const Place &place) { return purge(options, place); });
    finish_output();
    return code;
}

} // namespace

void add_purge(CLI::App &app, Command &chosen)
{
    add_command<PurgeOptions>(
        app, chosen, "purge", "Remove the waiting messages", run_purge,
        [](CLI::App &command, PurgeOptions &options) {
            add_places(command, options.places, Trust::if_asked)->required();
            add_parsed(command, "-n,--count", options.count, parse_count, "N",
                       "Only the oldest so many (default: all that wait when it begins)");
            command.add_flag("-f,--force", options.force, "Do not ask; needed where nobody can be asked");
            command.add_flag("--dry-run", options.dry_run, "Remove nothing, say how many it would be");
            command.add_flag("--json", options.json, "Print a line of JSON for each queue");
            explain(command, {"The queue stays, and whoever has it open notices nothing. What consumers hold, and\n"
                              "what comes meanwhile, is not removed.",
                              "0 done; 2 wrong usage; 3 error. A signal ends it as usual.",
                              {"cq purge orders --dry-run", "cq purge orders done --force"}});
        });
}

} // namespace tool
