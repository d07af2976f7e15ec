/*
 * cq put: standard input or a file into the queue.
 */
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "commands.hpp"
#include "failure.hpp"
#include "framing.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"
#include "waiting.hpp"

namespace tool {

namespace {

struct PutOptions {
    Place place;
    std::string file;
    bool null = false;
    bool base64 = false;
    bool ack = false;
    bool no_wait = false;
    std::int64_t wait = forever;
};

class File {
public:
    explicit File(const std::string &path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC))
    {
        if (descriptor_ < 0)
            throw Failure("cannot open " + path + ": " + std::strerror(errno));
    }
    ~File() { ::close(descriptor_); }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

class Putter {
public:
    Putter(const PutOptions &options, const Queue &queue, const Interrupts &interrupts)
        : options_(options), queue_(queue), interrupts_(interrupts), output_(STDOUT_FILENO, interrupts)
    {
    }

    std::uint64_t accepted() const { return accepted_; }

    /* Ends with a sentence that says what has been put, whatever happens. */
    void put_all(MessageReader &reader)
    {
        try {
            for (;;) {
                const auto &messages = reader.next();
                if (messages.empty())
                    break;
                put(messages);
            }
        } catch (const Failure &failure) {
            throw Failure(std::string(failure.what()) + "; " + account(reader), failure.code());
        } catch (const Interrupted &) {
            std::cerr << "cq: interrupted; " << account(reader) << std::endl;
            throw;
        }
    }

private:
    void put(const std::vector<std::string_view> &messages)
    {
        slices_.clear();
        for (const auto &message : messages)
            slices_.push_back({const_cast<char *>(message.data()), message.size()});
        std::size_t begin = 0;
        while (begin < slices_.size()) {
            interrupts_.check();
            /* Small batches, so that acknowledgements follow soon. */
            const std::size_t count = std::min<std::size_t>(slices_.size() - begin, 64);
            std::size_t done = 0;
            int result = cq_enqueue_batch(queue_, slices_.data() + begin, count, &done);
            acknowledge(done);
            begin += done;
            if (result == CQ_FULL) {
                result = wait_and_put(slices_[begin]);
                acknowledge(1);
                ++begin;
            }
            queue_.must(result);
        }
    }

    int wait_and_put(const cq_slice &message)
    {
        const std::int64_t limit = options_.no_wait ? 0 : options_.wait;
        const int result = wait_in_slices(limit, [&](std::int64_t slice) {
            interrupts_.check();
            return cq_enqueue_wait(queue_, message.data, message.size, slice);
        });
        if (result == CQ_TIMEOUT)
            throw Failure(queue_.explain(CQ_FULL), exit_nothing);
        return queue_.must(result, message.size);
    }

    void acknowledge(std::uint64_t count)
    {
        if (options_.ack) {
            text_.clear();
            for (std::uint64_t i = 1; i <= count; ++i)
                text_ += std::to_string(accepted_ + i) + '\n';
            accepted_ += count;
            output_.write(text_);
            output_.check();
        } else {
            accepted_ += count;
        }
    }

    std::string account(const MessageReader &reader) const
    {
        const std::string noun = reader.noun();
        if (accepted_ == 0)
            return "nothing was put";
        if (accepted_ == 1)
            return "the first " + noun + " was put";
        return "the first " + format_count(accepted_, noun) + " were put";
    }

    const PutOptions &options_;
    const Queue &queue_;
    const Interrupts &interrupts_;
    Output output_;
    std::uint64_t accepted_ = 0;
    std::vector<cq_slice> slices_;
    std::string text_;
};

int run_put(const PutOptions &options)
{
    const Queue queue(options.place, CQ_ATTACH);
    /* Opened first: to open a FIFO may take for ever, and a signal should end that. */
    std::optional<File> file;
    if (!options.file.empty() && options.file != "-")
        file.emplace(options.file);
    const Interrupts interrupts;
    Input input(file ? file->descriptor() : STDIN_FILENO, interrupts);
    const Framing framing = !options.file.empty() ? Framing::whole
                            : options.null        ? Framing::nuls
                            : options.base64      ? Framing::base64_lines
                                                  : Framing::lines;
    MessageReader reader(input, framing, queue.stat().max_message_size);
    Putter putter(options, queue, interrupts);
    putter.put_all(reader);
    return exit_ok;
}

} // namespace

void add_put(CLI::App &app, Command &chosen)
{
    add_command<PutOptions>(
        app, chosen, "put", "Put messages into a queue", run_put, [](CLI::App &command, PutOptions &options) {
            add_place(command, options.place);
            auto *file = command.add_option("--file", options.file,
                                            "Put the whole file as one message; - is standard input");
            file->type_name("FILE");
            auto *null = command.add_flag("-0,--null", options.null, "A NUL ends a message, not a newline");
            auto *base64 = command.add_flag("--base64", options.base64, "Each line is a message in base64");
            null->excludes(base64)->excludes(file);
            base64->excludes(file);
            auto *wait = add_parsed(command, "--wait", options.wait, parse_duration, "DURATION",
                                    "How long to wait for room for a message (default: forever)");
            command.add_flag("--no-wait", options.no_wait, "Do not wait for room")->excludes(wait);
            command.add_flag("--ack", options.ack,
                             "Print the number of each message, 1, 2, ..., as soon as the queue has it");
            command.footer("Without --file each line of standard input is a message, its newline left out;\n"
                           "an empty line is a message of 0 bytes. What --ack has printed stays in the queue\n"
                           "whatever happens to this process. When a message cannot be put, those before it\n"
                           "have been, and standard error says how many.\n\n"
                           "Exit codes: 0 all were put; 1 the queue was full for too long; 2 wrong usage;\n"
                           "3 error. A signal ends it as usual.\n\n"
                           "Example:\n"
                           "  journalctl --follow | cq put log --wait 2s");
        });
}

} // namespace tool
