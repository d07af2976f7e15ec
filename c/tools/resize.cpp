/*
 * cq resize: a queue of another size with the same messages takes the place of the old one, in one step.
 */
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "draft.hpp"
#include "failure.hpp"
#include "loans.hpp"
#include "participants.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct ResizeOptions {
    Places places;
    Shape shape; /* 0: as it is */
    bool force = false;
    bool json = false;
};

std::string users_of(const Queue &queue)
{
    std::string text;
    for (const cq_participant &handle : participants(queue))
        if (handle.alive && handle.pid != static_cast<std::uint32_t>(::getpid()))
            text += (text.empty() ? "" : ", ") + name_of(handle);
    return text;
}

void refuse_if_open(const Queue &queue)
{
    const std::string users = users_of(queue);
    if (!users.empty())
        throw Failure("\"" + queue.place().name + "\" is open in " + users +
                      ": end these first; or say --force, and they go on with the old queue until they open it again");
}

/* Takes what waits there into the new queue. It stays held in the old one, so that nobody else gets it, and goes back
   there if this process ends before the new one is in place. */
std::uint64_t carry(Loans &loans, const Queue &from, const Queue &to, const Interrupts &interrupts)
{
    std::uint64_t carried = 0;
    while (from.must(loans.add([&](cq_message *message) { return cq_take(from, message); })) == CQ_OK) {
        interrupts.check();
        const Message &message = loans.last();
        const Parcel parcel(from, message);
        const int result = cq_enqueue_message(to, parcel, 0);
        if (result == CQ_FULL || result == CQ_TIMEOUT)
            throw Failure("more messages wait in \"" + from.place().name + "\" than the new capacity has room for, " +
                          std::to_string(to.stat().capacity) + ": nothing was changed");
        if (result == CQ_ETOOBIG)
            throw Failure("a message of " + format_count(message.size, "byte") + " waits in \"" + from.place().name +
                          "\", more than the new --max-message: nothing was changed");
        to.must(result, parcel);
        ++carried;
    }
    return carried;
}

/* How far each source has come. */
void carry_sources(const Queue &from, const Queue &to)
{
    struct Carried {
        cq_queue *to;
        int result;
    } carried{to, CQ_OK};
    from.must(cq_sources(
        from,
        [](const char *name, std::uint64_t number, void *context) {
            auto &[queue, result] = *static_cast<Carried *>(context);
            if (number > 0 && result >= 0)
                result = cq_raise_source(queue, name, number);
            return 0;
        },
        &carried));
    to.must(carried.result);
}

/* Who still has the old queue open may go on putting into it. */
std::uint64_t carry_late_ones(const Queue &from, const Queue &to, const Interrupts &interrupts)
{
    std::uint64_t carried = 0;
    for (bool told = false;;) {
        const bool alone = from.stat().participants <= 1;
        {
            Loans loans(from);
            carried += carry(loans, from, to, interrupts);
            carry_sources(from, to);
            loans.release_all();
        }
        if (alone)
            return carried;
        if (!told)
            std::cerr << "The new queue is in place. The old one is still open in " << users_of(from)
                      << "; what is put there is moved until it is closed. To interrupt this loses what comes later."
                      << std::endl;
        told = true;
        interrupts.check();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

int resize(const ResizeOptions &options, const Place &place)
{
    const Queue old(place, CQ_ATTACH);
    if (!options.force)
        refuse_if_open(old);
    struct stat file;
    const Stats stats = old.stat();
    if (stats.durable)
        throw Failure("\"" + place.name + "\" is durable, and keeps the size that it was created with: cq backup it, " +
                      "cq rm --durable it, and cq restore it with another size");
    if (::stat(place.path().c_str(), &file) != 0 || stats.unlinked)
        throw Failure(old.explain(CQ_STALE));
    Shape shape = options.shape;
    if (shape.capacity == 0)
        shape.capacity = stats.capacity;
    if (shape.max_message_size == 0)
        shape.max_message_size = stats.max_message_size;
    if (shape.max_held == 0 && shape.capacity == stats.capacity)
        shape.max_held = stats.max_held;
    if (shape.max_memory == 0)
        shape.max_memory = stats.max_memory;
    if (shape.reserve == 0)
        shape.reserve = stats.reserve;
    shape.fate = Fate(stats);
    const Interrupts interrupts;
    Draft draft(place, shape);
    Loans loans(old);
    std::uint64_t moved = carry(loans, old, draft.queue(), interrupts);
    carry_sources(old, draft.queue());
    draft.give(file.st_mode & 0777, file.st_uid, file.st_gid);
    if (!options.force)
        refuse_if_open(old);
    draft.publish_instead(old);
    loans.release_all();
    moved += carry_late_ones(old, draft.queue(), interrupts);
    const Stats now = draft.queue().stat();
    if (options.json)
        std::cout << nlohmann::ordered_json{{"name", place.name}, {"capacity", now.capacity},
                                            {"max_message_size", now.max_message_size}, {"max_held", now.max_held},
                                            {"moved", moved}}
                         .dump()
                  << '\n';
    else
        std::cout << place.name << " has room for " << format_number(now.capacity)
                  << (now.capacity == 1 ? " message" : " messages") << " of up to "
                  << format_bytes(now.max_message_size) << " now; " << format_count(moved, "message")
                  << (moved == 1 ? " was" : " were") << " taken over\n";
    finish_output();
    return exit_ok;
}

int run_resize(const ResizeOptions &options)
{
    const Shape &asked = options.shape;
    if (!(asked.capacity || asked.max_message_size || asked.max_held || asked.max_memory || asked.reserve))
        throw Failure("resize to what? Say --capacity, --max-message, --max-held, --max-memory or --reserve",
                      exit_usage);
    return for_each(options.places, [&](const Place &place) { return resize(options, place); });
}

} // namespace

void add_resize(CLI::App &app, Command &chosen)
{
    add_command<ResizeOptions>(
        app, chosen, "resize", "Give a queue another capacity", run_resize,
        [](CLI::App &command, ResizeOptions &options) {
            add_places(command, options.places, Trust::if_asked)->required();
            add_parsed(command, "--capacity", options.shape.capacity, parse_count, "MESSAGES",
                                        "How many messages may wait in it (default: as it is)");
            add_parsed(command, "--max-message", options.shape.max_message_size, parse_size, "BYTES",
                                    "The size of the largest message (default: as it is)");
            add_parsed(command, "--max-held", options.shape.max_held, parse_count, "MESSAGES",
                                    "How many messages consumers may hold (default: as it is, or follows from a new "
                                    "capacity)");
            add_parsed(command, "--max-memory", options.shape.max_memory, parse_size, "BYTES",
                       "How much memory or disk it may take (default: as it is)");
            add_parsed(command, "--reserve", options.shape.reserve, parse_size, "BYTES",
                       "How much it takes at once and keeps (default: as it is)");
            command.add_flag("-f,--force", options.force, "Do it even if somebody has the queue open");
            command.add_flag("--json", options.json, "Print what it is now as a line of JSON");
            explain(command, {"The queue is made anew, gets the messages in their order, and takes the old one's\n"
                              "place in one step. Killed before that, everything is as it was (messages may count\n"
                              "as delivered once more); killed after it, the new queue is there.\n\n"
                              "A process that has the old queue open keeps it until it opens the name again: its\n"
                              "waits end, telling that the queue was removed. So resize refuses while somebody\n"
                              "has it open. With --force it goes on moving what is put into the old queue, and\n"
                              "ends when nobody has that open any more.",
                              "0 done; 2 wrong usage; 3 error, nothing was changed.",
                              {"cq resize orders --capacity 200k", "cq resize orders --max-message 64K --json"}});
        });
}

} // namespace tool
