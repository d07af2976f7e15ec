/*
 * cq doctor: is the queue in order? It looks at the file, the file system, the contents, the open handles and what
 * they hold, and cleans up after dead participants.
 */
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <pwd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "commands.hpp"
#include "failure.hpp"
#include "participants.hpp"
#include "queue.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct DoctorOptions {
    Place place;
};

/* Prints what is found as it is found: the last line before a failure says how far things were in order. */
class Report {
public:
    void ok(const std::string &text) { line("ok", text); }
    void repaired(const std::string &text) { line("repaired", text); }
    void note(const std::string &text) { line("note", text); }
    void problem(const std::string &text)
    {
        line("PROBLEM", text);
        healthy_ = false;
    }
    bool healthy() const { return healthy_; }

private:
    static void line(const std::string &kind, const std::string &text)
    {
        std::cout << kind << std::string(10 - kind.size(), ' ') << text << '\n';
    }
    bool healthy_ = true;
};

std::string user_name(uid_t user)
{
    const passwd *entry = ::getpwuid(user);
    return entry ? entry->pw_name : "user " + std::to_string(user);
}

/* False if there is no use in looking further. */
bool check_file(Report &report, const Place &place)
{
    struct stat file;
    if (::lstat(place.path().c_str(), &file) != 0) {
        const int error = errno;
        report.problem(place.path() + ": " + std::strerror(error) +
                       (error == ENOENT ? "; `cq create " + place.name + "` makes a new queue" : ""));
        return false;
    }
    if (!S_ISREG(file.st_mode)) {
        report.problem(place.path() + " is not a regular file");
        return false;
    }
    const std::string text = "file " + place.path() + ", owner " + user_name(file.st_uid) + ", permissions " +
                             format_permissions(file.st_mode);
    if (file.st_mode & S_IWOTH)
        report.problem(text + ": everybody can write it, so its contents cannot be trusted");
    else
        report.ok(text);
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

void check_file_system(Report &report, const Place &place, const Stats &stats)
{
    struct statfs system;
    if (::statfs(place.path().c_str(), &system) != 0) {
        report.problem("the file system cannot be looked at: " + std::string(std::strerror(errno)));
        return;
    }
    const std::uint64_t room = static_cast<std::uint64_t>(system.f_bavail) * static_cast<std::uint64_t>(system.f_bsize);
    const std::uint64_t growth = stats.file_size > stats.memory ? stats.file_size - stats.memory : 0;
    const std::string text = "file system " + file_system_name(system) + ", " + format_bytes(room) +
                             " free, the queue has " + format_bytes(stats.memory) + " and may need " +
                             format_bytes(growth) + " more";
    if (room < growth)
        report.note(text + ": when that is used up, putting waits for room or fails, and nothing is lost");
    else
        report.ok(text);
}

void check_dead(Report &report, const Stats &before, const Queue &queue)
{
    /* Opening the queue has already cleaned up; this finds processes that died since. */
    cq_recovery recovery{};
    recovery.struct_size = sizeof recovery;
    queue.must(cq_recover(queue, &recovery));
    const Stats after = queue.stat();
    const std::uint64_t dead = after.reaped - before.reaped;
    if (dead == 0) {
        report.ok("no dead participants");
        return;
    }
    report.repaired("cleaned up after " + format_count(dead, "dead participant") + "; " +
                    format_count(after.orphans, "message") + (after.orphans == 1 ? " waits" : " wait") +
                    " to be delivered again");
}

void check_participants(Report &report, const Stats &stats)
{
    /* One handle is this command's own. */
    const std::uint32_t others = stats.participants > 0 ? stats.participants - 1 : 0;
    report.ok(format_count(others, "participant") + " alive, waiting: " +
              format_count(stats.waiting_producers, "producer") + ", " +
              format_count(stats.waiting_consumers, "consumer"));
}

/* What each handle holds; and whether it held the same a while ago, which a consumer at work does not. */
void check_held(Report &report, const Queue &queue)
{
    constexpr std::chrono::milliseconds interval{500};
    const auto holds = [](const cq_participant &handle) {
        return handle.held + handle.writing > 0 && handle.pid != static_cast<std::uint32_t>(::getpid());
    };
    const std::vector<cq_participant> before = participants(queue);
    if (std::none_of(before.begin(), before.end(), holds))
        return;
    const Stats then = queue.stat();
    std::this_thread::sleep_for(interval);
    const std::vector<cq_participant> after = participants(queue);
    const Stats stats = queue.stat();
    const bool idle = stats.enqueued == then.enqueued && stats.dequeued == then.dequeued && stats.held == then.held &&
                      stats.redelivered == then.redelivered && stats.writing == then.writing;
    for (const cq_participant &handle : after)
        if (holds(handle))
            report.note(describe(handle, queue.place()) +
                        (idle ? ", and has not moved for " + std::to_string(interval.count()) + " ms" : ""));
    if (stats.held > stats.max_held)
        report.note("consumers hold " + format_count(stats.held, "message") + ", more than max held, " +
                    std::to_string(stats.max_held) + ": putting may find the queue full with " +
                    std::to_string(stats.length) + " of " + format_count(stats.capacity, "message") +
                    " waiting; have them release some, or create the queue with a larger --max-held");
}

void check_contents(Report &report, const Queue &queue)
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
        report.problem("contents: " + queue.explain(result));
    else
        report.ok("contents: " + format_count(messages, "message") + " waiting, all readable");
}

int run_doctor(const DoctorOptions &options)
{
    const Place &place = options.place;
    Report report;
    if (check_file(report, place)) {
        try {
            /* Looked at first without a part in it, because opening it in earnest cleans up. */
            const Stats before = Queue(place, CQ_READ_ONLY).stat();
            report.ok("format " + std::to_string(before.format_version) + ", " +
                      format_count(before.capacity, "message") + " of up to " +
                      format_count(before.max_message_size, "byte"));
            check_file_system(report, place, before);
            const Queue queue(place, CQ_ATTACH);
            check_dead(report, before, queue);
            check_contents(report, queue);
            const Stats stats = queue.stat();
            check_participants(report, stats);
            check_held(report, queue);
            if (stats.unlinked)
                report.problem("the name no longer leads to this queue: it was removed while it was looked at");
            else
                report.ok("the name leads to this queue");
        } catch (const Failure &failure) {
            report.problem(failure.what());
        }
    }
    std::cout << place.name << (report.healthy() ? " is healthy\n" : " is NOT healthy\n");
    if (!std::cout.flush())
        throw Failure("cannot write the output");
    return report.healthy() ? exit_ok : exit_error;
}

} // namespace

void add_doctor(CLI::App &app, Command &chosen)
{
    add_command<DoctorOptions>(
        app, chosen, "doctor", "Check a queue, and clean up after dead processes", run_doctor,
        [](CLI::App &command, DoctorOptions &options) {
            add_place(command, options.place, Trust::by_root);
            command.footer("Nobody needs to run this: whoever opens a queue or waits at it cleans up too.\n"
                           "It says what it finds.\n\n"
                           "Exit codes: 0 healthy, or repaired; 2 wrong usage; 3 there is a problem.\n\n"
                           "Example:\n"
                           "  cq doctor orders");
        });
}

} // namespace tool
