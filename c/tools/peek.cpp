/*
 * cq peek: the messages that are waiting, left where they are.
 */
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "commands.hpp"
#include "failure.hpp"
#include "format.hpp"
#include "queue.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct PeekOptions {
    Places places;
    MessageFormat format;
    std::uint64_t count = 10;
    bool all = false;
};

struct Visit {
    cq_queue *queue;
    const MessageFormat &format;
    std::uint64_t wanted;
    std::uint64_t shown = 0;
    std::string text;
    int error = 0;
};

/* Called from C, through which no exception may pass: for want of memory it ends the process. */
int show(const cq_message *message, void *context) noexcept
{
    Visit &visit = *static_cast<Visit *>(context);
    if (visit.shown == visit.wanted)
        return 1;
    visit.text.clear();
    visit.format.append(visit.text, visit.queue, *message);
    if (std::fwrite(visit.text.data(), 1, visit.text.size(), stdout) != visit.text.size())
        visit.error = errno;
    ++visit.shown;
    return visit.error != 0 || visit.shown == visit.wanted;
}

int peek(const PeekOptions &options, const Place &place)
{
    const Queue queue(place, CQ_READ_ONLY);
    MessageFormat format = options.format;
    format.queue = options.places.names.size() > 1 ? place.name : "";
    Visit visit{queue, format, options.all ? std::numeric_limits<std::uint64_t>::max() : options.count, 0, {}, 0};
    queue.must(cq_walk(queue, show, &visit));
    if (std::fflush(stdout) != 0)
        visit.error = errno;
    if (visit.error != 0)
        throw Failure(std::string("cannot write the output: ") + std::strerror(visit.error));
    return visit.shown > 0 ? exit_ok : exit_nothing;
}

int run_peek(const PeekOptions &options)
{
    return for_each(options.places, [&](const Place &place) { return peek(options, place); });
}

} // namespace

void add_peek(CLI::App &app, Command &chosen)
{
    add_command<PeekOptions>(
        app, chosen, "peek", "Show the next messages without taking them", run_peek,
        [](CLI::App &command, PeekOptions &options) {
            add_places(command, options.places, Trust::by_root)->required();
            auto *count = add_parsed(command, "-n,--count", options.count, parse_count, "N",
                                     "How many messages (default: 10)");
            command.add_flag("--all", options.all, "All messages that are waiting")->excludes(count);
            add_format(command, options.format);
            explain(command, {std::string(format_help) +
                                  "\n\n"
                                  "Messages that come or go meanwhile may be shown or not. Deliveries is what it\n"
                                  "will be when the message is taken. Of several queues, JSON has the name.",
                              "0 at least one message; 1 none was waiting; 2 wrong usage; 3 error.",
                              {"cq peek orders -n 5 --json", "cq peek orders --all | wc -l"}});
        });
}

} // namespace tool
