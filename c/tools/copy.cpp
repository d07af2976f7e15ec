/*
 * cq copy: what waits in one queue, put into another as well.
 */
#include <cstdint>
#include <exception>
#include <iostream>
#include <limits>
#include <string>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "carry.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct CopyOptions {
    Place from;
    std::string to;
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
    std::int64_t wait = 0;
    bool without_headers = false;
    bool json = false;
};

struct Copying {
    const Queue &from;
    Sink &sink;
    const Interrupts &interrupts;
    const CopyOptions &options;
    std::uint64_t copied = 0;
    std::exception_ptr stopped;
};

/* Called from C, through which no exception may pass. */
int copy(const cq_message *message, void *context) noexcept
{
    Copying &copying = *static_cast<Copying *>(context);
    if (copying.copied == copying.options.count)
        return 1;
    try {
        copying.interrupts.check();
        Parcel parcel(copying.from, *message);
        if (copying.options.without_headers)
            parcel.leave_headers_out();
        copying.sink.put(parcel);
        ++copying.copied;
        return 0;
    } catch (...) {
        copying.stopped = std::current_exception();
        return 1;
    }
}

int run_copy(const CopyOptions &options)
{
    Place place = options.from;
    place.name = options.to;
    const Queue from(options.from, CQ_READ_ONLY);
    const Queue to(place, CQ_ATTACH);
    refuse_same(from, to);
    const Interrupts interrupts;
    const Output output(STDOUT_FILENO, interrupts);
    Sink sink(to, interrupts, output, options.wait);
    Copying copying{from, sink, interrupts, options, 0, nullptr};
    from.must(cq_walk(from, copy, &copying));
    const std::string account =
        format_count(copying.copied, "message") + (copying.copied == 1 ? " was copied" : " were copied");
    try {
        if (copying.stopped)
            std::rethrow_exception(copying.stopped);
    } catch (const Failure &failure) {
        throw Failure(std::string(failure.what()) + "; " + account, failure.code());
    } catch (const Interrupted &) {
        std::cerr << "cq: interrupted; " << account << std::endl;
        throw;
    }
    if (options.json)
        std::cout << nlohmann::ordered_json{{"from", options.from.name}, {"to", options.to}, {"copied", copying.copied}}
                         .dump()
                  << '\n';
    else
        std::cout << account << '\n';
    finish_output();
    return copying.copied > 0 ? exit_ok : exit_nothing;
}

} // namespace

void add_copy(CLI::App &app, Command &chosen)
{
    add_command<CopyOptions>(
        app, chosen, "copy", "Copy the waiting messages to another queue", run_copy,
        [](CLI::App &command, CopyOptions &options) {
            command.add_option("FROM", options.from.name, "The queue that they wait in, and stay in")->required();
            command.add_option("TO", options.to, "The queue that gets copies")->required();
            add_where(command, options.from, Trust::if_asked);
            add_parsed(command, "-n,--count", options.count, parse_count, "N", "How many messages (default: all)");
            add_parsed(command, "--wait", options.wait, parse_duration, "DURATION",
                       "How long to wait for room for a message (default: 0)");
            command.add_flag("--without-headers", options.without_headers, "Leave the messages' headers out");
            command.add_flag("--json", options.json, "Print how many were copied as a line of JSON");
            explain(command, {"Messages that come to FROM or leave it meanwhile may be copied or not; those that\n"
                              "somebody holds are not. Headers are copied too; a TO that takes none, or fewer bytes\n"
                              "of them, gets no such message.",
                              "0 at least one message was copied; 1 none was waiting, or there was no\n"
                              "room; 2 wrong usage; 3 error. A signal ends it as usual.",
                              {"cq copy orders done", "cq copy orders done --count 3 --json"}});
        });
}

} // namespace tool
