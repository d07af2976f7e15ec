/*
 * cq create: a new queue.
 */
#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

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
    std::uint64_t max_held = 0;
    std::optional<gid_t> group;
    bool exclusive = false;

    cq_config config(std::uint32_t flags) const
    {
        cq_config config = place.config(flags);
        config.capacity = capacity;
        config.max_message_size = max_message_size;
        config.max_held = max_held;
        return config;
    }
    mode_t mode() const { return place.permissions != 0 ? place.permissions : 0660; } /* of a group's queue */
};

gid_t parse_group(const std::string &text)
{
    if (const group *entry = ::getgrnam(text.c_str()))
        return entry->gr_gid;
    if (!text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos)
        return static_cast<gid_t>(std::stoul(text));
    throw std::invalid_argument("there is no group \"" + text + "\"");
}

/* For this user alone until it is the group's: never may another group write it, however briefly. */
void give_to_group(const CreateOptions &options)
{
    const std::string path = options.place.path();
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool given = file >= 0 && ::fchown(file, static_cast<uid_t>(-1), *options.group) == 0 &&
                       ::fchmod(file, options.mode()) == 0;
    const int error = errno;
    if (file >= 0)
        ::close(file);
    if (given)
        return;
    ::unlink(path.c_str());
    throw Failure("\"" + options.place.name + "\" was not created: it cannot be given to group " +
                  std::to_string(*options.group) + ": " + std::strerror(error) +
                  (error == EPERM ? " (its creator must be in the group, or root)" : ""));
}

/* One that exists is left as it is, and so it must be what is asked for already. */
void require_group(const CreateOptions &options)
{
    const std::string path = options.place.path();
    struct stat file;
    if (::lstat(path.c_str(), &file) != 0)
        throw Failure("cannot look at " + path + ": " + std::strerror(errno));
    if (file.st_gid != *options.group || (file.st_mode & 0777) != options.mode())
        throw Failure("\"" + options.place.name + "\" exists, with group " + std::to_string(file.st_gid) +
                      " and permissions " + format_permissions(file.st_mode) + ": run chgrp " +
                      std::to_string(*options.group) + " " + path + ", then chmod " +
                      format_permissions(options.mode()) + " " + path);
}

int create_for_group(const CreateOptions &options)
{
    cq_config config = options.config(CQ_EXCLUSIVE);
    config.permissions = 0;
    cq_queue *queue = nullptr;
    const int result = cq_open(options.place.name.c_str(), &config, &queue);
    if (result == CQ_OK) {
        cq_close(queue);
        give_to_group(options);
    } else if (result == CQ_EEXIST && !options.exclusive) {
        const Queue existing(options.place, options.config(CQ_ATTACH));
        require_group(options);
    } else {
        throw Failure(explain(result, options.place, config));
    }
    return exit_ok;
}

int run_create(const CreateOptions &options)
{
    if (options.group)
        return create_for_group(options);
    const Queue queue(options.place, options.config(options.exclusive ? CQ_EXCLUSIVE : CQ_CREATE));
    return exit_ok;
}

} // namespace

void add_create(CLI::App &app, Command &chosen)
{
    add_command<CreateOptions>(
        app, chosen, "create", "Create a queue", run_create, [](CLI::App &command, CreateOptions &options) {
            add_place(command, options.place, Trust::if_asked,
                      "Permissions of the file, in octal (default: 0600, with --group 0660)");
            add_parsed(command, "--group", options.group, parse_group, "GROUP",
                       "Whose members may use it too, each by saying --trust");
            add_parsed(command, "--capacity", options.capacity, parse_count, "MESSAGES",
                       "How many messages may wait in it (default: 65536)");
            add_parsed(command, "--max-message", options.max_message_size, parse_size, "BYTES",
                       "The size of the largest message; K, M and G may follow (default: 4096)");
            add_parsed(command, "--max-held", options.max_held, parse_count, "MESSAGES",
                       "How many messages consumers may hold at a time, in addition (default: follows from the "
                       "capacity)");
            command.add_flag("--exclusive", options.exclusive, "Fail if the queue exists");
            command.footer("A queue that exists is left as it is; if its capacity, largest message or group\n"
                           "is not what is asked for, that is an error.\n\n"
                           "With --group the file is made for its creator alone, then given to the group,\n"
                           "and only then opened to it. The creator must be in the group, or root.\n\n"
                           "Exit codes: 0 the queue exists now; 2 wrong usage; 3 error.\n\n"
                           "Examples:\n"
                           "  cq create orders --capacity 100000 --max-message 64K\n"
                           "  cq create orders --group staff");
        });
}

} // namespace tool
