/*
 * cq rm: a queue's name is removed.
 */
#include <exception>

#include "commands.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct RemoveOptions {
    Place place;
    bool force = false;
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

int run_remove(const RemoveOptions &options)
{
    if (!options.force)
        refuse_if_in_use(options.place);
    const cq_config config = options.place.config(0);
    const int result = cq_unlink(options.place.name.c_str(), &config);
    if (result < 0 && !(result == CQ_ENOENT && options.force))
        throw Failure(result == CQ_EACCESS ? "\"" + options.place.name + "\": only its owner may remove " +
                                                 options.place.path() +
                                                 ", or the owner of the directory, or root"
                                           : explain(result, options.place, config));
    return exit_ok;
}

} // namespace

void add_remove(CLI::App &app, Command &chosen)
{
    add_command<RemoveOptions>(
        app, chosen, "rm", "Remove a queue", run_remove, [](CLI::App &command, RemoveOptions &options) {
            add_place(command, options.place, Trust::by_root);
            command.add_flag("-f,--force", options.force,
                             "Remove it even if messages wait in it, somebody has it open or it cannot be read; "
                             "do not mind if it does not exist");
            command.footer("Whoever has the queue open keeps using it; its memory goes with the last one.\n\n"
                           "Exit codes: 0 the name is gone; 2 wrong usage; 3 error.\n\n"
                           "Example:\n"
                           "  cq rm orders --force");
        });
}

} // namespace tool
