#include "examine.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <pwd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "failure.hpp"
#include "participants.hpp"
#include "units.hpp"

namespace tool {

namespace {

std::string user_name(uid_t user)
{
    const passwd *entry = ::getpwuid(user);
    return entry ? entry->pw_name : "user " + std::to_string(user);
}

/* False if there is no use in looking further. */
bool check_file(const Add &add, const Place &place)
{
    struct stat file;
    if (::lstat(place.path().c_str(), &file) != 0) {
        const int error = errno;
        const cq_config config = place.config(CQ_READ_ONLY);
        cq_queue *none = nullptr;
        if (cq_open(place.name.c_str(), &config, &none) == CQ_ENAME)
            throw Failure(explain(CQ_ENAME, place, config), exit_usage);
        cq_close(none);
        add(Finding::problem, place.path() + ": " + std::strerror(error) +
                       (error == ENOENT ? "; `cq create " + place.name + "` makes a new queue" : ""));
        return false;
    }
    if (!S_ISREG(file.st_mode)) {
        add(Finding::problem, place.path() + " is not a regular file");
        return false;
    }
    const std::string text = "file " + place.path() + ", owner " + user_name(file.st_uid) + ", permissions " +
                             format_permissions(file.st_mode);
    if (file.st_mode & S_IWOTH)
        add(Finding::problem, text + ": everybody can write it, so its contents cannot be trusted");
    else
        add(Finding::ok, text);
    return true;
}

std::string file_system_name(const struct statfs &system)
{
    switch (static_cast<unsigned long>(system.f_type)) {
    case TMPFS_MAGIC:
        return "tmpfs";
    case EXT4_SUPER_MAGIC:
        return "ext4";
    case XFS_SUPER_MAGIC:
        return "xfs";
    case BTRFS_SUPER_MAGIC:
        return "btrfs";
    default:
        break;
    }
    char text[32];
    std::snprintf(text, sizeof text, "of type 0x%lx", static_cast<unsigned long>(system.f_type));
    return text;
}

/* What may still be put on the file system; nothing if that is not known. */
std::optional<std::uint64_t> room_at(const std::string &path)
{
    struct statfs system;
    if (::statfs(path.c_str(), &system) != 0)
        return {};
    return static_cast<std::uint64_t>(system.f_bavail) * static_cast<std::uint64_t>(system.f_bsize);
}

/* A number in the first file there is; nothing if it is "max" or there is none. */
std::optional<std::uint64_t> number_in(const std::string &path)
{
    std::uint64_t number = 0;
    std::ifstream file(path);
    return file >> number ? std::optional<std::uint64_t>(number) : std::nullopt;
}

/* What the memory limits of this process's cgroup, and of those above it, leave; nothing if there is none. */
std::optional<std::uint64_t> memory_left_in_cgroup()
{
    std::ifstream groups("/proc/self/cgroup");
    std::optional<std::uint64_t> least;
    for (std::string line; std::getline(groups, line);) {
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos)
            continue;
        const std::string kind = line.substr(first + 1, second - first - 1);
        const bool unified = kind.empty();
        if (!unified && kind != "memory")
            continue;
        const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
        for (std::string group = line.substr(second + 1);; group.resize(group.find_last_of('/'))) {
            const std::string at = root + (group == "/" ? "" : group) + "/memory.";
            const auto limit = number_in(at + (unified ? "max" : "limit_in_bytes"));
            const auto used = number_in(at + (unified ? "current" : "usage_in_bytes"));
            if (limit && used && *limit < UINT64_MAX / 4) /* the old kind writes a huge number for none */
                least = std::min(least.value_or(UINT64_MAX), *limit > *used ? *limit - *used : 0);
            if (group.empty() || group == "/")
                break;
        }
    }
    return least;
}

/* How much more memory the queue may come to have. */
std::uint64_t growth_of(const Stats &stats)
{
    const std::uint64_t most = stats.max_memory > 0 ? std::min(stats.max_memory, stats.file_size) : stats.file_size;
    return most > stats.memory ? most - stats.memory : 0;
}

/* Containers give /dev/shm 64 MiB unless they are told otherwise. */
std::string advice(const std::string &directory)
{
    return directory == "/dev/shm" ? "; a larger /dev/shm helps (of a container: --shm-size, or an emptyDir of medium "
                                     "Memory), or fewer or smaller messages"
                                   : "; free some, or have fewer or smaller messages";
}

/* What this process's cgroup leaves to a queue there. On a disk it does not matter: pages can be written back. */
std::optional<std::uint64_t> cgroup_at(const struct statfs &system)
{
    return system.f_type == TMPFS_MAGIC ? memory_left_in_cgroup() : std::optional<std::uint64_t>();
}

void check_file_system(const Add &add, const Place &place, const Stats &stats)
{
    struct statfs system;
    const std::optional<std::uint64_t> room = room_at(place.path());
    if (!room || ::statfs(place.path().c_str(), &system) != 0) {
        add(Finding::problem, "the file system cannot be looked at: " + std::string(std::strerror(errno)));
        return;
    }
    const std::string text = "file system " + file_system_name(system) + ", " + format_bytes(*room) +
                             " free, the queue has " + format_bytes(stats.memory) + " and may need " +
                             format_bytes(growth_of(stats)) + " more" +
                             (stats.max_memory > 0 ? ", up to its limit of " + format_bytes(stats.max_memory) : "");
    const std::optional<std::uint64_t> left = cgroup_at(system);
    if (left && *left < std::min(growth_of(stats), *room))
        add(Finding::note, text + ": before that the memory of this process's cgroup is used up, of which " +
                               format_bytes(*left) + " are left; the kernel kills processes then. Create the queue " +
                               "with a --max-memory that fits");
    else if (*room < growth_of(stats))
        add(Finding::note, text + ": when that is used up, putting waits for room or fails, and nothing is lost" +
                               advice(place.where()));
    else
        add(Finding::ok, text);
}

void check_dead(const Add &add, const Stats &before, const Queue &queue)
{
    /* Opening the queue has already cleaned up; this finds processes that died since. */
    cq_recovery recovery{};
    recovery.struct_size = sizeof recovery;
    queue.must(cq_recover(queue, &recovery));
    const Stats after = queue.stat();
    const std::uint64_t dead = after.reaped - before.reaped;
    if (dead == 0) {
        add(Finding::ok, "no dead participants");
        return;
    }
    add(Finding::repaired, "cleaned up after " + format_count(dead, "dead participant") + "; " +
                    format_count(after.orphans, "message") + (after.orphans == 1 ? " waits" : " wait") +
                    " to be delivered again");
}

/* One handle is this command's own. */
std::uint32_t others(const Stats &stats) { return stats.participants > 0 ? stats.participants - 1 : 0; }

void check_participants(const Add &add, const Place &place, const Stats &stats)
{
    add(Finding::ok, format_count(others(stats), "participant") + " alive, waiting: " +
                         format_count(stats.waiting_producers, "producer") + ", " +
                         format_count(stats.waiting_consumers, "consumer"));
    if (others(stats) == 0 && stats.length > 0)
        add(Finding::note, "nobody has it open, and " + format_count(stats.length, "message") +
                               (stats.length == 1 ? " waits" : " wait") + " in it");
    else if (others(stats) == 0)
        add(Finding::note, "nobody has it open, it is empty and takes " + format_bytes(stats.memory) +
                               "; if it is of no use any more: cq rm " + place.name);
}

std::string milliseconds(std::int64_t nanoseconds)
{
    return nanoseconds % 1'000'000'000 == 0 ? std::to_string(nanoseconds / 1'000'000'000) + " s"
                                            : std::to_string(nanoseconds / 1'000'000) + " ms";
}

/* The first of what has an end, by how much of it is in use; and when, if it goes on like this. */
void check_what_gives_out(const Add &add, const Place &place, const Stats &then, const Stats &stats, double seconds)
{
    struct Limit {
        const char *what;
        double used, most;
    };
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    std::vector<Limit> limits{{"the capacity", number(stats.length), number(stats.capacity)},
                              {"what consumers may hold", number(stats.held), number(stats.max_held)},
                              {"the number of handles", number(others(stats)), 4094}};
    const double need = number(growth_of(stats));
    if (stats.max_memory > 0 && stats.max_memory < stats.file_size)
        limits.push_back({"its limit of memory", number(stats.memory), number(stats.max_memory)});
    if (const std::optional<std::uint64_t> room = room_at(place.path()); room && number(*room) < need)
        limits.push_back({"the file system's room", number(stats.memory), number(stats.memory + *room)});
    struct statfs system;
    if (::statfs(place.path().c_str(), &system) == 0)
        if (const std::optional<std::uint64_t> left = cgroup_at(system); left && number(*left) < need)
            limits.push_back({"the cgroup's memory", number(stats.memory), number(stats.memory + *left)});
    const auto first = std::max_element(limits.begin(), limits.end(), [](const Limit &a, const Limit &b) {
        return a.used / a.most < b.used / b.most;
    });
    char text[160];
    std::snprintf(text, sizeof text, "what will give out first is %s: %.0f%% is in use", first->what,
                  100 * first->used / first->most);
    std::string sentence = text;
    const double growth = number(stats.length) - number(then.length);
    if (growth > 0 && seconds > 0 && stats.length < stats.capacity) {
        const double left = (number(stats.capacity) - number(stats.length)) / (growth / seconds);
        sentence += "; growing as now, it is full in " +
                    format_span(static_cast<std::int64_t>(std::min(left, 1e9) * 1e9));
    }
    const bool soon = first->used >= 0.8 * first->most || growth > 0;
    add(soon ? Finding::note : Finding::ok, sentence);
}

/* What each handle holds; and whether it held the same a while ago, which a consumer at work does not. */
void check_held(const Add &add, const Queue &queue, std::int64_t watch)
{
    const auto holds = [](const cq_participant &handle) {
        return handle.held + handle.writing > 0 && handle.pid != static_cast<std::uint32_t>(::getpid());
    };
    const std::vector<cq_participant> before = participants(queue);
    const Stats then = queue.stat();
    if (others(then) > 0)
        std::this_thread::sleep_for(std::chrono::nanoseconds(watch));
    const std::vector<cq_participant> after = participants(queue);
    const Stats stats = queue.stat();
    const auto was = [&](const cq_participant &handle) -> const cq_participant * {
        for (const cq_participant &one : before)
            if (one.id == handle.id && one.pid == handle.pid)
                return &one;
        return nullptr;
    };
    const bool idle = stats.enqueued == then.enqueued && stats.dequeued == then.dequeued && stats.held == then.held &&
                      stats.redelivered == then.redelivered && stats.writing == then.writing;
    for (const cq_participant &handle : after) {
        const cq_participant *earlier = was(handle);
        if (holds(handle))
            add(Finding::note,
                describe(handle, queue.place()) +
                    (idle && earlier && holds(*earlier) ? ", and has not moved for " + milliseconds(watch) : ""));
    }
    if (stats.length > 0 && then.length > 0 && others(stats) > 0 && stats.dequeued == then.dequeued &&
        stats.redelivered == then.redelivered)
        add(Finding::note, format_count(stats.length, "message") + (stats.length == 1 ? " waits" : " wait") +
                               ", and none was taken for " + milliseconds(watch));
    if (stats.held > stats.max_held)
        add(Finding::note, "consumers hold " + format_count(stats.held, "message") + ", more than max held, " +
                               std::to_string(stats.max_held) + ": putting may find the queue full with " +
                               std::to_string(stats.length) + " of " + format_count(stats.capacity, "message") +
                               " waiting; have them release some, or give the queue a larger --max-held (cq resize)");
    check_what_gives_out(add, queue.place(), then, stats, static_cast<double>(watch) / 1e9);
}

void check_contents(const Add &add, const Queue &queue)
{
    std::uint64_t messages = 0;
    const int result = cq_walk(
        queue,
        [](const cq_message *, void *context) {
            ++*static_cast<std::uint64_t *>(context);
            return 0;
        },
        &messages);
    if (result < 0)
        add(Finding::problem, "contents: " + queue.explain(result));
    else
        add(Finding::ok, "contents: " + format_count(messages, "message") + " waiting, all readable");
}

} // namespace

void examine(const Place &place, std::int64_t watch, const Add &add)
{
    try {
        if (!check_file(add, place))
            return;
        /* Looked at first without a part in it, because opening it in earnest cleans up. */
        const Stats before = Queue(place, CQ_READ_ONLY).stat();
        add(Finding::ok, "format " + std::to_string(before.format_version) + ", " +
                             format_count(before.capacity, "message") + " of up to " +
                             format_count(before.max_message_size, "byte"));
        check_file_system(add, place, before);
        const Queue queue(place, CQ_ATTACH);
        check_dead(add, before, queue);
        check_contents(add, queue);
        check_participants(add, place, queue.stat());
        check_held(add, queue, watch);
        if (queue.stat().unlinked)
            add(Finding::problem, "the name no longer leads to this queue: it was removed while it was looked at");
        else
            add(Finding::ok, "the name leads to this queue");
    } catch (const Failure &failure) {
        if (failure.code() == exit_usage) /* no queue can have such a name */
            throw;
        add(Finding::problem, failure.what());
    }
}

void examine_together(const std::vector<Place> &places, const Add &add)
{
    std::uint64_t memory = 0, growth = 0;
    std::size_t seen = 0;
    for (const Place &place : places) {
        try {
            const Stats stats = Queue(place, CQ_READ_ONLY).stat();
            memory += stats.memory;
            growth += growth_of(stats);
            ++seen;
        } catch (const Failure &) {
            continue; /* it has been said */
        }
    }
    if (places.empty())
        return add(Finding::ok, "there is no queue");
    const std::string where = places[0].where();
    const std::string text = format_count(seen, "queue") + " together " + (seen == 1 ? "has " : "have ") +
                             format_bytes(memory) + " and may need " + format_bytes(growth) + " more";
    const std::optional<std::uint64_t> room = room_at(where);
    if (room && *room < growth)
        add(Finding::note, text + ", " + format_bytes(*room) + " are free: memory will give out before all are full" +
                               advice(where));
    else
        add(Finding::ok, text + (room ? ", " + format_bytes(*room) + " are free" : ""));
    if (const std::optional<std::uint64_t> left = memory_left_in_cgroup(); left && growth > *left)
        add(Finding::note, "this container has " + format_bytes(*left) +
                               " of memory left, and queues in memory count against it: a process that fills them may "
                               "be killed for that; create them with a --max-memory that fits");
}

} // namespace tool
