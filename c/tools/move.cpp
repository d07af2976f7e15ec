/*
 * cq move: messages from one queue to another. One message at a time is put there, then removed here: death in between
 * leaves that one in both.
 */
#include <cstdint>
#include <iostream>
#include <limits>
#include <optional>
#include <string>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "carry.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "loans.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"
#include "waiting.hpp"

namespace tool {

namespace {

struct MoveOptions {
    Place from;
    std::string to;
    std::optional<std::uint64_t> count;
    std::int64_t wait = forever;
    bool follow = false;
    bool without_headers = false;
    bool json = false;
};

std::string account(std::uint64_t moved)
{
    return format_count(moved, "message") + (moved == 1 ? " was moved" : " were moved");
}

class Mover {
public:
    Mover(const MoveOptions &options, const Queue &from, const Queue &to, const Interrupts &interrupts)
        : options_(options), from_(from), interrupts_(interrupts), output_(STDOUT_FILENO, interrupts),
          wait_(from, interrupts, output_), sink_(to, interrupts, output_, options.wait)
    {
    }

    std::uint64_t moved() const { return moved_; }

    void move_all()
    {
        const std::uint64_t most = options_.count.value_or(std::numeric_limits<std::uint64_t>::max());
        while (moved_ < most) {
            interrupts_.check();
            Loans loan(from_);
            if (loan.add([&](cq_message *message) { return take(message); }) != CQ_OK)
                break;
            Parcel parcel(from_, loan.last());
            if (options_.without_headers)
                parcel.leave_headers_out();
            sink_.put(parcel);
            loan.release_all();
            ++moved_;
        }
    }

private:
    int take(cq_message *message)
    {
        int result = from_.must(cq_take(from_, message));
        if (result == CQ_EMPTY && options_.follow)
            result = wait_([&] { return cq_take_wait(from_, message, forever); });
        return from_.must(result);
    }

    const MoveOptions &options_;
    const Queue &from_;
    const Interrupts &interrupts_;
    Output output_;
    Waiting wait_;
    Sink sink_;
    std::uint64_t moved_ = 0;
};

int run_move(const MoveOptions &options)
{
    Place place = options.from;
    place.name = options.to;
    const Queue from(options.from, CQ_ATTACH);
    const Queue to(place, CQ_ATTACH);
    refuse_same(from, to);
    const Interrupts interrupts;
    Mover mover(options, from, to, interrupts);
    try {
        mover.move_all();
    } catch (const Failure &failure) {
        throw Failure(std::string(failure.what()) + "; " + account(mover.moved()), failure.code());
    } catch (const Interrupted &) {
        std::cerr << "cq: interrupted; " << account(mover.moved()) << std::endl;
        throw;
    }
    if (options.json)
        std::cout << nlohmann::ordered_json{{"from", options.from.name}, {"to", options.to}, {"moved", mover.moved()}}
                         .dump()
                  << '\n';
    else
        std::cout << account(mover.moved()) << '\n';
    finish_output();
    return mover.moved() > 0 ? exit_ok : exit_nothing;
}

} // namespace

void add_move(CLI::App &app, Command &chosen)
{
    add_command<MoveOptions>(
        app, chosen, "move", "Move messages to another queue", run_move, [](CLI::App &command, MoveOptions &options) {
            command.add_option("FROM", options.from.name, "The queue that they wait in")->required();
            command.add_option("TO", options.to, "The queue that they shall wait in")->required();
            add_where(command, options.from, Trust::if_asked);
            add_parsed(command, "-n,--count", options.count, parse_count, "N",
                       "How many messages (default: all, until none is waiting)");
            command.add_flag("--follow", options.follow, "Go on with those that come, until interrupted");
            add_parsed(command, "--wait", options.wait, parse_duration, "DURATION",
                       "How long to wait for room for a message (default: forever)");
            command.add_flag("--without-headers", options.without_headers, "Leave the messages' headers out");
            command.add_flag("--json", options.json, "Print how many were moved as a line of JSON");
            explain(command, {"A message is put into TO, then removed from FROM, one at a time. Whatever ends\n"
                              "this process, nothing is lost; if it is killed just then, one message is in both.\n"
                              "In TO a message counts as new: deliveries begin at 1 again. Its headers go with it;\n"
                              "if TO takes none, or fewer bytes of them, it stays where it is.",
                              "0 at least one message was moved; 1 none was waiting, or there was no\n"
                              "room for too long; 2 wrong usage; 3 error. A signal ends it as usual.",
                              {"cq move orders done", "cq move orders done --count 10 --wait 5s"}});
        });
}

} // namespace tool
