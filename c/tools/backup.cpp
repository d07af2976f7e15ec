/*
 * cq backup and cq restore: a queue as lines of JSON, which any version of the library can read. The first line says
 * what kind of queue it is, the last one how many messages there are, so that half a file is noticed.
 */
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base64.hpp"
#include "commands.hpp"
#include "draft.hpp"
#include "failure.hpp"
#include "files.hpp"
#include "format.hpp"
#include "lasting.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

constexpr int backup_version = 1;

struct BackupOptions {
    Place place;
    std::string file;
    bool json = false;
};

struct RestoreOptions {
    Place place;
    std::string file;
    std::string name;
    Shape shape;
    bool durable = false, not_durable = false; /* neither: as it was */
    std::string durable_directory;
    bool json = false;
};

struct Saving {
    const Queue &queue;
    NewFile &file;
    const Interrupts &interrupts;
    MessageFormat format;
    std::string text;
    std::uint64_t messages = 0;
    std::exception_ptr stopped;
};

std::string encoded(std::string_view bytes)
{
    std::string text;
    base64_encode(bytes, text);
    return text;
}

int save_source(const char *name, std::uint64_t number, void *context)
{
    static_cast<nlohmann::ordered_json *>(context)->push_back({encoded(name), number});
    return 0;
}

/* Called from C, through which no exception may pass. */
int save(const cq_message *message, void *context) noexcept
{
    Saving &saving = *static_cast<Saving *>(context);
    try {
        saving.interrupts.check();
        saving.format.append(saving.text, saving.queue, *message);
        ++saving.messages;
        if (saving.text.size() > 1 << 16) {
            saving.file.write(saving.text);
            saving.text.clear();
        }
        return 0;
    } catch (...) {
        saving.stopped = std::current_exception();
        return 1;
    }
}

/* The directory of a durable queue; empty: it is not. */
std::string kept_in(const Queue &queue)
{
    char path[4096] = "";
    return cq_durable_directory(queue, path, sizeof path) == CQ_OK ? path : "";
}

int run_backup(const BackupOptions &options)
{
    const Queue queue(options.place, CQ_READ_ONLY);
    const Stats stats = queue.stat();
    const Interrupts interrupts;
    NewFile file(options.file);
    Saving saving{queue, file, interrupts, {}, {}, 0, nullptr};
    saving.format.json = true;
    nlohmann::ordered_json sources = nlohmann::ordered_json::array();
    queue.must(cq_sources(queue, save_source, &sources));
    saving.text = nlohmann::ordered_json{{"cq_backup", backup_version},
                                         {"name", options.place.name},
                                         {"capacity", stats.capacity},
                                         {"max_message_size", stats.max_message_size},
                                         {"max_held", stats.max_held},
                                         {"max_memory", stats.max_memory},
                                         {"reserve", stats.reserve},
                                         {"max_headers", stats.max_headers},
                                         {"max_deliveries", stats.max_deliveries},
                                         {"time_to_live", stats.time_to_live},
                                         {"dead_letter", stats.dead_letter},
                                         {"enqueue_times", stats.enqueue_times != 0},
                                         {"exclusive_consumer", stats.exclusive_consumer != 0},
                                         {"durable", stats.durable != 0},
                                         {"durable_directory", kept_in(queue)},
                                         {"sources", sources},
                                         {"time", now()}}
                      .dump() +
                  "\n";
    queue.must(cq_walk(queue, save, &saving));
    if (saving.stopped)
        std::rethrow_exception(saving.stopped);
    file.write(saving.text + nlohmann::ordered_json{{"cq_backup_end", saving.messages}}.dump() + "\n");
    file.publish();
    const std::uint64_t held = queue.stat().held;
    std::ostream &out = options.file == "-" ? std::cerr : std::cout;
    if (options.json)
        out << nlohmann::ordered_json{{"name", options.place.name}, {"saved", saving.messages}, {"held", held}}.dump()
            << '\n';
    else if (options.file != "-" || held > 0)
        out << options.place.name << ": " << format_count(saving.messages, "message") << " saved"
            << (held > 0 ? "; not those that consumers hold, " + std::to_string(held) : "") << '\n';
    finish_output();
    return exit_ok;
}

/* The lines of a backup, each checked. */
class Backup {
public:
    explicit Backup(const std::string &path) : name_(path == "-" ? "standard input" : path)
    {
        if (path != "-")
            file_.open(path);
        if (!file_)
            throw Failure("cannot open " + path + ": " + std::strerror(errno));
        const nlohmann::json head = nlohmann::json::parse(line(), nullptr, false);
        try {
            if (head.at("cq_backup").get<int>() != backup_version)
                throw Failure(name_ + " was made by another version of cq: restore it with that one");
            queue_ = head.at("name").get<std::string>();
            shape_ = {head.at("capacity").get<std::uint64_t>(), head.at("max_message_size").get<std::uint64_t>(),
                      head.at("max_held").get<std::uint64_t>(), head.at("max_memory").get<std::uint64_t>(),
                      head.at("reserve").get<std::uint64_t>(), {}};
            Fate &fate = shape_.fate;
            fate.max_headers = head.value("max_headers", fate.max_headers);
            fate.max_deliveries = head.value("max_deliveries", fate.max_deliveries);
            fate.time_to_live = head.value("time_to_live", fate.time_to_live);
            fate.dead_letter = head.value("dead_letter", fate.dead_letter);
            fate.enqueue_times = head.value("enqueue_times", fate.enqueue_times);
            fate.exclusive_consumer = head.value("exclusive_consumer", fate.exclusive_consumer);
            durable_ = head.value("durable", false);
            durable_directory_ = head.value("durable_directory", "");
            for (const nlohmann::json &source : head.value("sources", nlohmann::json::array()))
                sources_.emplace_back(decoded(source.at(0).get<std::string>()), source.at(1).get<std::uint64_t>());
        } catch (const nlohmann::json::exception &) {
            throw Failure(name_ + " is no backup: it does not begin as `cq backup` makes it");
        }
    }

    const std::string &queue() const { return queue_; }
    const Shape &shape() const { return shape_; }
    const std::string &where() const { return name_; }
    bool durable() const { return durable_; }
    const std::string &durable_directory() const { return durable_directory_; }

    const std::vector<std::pair<std::string, std::uint64_t>> &sources() const { return sources_; }

    /* False at the end, which must be there. */
    bool next(std::string &message, std::string &headers)
    {
        const std::string text = line();
        std::string fault;
        const nlohmann::json end = nlohmann::json::parse(text, nullptr, false);
        if (end.is_object() && end.contains("cq_backup_end")) {
            if (end["cq_backup_end"] != messages_)
                throw Failure(name_ + " is damaged: it has " + format_count(messages_, "message") +
                              ", and says that it has " + end["cq_backup_end"].dump());
            return false;
        }
        if (!message_of_json(text, message, headers, fault))
            throw Failure(name_ + ", line " + std::to_string(messages_ + 2) + " " + fault);
        ++messages_;
        return true;
    }

private:
    std::string decoded(const std::string &text) const
    {
        std::string bytes = text;
        std::size_t size = 0;
        if (!base64_decode(bytes.data(), bytes.size(), &size))
            throw Failure(name_ + " is damaged: \"" + text + "\" is no base64");
        bytes.resize(size);
        return bytes;
    }

    std::string line()
    {
        std::string text;
        if (!std::getline(file_.is_open() ? file_ : std::cin, text))
            throw Failure(name_ + " is incomplete: its end is missing, after " + format_count(messages_, "message"));
        return text;
    }

    std::string name_;
    std::ifstream file_;
    std::string queue_;
    Shape shape_;
    bool durable_ = false;
    std::string durable_directory_;
    std::vector<std::pair<std::string, std::uint64_t>> sources_;
    std::uint64_t messages_ = 0;
};

/* Where it shall be: a durable queue is kept where it was, or beside that under its new name, unless a directory is
   named. */
Place place_of(const RestoreOptions &options, const Backup &backup)
{
    Place place = options.place;
    place.name = options.name.empty() ? backup.queue() : options.name;
    if (options.not_durable || !(options.durable || !options.durable_directory.empty() || backup.durable()))
        return place;
    std::string directory = options.durable_directory;
    const std::filesystem::path was = backup.durable_directory();
    if (directory.empty() && !is_on_disk(place.where()) && !was.empty())
        directory = was.filename() == std::filesystem::path(lasting_in("", backup.queue())).filename()
                        ? lasting_in(was.parent_path().string(), place.name)
                        : was.string();
    return to_be_lasting(place, directory);
}

/* Put into it what is in the backup; how many messages that were. */
std::uint64_t fill(const Queue &queue, Backup &backup)
{
    const Interrupts interrupts;
    std::string message, headers;
    std::uint64_t restored = 0;
    for (; backup.next(message, headers); ++restored) {
        interrupts.check();
        const Parcel parcel(message, headers);
        const int result = cq_enqueue_message(queue, parcel, 0);
        if (result == CQ_TIMEOUT)
            throw Failure(backup.where() + " has more messages than the capacity, " +
                          std::to_string(queue.stat().capacity) + ": restore it with a larger --capacity");
        queue.must(result, parcel);
    }
    for (const auto &[name, number] : backup.sources())
        queue.must(cq_raise_source(queue, name.c_str(), number));
    if (queue.stat().durable)
        queue.must(cq_sync(queue, -1));
    return restored;
}

int run_restore(const RestoreOptions &options)
{
    Backup backup(options.file);
    const Place place = place_of(options, backup);
    Shape shape = backup.shape();
    if (options.shape.capacity) {
        shape.capacity = options.shape.capacity;
        shape.max_held = 0;
    }
    if (options.shape.max_message_size)
        shape.max_message_size = options.shape.max_message_size;
    if (options.shape.max_held)
        shape.max_held = options.shape.max_held;
    if (::access(place.path().c_str(), F_OK) == 0)
        throw Failure("\"" + place.name + "\" exists in " + place.where() +
                      " already: name another (cq restore FILE NAME), or remove it first (cq rm)");
    Draft draft(place, shape);
    std::uint64_t restored = 0;
    try {
        restored = fill(draft.queue(), backup);
        if (place.permissions)
            draft.set_mode(place.permissions);
        draft.publish();
    } catch (...) {
        if (!place.lasting.empty())
            remove_lasting(place.name, place.lasting); /* there was none before */
        throw;
    }
    if (!place.lasting.empty() && place.where() == CQ_DIRECTORY)
        remember_lasting(place.name, place.lasting);
    if (options.json)
        std::cout << nlohmann::ordered_json{{"name", place.name}, {"restored", restored}}.dump() << '\n';
    else
        std::cout << place.name << ": " << format_count(restored, "message") << " restored"
                  << (place.lasting.empty() ? "" : ", kept in " + place.lasting) << '\n';
    finish_output();
    return exit_ok;
}

} // namespace

void add_backup(CLI::App &app, Command &chosen)
{
    add_command<BackupOptions>(
        app, chosen, "backup", "Save a queue and its messages in a file", run_backup,
        [](CLI::App &command, BackupOptions &options) {
            add_place(command, options.place, Trust::by_root);
            command.add_option("FILE", options.file, "Where to; - is standard output")->required();
            command.add_flag("--json", options.json, "Print what was saved as a line of JSON");
            explain(command, {"The messages stay in the queue. Those that come or go meanwhile may be saved or\n"
                              "not; those that consumers hold are not, and it says how many that are. The file\n"
                              "has a line of JSON for each message, as `cq get --json` prints it, between a first\n"
                              "and a last line about the queue. A file that exists is replaced when the new one is\n"
                              "complete.",
                              "0 saved; 2 wrong usage; 3 error.",
                              {"cq backup orders orders.backup", "cq backup orders - | gzip > orders.gz"}});
        });
    add_command<RestoreOptions>(
        app, chosen, "restore", "Make a queue from a backup", run_restore,
        [](CLI::App &command, RestoreOptions &options) {
            command.add_option("FILE", options.file, "What `cq backup` made; - is standard input")->required();
            command.add_option("NAME", options.name, "What the queue shall be called (default: as it was)");
            add_where(command, options.place, Trust::if_asked,
                      "Permissions of the queue's file, in octal (default: 0600)");
            add_parsed(command, "--capacity", options.shape.capacity, parse_count, "MESSAGES",
                       "How many messages may wait in it (default: as it was)");
            add_parsed(command, "--max-message", options.shape.max_message_size, parse_size, "BYTES",
                       "The size of the largest message (default: as it was)");
            add_parsed(command, "--max-held", options.shape.max_held, parse_count, "MESSAGES",
                       "How many messages consumers may hold (default: as it was)");
            auto *durable = command.add_flag("--durable", options.durable,
                                             "Kept on a disk, as by `cq create --durable` (default: as it was)");
            auto *directory = command.add_option("--durable-directory", options.durable_directory,
                                                 "Kept in this directory on a disk");
            directory->type_name("DIRECTORY");
            command.add_flag("--not-durable", options.not_durable, "In memory alone (default: as it was)")
                ->excludes(durable)
                ->excludes(directory);
            command.add_flag("--json", options.json, "Print what was restored as a line of JSON");
            explain(command, {"There must be no queue of that name. It appears when all messages are in it, or not\n"
                              "at all. Messages count as new: deliveries begin at 1. A durable queue is kept where\n"
                              "it was, unless --directory or --durable-directory says otherwise; no queue may be kept\n"
                              "there (`cq rm --durable`); all is on the disk before it appears. To put a backup's\n"
                              "messages into a queue that exists: grep -v cq_backup FILE | cq put NAME --json",
                              "0 restored; 2 wrong usage; 3 error, there is no new queue.",
                              {"cq backup orders o.backup; cq rm --force orders; cq restore o.backup",
                               "cq backup orders - | cq restore - copy --capacity 1M"}});
        });
}

} // namespace tool
