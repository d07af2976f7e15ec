/*
 * cq create: a new queue.
 */
#include <cerrno>
#include <cstring>
#include <iostream>
#include <optional>

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "draft.hpp"
#include "failure.hpp"
#include "lasting.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct CreateOptions {
    Places places;
    std::uint64_t capacity = 0;
    std::uint64_t max_message_size = 0;
    std::uint64_t max_held = 0;
    std::uint64_t max_memory = 0;
    std::uint64_t reserve = 0;
    Fate fate;
    std::optional<gid_t> group;
    bool durable = false;
    std::string durable_directory;
    bool exclusive = false;
    bool json = false;
    bool quiet = false;

    cq_config config(const Place &place, std::uint32_t flags) const
    {
        cq_config config = place.config(flags);
        config.capacity = capacity;
        config.max_message_size = max_message_size;
        config.max_held = max_held;
        config.max_memory = max_memory;
        config.reserve = reserve;
        fate.ask_for(config);
        return config;
    }
    mode_t mode() const { return places.where.permissions != 0 ? places.where.permissions : 0660; } /* of a group's */
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
void give_to_group(const CreateOptions &options, const Place &place)
{
    const std::string path = place.path();
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool given = file >= 0 && ::fchown(file, static_cast<uid_t>(-1), *options.group) == 0 &&
                       ::fchmod(file, options.mode()) == 0;
    const int error = errno;
    if (file >= 0)
        ::close(file);
    if (given)
        return;
    ::unlink(path.c_str());
    throw Failure("\"" + place.name + "\" was not created: it cannot be given to group " +
                  std::to_string(*options.group) + ": " + std::strerror(error) +
                  (error == EPERM ? " (its creator must be in the group, or root)" : ""));
}

/* One that exists is left as it is, and so it must be what is asked for already. */
void require_group(const CreateOptions &options, const Place &place)
{
    const std::string path = place.path();
    struct stat file;
    if (::lstat(path.c_str(), &file) != 0)
        throw Failure("cannot look at " + path + ": " + std::strerror(errno));
    if (file.st_gid != *options.group || (file.st_mode & 0777) != options.mode())
        throw Failure("\"" + place.name + "\" exists, with group " + std::to_string(file.st_gid) +
                      " and permissions " + format_permissions(file.st_mode) + ": run chgrp " +
                      std::to_string(*options.group) + " " + path + ", then chmod " +
                      format_permissions(options.mode()) + " " + path);
}

/* True: it was made now. */
bool make(const CreateOptions &options, const Place &place)
{
    cq_config config = options.config(place, CQ_EXCLUSIVE);
    if (options.group)
        config.permissions = 0;
    cq_queue *queue = nullptr;
    const int result = cq_open(place.name.c_str(), &config, &queue);
    cq_close(queue);
    if (result == CQ_OK) {
        if (options.group)
            give_to_group(options, place);
        return true;
    }
    if (result != CQ_EEXIST || options.exclusive)
        throw Failure(explain(result, place, config),
                      result == CQ_EINVAL || result == CQ_ENAME ? exit_usage : exit_error);
    const Queue existing(place, options.config(place, CQ_ATTACH));
    if (options.group)
        require_group(options, place);
    return false;
}

/* What it is, and what it may cost: memory is taken as messages come, up to the size of the file. */
void say_what_is_there(const CreateOptions &options, const Place &place, bool made)
{
    const Stats stats = Queue(place, CQ_READ_ONLY).stat();
    struct statvfs system {};
    const bool known = ::statvfs(place.where().c_str(), &system) == 0;
    const std::uint64_t room = std::uint64_t{system.f_bavail} * system.f_frsize;
    const std::uint64_t most = stats.max_memory > 0 ? std::min(stats.max_memory, stats.file_size) : stats.file_size;
    const std::uint64_t growth = most > stats.memory ? most - stats.memory : 0;
    if (options.json) {
        nlohmann::ordered_json object;
        object["name"] = place.name;
        object["file"] = place.path();
        if (!place.lasting.empty())
            object["durable_directory"] = place.lasting;
        object["created"] = made;
        object["capacity"] = stats.capacity;
        object["max_message_size"] = stats.max_message_size;
        object["max_held"] = stats.max_held;
        object["max_memory"] = stats.max_memory;
        object["reserve"] = stats.reserve;
        object["memory"] = stats.memory;
        object["file_size"] = stats.file_size;
        if (known)
            object["free"] = room;
        std::cout << object.dump() << '\n';
    } else {
        std::cout << (made ? "created " : "already there: ") << place.name << " in " << place.where()
                  << (place.lasting.empty() ? "" : ", kept in " + place.lasting) << ", "
                  << format_number(stats.capacity) << (stats.capacity == 1 ? " message" : " messages") << " of up to "
                  << format_bytes(stats.max_message_size) << "\nIt takes " << format_bytes(stats.memory)
                  << " now, and up to " << format_bytes(most)
                  << (most < stats.file_size ? ", its limit" : " when it is full of the largest messages");
        if (known)
            std::cout << "; " << format_bytes(room) << (room < growth ? " are free there: when they are used up, "
                                                                        "putting waits" : " are free there");
        std::cout << ".\n";
    }
}

int run_create(const CreateOptions &options)
{
    if (options.durable && options.group)
        throw Failure("--durable is for queues of one user: its files, and the queue that is made of them after a "
                      "reboot, would not be the group's; leave --group out",
                      exit_usage);
    const int code = for_each(options.places, [&](const Place &asked) {
        const Place place = options.durable ? to_be_lasting(asked, options.durable_directory) : asked;
        const bool made = make(options, place);
        if (options.durable && place.where() == CQ_DIRECTORY)
            remember_lasting(place.name, place.lasting);
        if (!options.quiet)
            say_what_is_there(options, place, made);
        return exit_ok;
    });
    finish_output();
    return code;
}

} // namespace

void add_create(CLI::App &app, Command &chosen)
{
    add_command<CreateOptions>(
        app, chosen, "create", "Create a queue", run_create, [](CLI::App &command, CreateOptions &options) {
            add_places(command, options.places, Trust::if_asked,
                       "Permissions of the file, in octal (default: 0600, with --group 0660)")
                ->required();
            add_parsed(command, "--group", options.group, parse_group, "GROUP",
                       "Whose members may use it too, each by saying --trust");
            add_parsed(command, "--capacity", options.capacity, parse_count, "MESSAGES",
                       "How many messages may wait in it; k and M may follow (default: 65536)");
            add_parsed(command, "--max-message", options.max_message_size, parse_size, "BYTES",
                       "The size of the largest message; K, M and G may follow (default: 4096)");
            add_parsed(command, "--max-held", options.max_held, parse_count, "MESSAGES",
                       "How many messages consumers may hold at a time, in addition (default: follows from the "
                       "capacity)");
            add_parsed(command, "--max-memory", options.max_memory, parse_size, "BYTES",
                       "How much memory or disk it may take; it is full when it would need more (default: any)");
            add_parsed(command, "--reserve", options.reserve, parse_size, "BYTES",
                       "How much for messages it takes at once and keeps, so that none fails for want of memory");
            auto *durable =
                command.add_flag("--durable", options.durable,
                                 "What is synced survives power cuts: kept in cqueue.NAME.d in --directory");
            command.add_option("--durable-directory", options.durable_directory, "Kept in this directory instead")
                ->type_name("DIRECTORY")
                ->needs(durable);
            add_parsed(command, "--max-headers", options.fate.max_headers, parse_size, "BYTES",
                       "How many bytes of headers a message may have, at most 65535 (default: none)");
            add_parsed(command, "--max-deliveries", options.fate.max_deliveries, parse_count, "N",
                       "How often a message is delivered, at most 254, before it goes to --dead-letter");
            command.add_option("--dead-letter", options.fate.dead_letter,
                               "The queue for messages that were delivered too often, or are too old")
                ->type_name("QUEUE");
            add_parsed(command, "--time-to-live", options.fate.time_to_live, parse_interval, "DURATION",
                       "How old a message may be; then it goes to --dead-letter, or is dropped");
            command.add_flag("--enqueue-times", options.fate.enqueue_times,
                             "Keep with each message when it was enqueued, for `cq check --max-age`");
            command.add_flag("--exclusive-consumer", options.fate.exclusive_consumer,
                             "One handle at a time takes messages, until it is closed or its process dies");
            command.add_flag("--exclusive", options.exclusive, "Fail if the queue exists");
            auto *json = command.add_flag("--json", options.json, "Print what there is now as a line of JSON");
            command.add_flag("-q,--quiet", options.quiet, "Print nothing")->excludes(json);
            explain(command, {"A queue that exists is left as it is; if its capacity, largest message, group\n"
                              "or another property is not what is asked for, that is an error; `cq resize` changes\n"
                              "the first two.\n\n"
                              "With --group the file is made for its creator alone, then given to the group,\n"
                              "and only then opened to it. The creator must be in the group, or root.\n\n"
                              "With --durable the queue itself is in shared memory, and --directory names a disk,\n"
                              "where cq sync and cq put --sync keep it. After a reboot whoever uses the queue gets\n"
                              "it back by its name, if the same user created it; else with --directory.",
                              "0 the queue exists now; 2 wrong usage; 3 error.",
                              {"cq create invoices --capacity 100k --max-message 64K",
                               "cq create shared --group \"$(id -gn)\"",
                               "cq create ledger --durable --directory /var/lib/ledger"}});
        });
}

} // namespace tool
