/*
 * cq sync: what is in a durable queue is put on the disk.
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

struct SyncOptions {
    Places places;
    bool json = false;
};

int sync(const SyncOptions &options, const Place &place)
{
    const Queue queue(place, CQ_ATTACH);
    refuse_not_durable(queue, "cq sync");
    queue.must(cq_sync(queue, -1));
    const Stats stats = queue.stat();
    if (options.json)
        std::cout << nlohmann::ordered_json{{"name", place.name}, {"flush", stats.flushes_done},
                                            {"disk_bytes", stats.disk_bytes}}.dump() << '\n';
    return exit_ok;
}

int run_sync(const SyncOptions &options)
{
    const int code = for_each(options.places, [&](const Place &place) { return sync(options, place); });
    finish_output();
    return code;
}

} // namespace

void add_sync(CLI::App &app, Command &chosen)
{
    add_command<SyncOptions>(
        app, chosen, "sync", "Put a durable queue on the disk", run_sync, [](CLI::App &command, SyncOptions &options) {
            add_places(command, options.places, Trust::by_root)->required();
            command.add_flag("--json", options.json, "Print a line of JSON for each queue");
            explain(command, {"When it is done, all messages that were in the queue before survive a power cut, and\n"
                              "none that was removed before comes back. For queues of `cq create --durable`.",
                              "0 it is on the disk; 2 the queue is not durable, or wrong usage; 3 error.",
                              {"cq sync ledger", "cq put ledger < log.txt && cq sync ledger --json"}});
        });
}

} // namespace tool
