/*
 * cq create: a new queue.
 */
#include "commands.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct CreateOptions {
    Place place;
    std::uint64_t capacity = 0;
    std::uint64_t max_message_size = 0;
    bool exclusive = false;
};

int run_create(const CreateOptions &options)
{
    const Queue queue(options.place, options.exclusive ? CQ_EXCLUSIVE : CQ_CREATE, options.capacity,
                      options.max_message_size);
    return exit_ok;
}

} // namespace

void add_create(CLI::App &app, Command &chosen)
{
    add_command<CreateOptions>(
        app, chosen, "create", "Create a queue", run_create, [](CLI::App &command, CreateOptions &options) {
            add_place(command, options.place, "Permissions of the file, in octal (default: 0600)");
            add_parsed(command, "--capacity", options.capacity, parse_count, "MESSAGES",
                       "How many messages may wait in it (default: 65536)");
            add_parsed(command, "--max-message", options.max_message_size, parse_size, "BYTES",
                       "The size of the largest message; K, M and G may follow (default: 4096)");
            command.add_flag("--exclusive", options.exclusive, "Fail if the queue exists");
            command.footer("A queue that exists is left as it is; if its capacity or largest message is not\n"
                           "what is asked for, that is an error.\n\n"
                           "Exit codes: 0 the queue exists now; 2 wrong usage; 3 error.\n\n"
                           "Example:\n"
                           "  cq create orders --capacity 100000 --max-message 64K");
        });
}

} // namespace tool
