/*
 * cq trim: a queue gives back the memory that holds no message.
 */
#include <cstdint>
#include <iostream>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct TrimOptions {
    Places places;
    bool json = false;
};

int trim(const TrimOptions &options, const Place &place)
{
    const Queue queue(place, CQ_ATTACH);
    std::uint64_t given = 0;
    queue.must(cq_trim(queue, &given));
    const std::uint64_t left = queue.stat().memory;
    if (options.json)
        std::cout << nlohmann::ordered_json{{"name", place.name}, {"given_back", given}, {"memory", left}}.dump()
                  << '\n';
    else
        std::cout << place.name << ": " << format_bytes(given) << " given back, " << format_bytes(left) << " left\n";
    return exit_ok;
}

int run_trim(const TrimOptions &options)
{
    const int code = for_each(options.places, [&](const Place &place) { return trim(options, place); });
    finish_output();
    return code;
}

} // namespace

void add_trim(CLI::App &app, Command &chosen)
{
    add_command<TrimOptions>(
        app, chosen, "trim", "Give memory back", run_trim, [](CLI::App &command, TrimOptions &options) {
            add_places(command, options.places, Trust::by_root)->required();
            command.add_flag("--json", options.json, "Print a line of JSON for each queue");
            explain(command, {"Gives all memory or disk that holds no message, and was not reserved, back to the\n"
                              "file system. Whoever uses the queue does that in any case, within about a second.",
                              "0 done; 2 wrong usage; 3 error.",
                              {"cq trim orders", "cq trim orders done --json"}});
        });
}

} // namespace tool
