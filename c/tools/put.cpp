/*
 * cq put: standard input or a file into the queue.
 */
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.hpp"
#include "failure.hpp"
#include "framing.hpp"
#include "headers.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"
#include "waiting.hpp"

namespace tool {

namespace {

struct PutOptions {
    Place place;
    std::string file;
    std::vector<std::string> words; /* behind the name, where nothing should be */
    std::vector<std::string> headers; /* KEY=VALUE */
    bool without_headers = false;
    bool null = false;
    bool base64 = false;
    bool json = false;
    bool ack = false;
    bool no_wait = false;
    bool sync = false;
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

/* Does the name still lead to this queue? A removed queue takes messages as ever, and nobody will come to get them. */
class Whereabouts {
public:
    explicit Whereabouts(const Queue &queue) : path_(queue.place().path())
    {
        /* What is seen under the name is this queue if the name leads to it afterwards, too. */
        known_ = ::lstat(path_.c_str(), &seen_) == 0 && queue.stat().unlinked == 0;
    }

    bool in_place() const
    {
        struct stat now;
        return known_ && ::lstat(path_.c_str(), &now) == 0 && now.st_ino == seen_.st_ino && now.st_dev == seen_.st_dev;
    }

private:
    std::string path_;
    struct stat seen_;
    bool known_;
};

class Putter {
public:
    Putter(const PutOptions &options, const Queue &queue, const Interrupts &interrupts)
        : options_(options), queue_(queue), interrupts_(interrupts), output_(STDOUT_FILENO, interrupts),
          wait_(queue, interrupts, output_), whereabouts_(queue), headers_(headers_from(options.headers))
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
            look_for_queue();
        } catch (const Failure &failure) {
            throw Failure(std::string(failure.what()) + "; " + account(reader), failure.code());
        } catch (const Interrupted &) {
            std::cerr << "cq: interrupted; " << account(reader) << std::endl;
            throw;
        }
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds look_interval{100};

    /* Throws Failure if the queue is not there any more. */
    void look_for_queue()
    {
        if (!whereabouts_.in_place())
            throw Failure(queue_.explain(CQ_STALE));
        looked_ = Clock::now();
        in_time_ = accepted_;
    }

    void put(const std::vector<Incoming> &messages)
    {
        std::size_t begin = 0;
        while (begin < messages.size()) {
            interrupts_.check();
            if (Clock::now() - looked_ >= look_interval)
                look_for_queue();
            std::size_t done = 0;
            const int result = put_batch(messages, begin, &done);
            sync(done);
            acknowledge(done);
            begin += done;
            if (result != CQ_ENOSPACE)
                queue_.must(result);
            if (begin < messages.size() && (done == 0 || result != CQ_OK)) {
                put_one({messages[begin].message, headers_of(messages[begin])}, result);
                sync(1);
                acknowledge(1);
                ++begin;
            }
        }
    }

    /* Those without headers that come next, in small batches, so that acknowledgements follow soon. */
    int put_batch(const std::vector<Incoming> &messages, std::size_t begin, std::size_t *done)
    {
        slices_.clear();
        for (std::size_t i = begin; i < messages.size() && slices_.size() < 64 && headers_of(messages[i]).empty(); ++i)
            slices_.push_back({const_cast<char *>(messages[i].message.data()), messages[i].message.size()});
        return slices_.empty() ? CQ_OK : cq_enqueue_batch(queue_, slices_.data(), slices_.size(), done);
    }

    /* It has headers, or there was no room for it, for the reason of `result`. */
    void put_one(const Parcel &parcel, int result)
    {
        if (result == CQ_OK)
            result = cq_enqueue_message(queue_, parcel, 0);
        if ((result == CQ_TIMEOUT || result == CQ_FULL || result == CQ_ENOSPACE) && !options_.no_wait)
            result = wait_([&] { return cq_enqueue_message(queue_, parcel, options_.wait); });
        if (result == CQ_TIMEOUT || result == CQ_FULL || result == CQ_ENOSPACE)
            throw Failure(queue_.explain(result == CQ_TIMEOUT ? CQ_FULL : result), exit_nothing);
        queue_.must(result, parcel);
    }

    /* Those of the message, or of the command line. */
    std::string_view headers_of(const Incoming &message) const
    {
        return options_.without_headers ? std::string_view() : message.headers.empty() ? headers_ : message.headers;
    }

    static std::string headers_from(const std::vector<std::string> &pairs)
    {
        std::string headers, fault;
        for (const std::string &pair : pairs) {
            const std::size_t equals = pair.find('=');
            if (equals == std::string::npos)
                throw Failure("--header \"" + pair + "\" is not KEY=VALUE", exit_usage);
            if (!add_header(headers, pair.substr(0, equals), std::string_view(pair).substr(equals + 1), fault))
                throw Failure("--header: " + fault, exit_usage);
        }
        return headers;
    }

    /* So many more are in the queue. Throws Failure if they cannot be put on the disk: they are counted, then. */
    void sync(std::uint64_t count)
    {
        if (!options_.sync || count == 0)
            return;
        const int result = cq_sync(queue_, -1);
        if (result == CQ_OK)
            return;
        accepted_ += count;
        throw Failure(queue_.explain(result) + "; the last " + format_count(count, "message") +
                          " are in the queue but may not survive a power cut",
                      result == CQ_EINVAL ? exit_usage : exit_error);
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
        const std::string put = accepted_ == 1 ? "the first " + noun + " was put"
                                               : "the first " + format_count(accepted_, noun) + " were put";
        return whereabouts_.in_place() ? put
                                       : put + ", " + std::to_string(accepted_ - in_time_) +
                                             " of them after the queue was last seen in its place: these may be lost, "
                                             "as is what nobody had taken before";
    }

    const PutOptions &options_;
    const Queue &queue_;
    const Interrupts &interrupts_;
    Output output_;
    Waiting wait_;
    Whereabouts whereabouts_;
    Clock::time_point looked_{};
    std::uint64_t accepted_ = 0;
    std::uint64_t in_time_ = 0; /* accepted when the queue was last seen in its place */
    std::string headers_; /* for each message that has none of its own */
    std::vector<cq_slice> slices_;
    std::string text_;
};

/* `cq put orders hello` is what everybody tries first. */
void refuse_words(const PutOptions &options)
{
    if (options.words.empty())
        return;
    std::string text;
    for (const std::string &word : options.words)
        text += (text.empty() ? "" : " ") + word;
    const bool file = ::access(options.words[0].c_str(), F_OK) == 0;
    throw Failure("messages come from standard input, not from the command line: " +
                      (file ? "cq put " + options.place.name + " < " + text
                            : "echo '" + text + "' | cq put " + options.place.name),
                  exit_usage);
}

int run_put(const PutOptions &options)
{
    refuse_words(options);
    const Queue queue(options.place, CQ_ATTACH);
    if (options.sync)
        refuse_not_durable(queue, "--sync");
    /* Opened first: to open a FIFO may take for ever, and a signal should end that. */
    std::optional<File> file;
    if (!options.file.empty() && options.file != "-")
        file.emplace(options.file);
    if (!file && ::isatty(STDIN_FILENO) && ::isatty(STDERR_FILENO))
        std::cerr << "Each line that you type is a message; Ctrl-D ends.\n";
    const Interrupts interrupts;
    Input input(file ? file->descriptor() : STDIN_FILENO, interrupts);
    const Framing framing = !options.file.empty() ? Framing::whole
                            : options.null        ? Framing::nuls
                            : options.base64      ? Framing::base64_lines
                            : options.json        ? Framing::json_lines
                                                  : Framing::lines;
    const Stats stats = queue.stat();
    MessageReader reader(input, framing, stats.max_message_size, stats.max_headers);
    Putter putter(options, queue, interrupts);
    putter.put_all(reader);
    return exit_ok;
}

} // namespace

void add_put(CLI::App &app, Command &chosen)
{
    add_command<PutOptions>(
        app, chosen, "put", "Put messages into a queue", run_put, [](CLI::App &command, PutOptions &options) {
            add_place(command, options.place, Trust::if_asked);
            auto *file = command.add_option("--file", options.file,
                                            "Put the whole file as one message; - is standard input");
            file->type_name("FILE");
            auto *null = command.add_flag("-0,--null", options.null, "A NUL ends a message, not a newline");
            auto *base64 = command.add_flag("--base64", options.base64, "Each line is a message in base64");
            auto *json = command.add_flag("--json", options.json,
                                          "Each line is JSON as `cq get --json` prints it: \"text\" or \"base64\" is "
                                          "the message, with its \"headers\"; the rest is left out of account");
            null->excludes(base64)->excludes(json)->excludes(file);
            base64->excludes(json)->excludes(file);
            json->excludes(file);
            auto *header = command.add_option("-H,--header", options.headers,
                                              "A header of each message; of queues with --max-headers");
            header->type_name("KEY=VALUE")->allow_extra_args(false)->excludes(json);
            command.add_flag("--without-headers", options.without_headers, "Leave the headers of --json out")
                ->needs(json);
            command.add_option("WORD", options.words, "")->group("");
            auto *wait = add_parsed(command, "--wait", options.wait, parse_duration, "DURATION",
                                    "How long to wait for room for a message, in the queue and in memory "
                                    "(default: forever)");
            command.add_flag("--no-wait", options.no_wait, "Do not wait for room")->excludes(wait);
            command.add_flag("--sync", options.sync,
                             "Have each message on the disk before it counts as put, or --ack prints its number; "
                             "of durable queues");
            command.add_flag("--ack", options.ack,
                             "Print the number of each message, 1, 2, ..., as soon as the queue has it");
            explain(command, {"Without --file each line of standard input is a message, its newline left out;\n"
                              "an empty line is a message of 0 bytes. What --ack has printed stays in the queue\n"
                              "whatever happens to this process. When a message cannot be put, those before it\n"
                              "have been, and standard error says how many. The same if the queue is removed\n"
                              "meanwhile, which is looked for every 100 ms and at the end.",
                              "0 all were put; 1 there was no room for too long; 2 wrong usage;\n"
                              "3 error. A signal ends it as usual.",
                              {"echo hello | cq put orders", "tail --follow log.txt | cq put orders --wait 2s",
                               "cq get orders --all --json | cq put done --json"}});
        });
}

} // namespace tool
