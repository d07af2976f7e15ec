/*
 * cq rm: a queue's name is removed.
 */
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "lasting.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct RemoveOptions {
    Places places;
    bool json = false;
    bool force = false;
    bool durable = false;
};

/* Throws Failure if somebody might miss the queue. */
void refuse_if_in_use(const Place &place)
{
    const Stats stats = Queue(place, CQ_READ_ONLY).stat();
    std::string reason;
    if (stats.participants > 0)
        reason = "it is open (" + format_count(stats.participants, "handle") + ")";
    if (stats.length > 0)
        reason += (reason.empty() ? "" : " and ") + format_count(stats.length, "message") +
                  (stats.length == 1 ? " waits" : " wait") + " in it";
    if (!reason.empty())
        throw Failure("queue \"" + place.name + "\" was not removed: " + reason + "; --force removes it all the same");
}

/* The directory of a durable queue; empty: it is not durable, or there is none. */
std::string kept_in(const Place &asked)
{
    const Place place = with_lasting(asked);
    if (!place.lasting.empty())
        return place.lasting;
    const cq_config config = place.config(CQ_READ_ONLY);
    cq_queue *queue = nullptr;
    char path[4096] = "";
    if (cq_open(place.name.c_str(), &config, &queue) == CQ_OK)
        cq_durable_directory(queue, path, sizeof path);
    cq_close(queue);
    return path;
}

int remove(const RemoveOptions &options, const Place &place)
{
    if (!options.force)
        refuse_if_in_use(place);
    const std::string kept = kept_in(place);
    const cq_config config = place.config(0);
    const int result = cq_unlink(place.name.c_str(), &config);
    if (result < 0 && !(result == CQ_ENOENT && options.force))
        throw Failure(result == CQ_EACCESS ? "\"" + place.name + "\": only its owner may remove " + place.path() +
                                                 ", or the owner of the directory, or root"
                                           : explain(result, place, config),
                      result == CQ_ENAME ? exit_usage : exit_error);
    if (options.durable && !kept.empty())
        remove_lasting(place.name, kept);
    else if (options.durable)
        forget_lasting(place.name); /* its directory is gone already */
    if (options.json)
        std::cout << nlohmann::ordered_json{{"name", place.name}, {"removed", result == CQ_OK}}.dump() << '\n';
    else if (!options.durable && !kept.empty())
        std::cout << place.name << ": what was synced is kept in " << kept
                  << ", and is there again when the queue is used; cq rm --durable removes that too\n";
    return exit_ok;
}

int run_remove(const RemoveOptions &options)
{
    const int code = for_each(options.places, [&](const Place &place) { return remove(options, place); });
    finish_output();
    return code;
}

} // namespace

void add_remove(CLI::App &app, Command &chosen)
{
    add_command<RemoveOptions>(
        app, chosen, "rm", "Remove a queue", run_remove, [](CLI::App &command, RemoveOptions &options) {
            add_places(command, options.places, Trust::by_root)->required();
            command.add_flag("-f,--force", options.force,
                             "Remove it even if messages wait in it, somebody has it open or it cannot be read; "
                             "do not mind if it does not exist");
            command.add_flag("--durable", options.durable,
                             "Remove a durable queue's directory on the disk too, with all that was synced");
            command.add_flag("--json", options.json, "Print a line of JSON for each queue");
            explain(command, {"Whoever has the queue open keeps using it; its memory goes with the last one.\n"
                              "To keep the queue and remove its messages, use `cq purge`.",
                              "0 the name is gone; 2 wrong usage; 3 error.",
                              {"cq rm empty", "cq rm orders done --force"}});
        });
}

} // namespace tool
