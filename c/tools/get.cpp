/*
 * cq get: messages from the queue to standard output. A message leaves the queue only when the system has accepted all
 * of its bytes; before that, whatever ends this process, it is delivered again.
 */
#include <cstdint>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include "commands.hpp"
#include "failure.hpp"
#include "format.hpp"
#include "loans.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"
#include "waiting.hpp"

namespace tool {

namespace {

struct GetOptions {
    Places places;
    MessageFormat format;
    std::uint64_t count = 1;
    bool all = false;
    bool follow = false;
    std::optional<std::int64_t> wait;

    std::int64_t patience() const { return wait.value_or(follow ? forever : 0); }
};

class Getter {
public:
    Getter(const GetOptions &options, const Queue &queue, const Interrupts &interrupts)
        : options_(options), format_(options.format), queue_(queue), interrupts_(interrupts),
          output_(STDOUT_FILENO, interrupts), wait_(queue, interrupts, output_)
    {
        format_.queue = options.places.names.size() > 1 ? queue.place().name : "";
    }

    /* How many messages were written; fewer than `count` if no more came in time. */
    std::uint64_t get(std::uint64_t count)
    {
        std::uint64_t done = 0;
        while (done < count) {
            const std::uint64_t got = get_some(count - done);
            if (got == 0)
                break;
            done += got;
        }
        return done;
    }

private:
    /* Few, because what this process holds nobody else can work on. */
    static constexpr std::size_t most_messages = 64;
    static constexpr std::size_t most_bytes = 1 << 16;

    std::uint64_t get_some(std::uint64_t count)
    {
        Loans loans(queue_);
        text_.clear();
        ends_.clear();
        int result = loans.add([&](cq_message *message) { return take_first(message); });
        while (result == CQ_OK) {
            format_.append(text_, queue_, loans.last());
            ends_.push_back(text_.size());
            if (loans.size() >= count || loans.size() >= most_messages || text_.size() >= most_bytes)
                break;
            result = loans.add([&](cq_message *message) { return cq_take(queue_, message); });
        }
        const std::size_t written = output_.write(text_);
        std::size_t whole = 0;
        while (whole < ends_.size() && ends_[whole] <= written)
            ++whole;
        loans.release_first(whole);
        output_.check();
        queue_.must(result);
        return whole;
    }

    int take_first(cq_message *message)
    {
        interrupts_.check();
        const int result = cq_take(queue_, message);
        if (result != CQ_EMPTY || options_.patience() == 0)
            return result;
        return wait_([&] { return cq_take_wait(queue_, message, options_.patience()); });
    }

    const GetOptions &options_;
    MessageFormat format_;
    const Queue &queue_;
    const Interrupts &interrupts_;
    Output output_;
    Waiting wait_;
    std::string text_;
    std::vector<std::size_t> ends_; /* where in text_ each message ends */
};

int run_get(const GetOptions &options)
{
    const bool endless = options.all || options.follow;
    if (options.places.names.size() > 1 && options.patience() != 0)
        throw Failure("it can wait at one queue only: name one, or leave out --wait and --follow", exit_usage);
    std::list<Queue> queues; /* all there before anything is taken */
    for (const Place &place : options.places.all())
        queues.emplace_back(place, CQ_ATTACH);
    const Interrupts interrupts;
    const std::uint64_t wanted = endless ? std::numeric_limits<std::uint64_t>::max() : options.count;
    std::uint64_t got = 0;
    for (const Queue &queue : queues)
        got += Getter(options, queue, interrupts).get(wanted - got);
    return got == wanted || (endless && got > 0) ? exit_ok : exit_nothing;
}

} // namespace

void add_get(CLI::App &app, Command &chosen)
{
    add_command<GetOptions>(
        app, chosen, "get", "Take messages out of a queue", run_get, [](CLI::App &command, GetOptions &options) {
            add_places(command, options.places, Trust::by_root)->required();
            auto *count = add_parsed(command, "-n,--count", options.count, parse_count, "N",
                                     "How many messages (default: 1)");
            auto *all = command.add_flag("--all", options.all, "All messages, until none is waiting");
            auto *follow = command.add_flag("--follow", options.follow,
                                            "All messages, and those that come; the same as --all --wait forever");
            add_parsed(command, "--wait", options.wait, parse_duration, "DURATION",
                       "How long to wait for each message when none is there (default: 0)");
            count->excludes(all)->excludes(follow);
            all->excludes(follow);
            add_format(command, options.format);
            explain(command,
                    {std::string(format_help) +
                         "\n\n"
                         "At least once: a message is written, then removed from the queue. If this\n"
                         "process is killed in between, somebody gets it again, with deliveries 2 (see\n"
                         "--meta). When it is interrupted, or nobody reads its output any more, it gives\n"
                         "back what was not written whole. What was written is removed, whatever its\n"
                         "reader does with it: `cq work` removes a message only when a command is done\n"
                         "with it.\n\n"
                         "Of several queues the first is emptied before the next; JSON has the name then.",
                     "0 all that were asked for; 1 too few were waiting (with --all and\n"
                     "--follow: none); 2 wrong usage; 3 error, also if the queue is removed while it\n"
                     "waits. A signal ends it as usual.",
                     {"cq get orders --wait 2s", "cq get orders --all --json | jq -r .text",
                      "cq get orders --follow --meta"}});
        });
}

} // namespace tool
