/*
 * cq rename: a queue gets another name, in one step.
 */
#include <cerrno>
#include <cstring>
#include <iostream>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct RenameOptions {
    Place from;
    std::string to;
    bool force = false;
    bool json = false;
};

int run_rename(const RenameOptions &options)
{
    Place to = options.from;
    to.name = options.to;
    const cq_config config = to.config(CQ_READ_ONLY);
    cq_queue *taken = nullptr;
    const int result = cq_open(to.name.c_str(), &config, &taken); /* tells whether the name is one */
    cq_close(taken);
    if (result == CQ_ENAME)
        throw Failure(explain(result, to, config), exit_usage);
    const Stats stats = Queue(options.from, CQ_READ_ONLY).stat();
    if (stats.durable)
        throw Failure("\"" + options.from.name + "\" is durable, and is found by its name after a reboot: cq backup "
                      "it, cq rm --durable it, and cq restore it under the new name");
    if (stats.participants > 0 && !options.force)
        throw Failure("\"" + options.from.name + "\" is open (" + format_count(stats.participants, "handle") +
                      "): whoever waits at it would be told that it was removed; --force renames it all the same");
    if (::syscall(SYS_renameat2, AT_FDCWD, options.from.path().c_str(), AT_FDCWD, to.path().c_str(),
                  RENAME_NOREPLACE) != 0)
        throw Failure(errno == EEXIST ? "\"" + to.name + "\" exists in " + to.where() +
                                            " already: name another, or remove it first (cq rm)"
                                      : "cannot rename " + options.from.path() + ": " + std::strerror(errno));
    if (options.json) {
        std::cout << nlohmann::ordered_json{{"from", options.from.name}, {"to", options.to}}.dump() << '\n';
        finish_output();
    }
    return exit_ok;
}

} // namespace

void add_rename(CLI::App &app, Command &chosen)
{
    add_command<RenameOptions>(
        app, chosen, "rename", "Give a queue another name", run_rename,
        [](CLI::App &command, RenameOptions &options) {
            command.add_option("NAME", options.from.name, "The queue")->required();
            command.add_option("NEW-NAME", options.to, "What it shall be called; no queue may be called so yet")
                ->required();
            add_where(command, options.from, Trust::if_asked);
            command.add_flag("-f,--force", options.force, "Do it even if somebody has the queue open");
            command.add_flag("--json", options.json, "Print both names as a line of JSON");
            explain(command, {"It is one step: the queue has the old name or the new one at any time. Nothing in\n"
                              "it changes. A process that has it open goes on using it under its new name, but\n"
                              "its waits end, telling that the queue was removed.",
                              "0 done; 2 wrong usage; 3 error.",
                              {"cq rename orders orders-2026", "cq rename done finished --json"}});
        });
}

} // namespace tool
