/*
 * cq ls: the queues of a directory.
 */
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct ListOptions {
    Place place; /* without a name */
    bool json = false;
};

struct Entry {
    std::string name;
    Stats stats;
    std::string problem; /* why there are no stats */
};

/* What cqueue.h allows. Any other name is not a queue's, and might hold what a terminal must not be sent. */
bool is_name(const std::string &name)
{
    static constexpr const char *plain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-";
    return !name.empty() && name.size() <= 200 && name.find_first_not_of(plain) == std::string::npos &&
           std::string("._-").find(name[0]) == std::string::npos;
}

/* In the order of their names. */
std::vector<Entry> find_queues(const Place &where)
{
    const std::string directory = where.directory.empty() ? default_directory() : where.directory;
    const std::string prefix = "cqueue.";
    std::vector<Entry> entries;
    std::error_code error;
    for (auto file = std::filesystem::directory_iterator(directory, error);
         !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
        const std::string file_name = file->path().filename().string();
        if (file_name.rfind(prefix, 0) != 0)
            continue;
        std::string name = file_name.substr(prefix.size());
        if (is_name(name))
            entries.push_back({std::move(name), {}, {}});
    }
    if (error)
        throw Failure("cannot list the directory " + directory + ": " + error.message());
    std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) { return a.name < b.name; });
    return entries;
}

/* False if the queue is gone. */
bool look_at(Entry &entry, const Place &where)
{
    Place place = where;
    place.name = entry.name;
    const cq_config config = place.config(CQ_READ_ONLY);
    cq_queue *queue = nullptr;
    int result = cq_open(place.name.c_str(), &config, &queue);
    if (result == CQ_ENOENT)
        return false;
    if (result == CQ_OK)
        result = cq_stat(queue, &entry.stats);
    if (result < 0)
        entry.problem = explain(result, place, config);
    cq_close(queue);
    return true;
}

nlohmann::ordered_json to_json(const Entry &entry)
{
    nlohmann::ordered_json object;
    object["name"] = entry.name;
    if (!entry.problem.empty()) {
        object["error"] = entry.problem;
        return object;
    }
    object["capacity"] = entry.stats.capacity;
    object["length"] = entry.stats.length;
    object["max_message_size"] = entry.stats.max_message_size;
    object["participants"] = entry.stats.participants;
    object["memory"] = entry.stats.memory;
    object["created"] = entry.stats.created;
    return object;
}

using Row = std::array<std::string, 7>;

Row to_row(const Entry &entry)
{
    const Stats &stats = entry.stats;
    return {entry.name,
            std::to_string(stats.capacity),
            std::to_string(stats.length),
            format_bytes(stats.max_message_size),
            std::to_string(stats.participants),
            format_bytes(stats.memory),
            format_span(now() - stats.created)};
}

/* The first column to the left, numbers to the right. A queue that cannot be looked at has a sentence for numbers. */
void print_table(const std::vector<Entry> &entries)
{
    std::vector<Row> rows{{"NAME", "CAPACITY", "LENGTH", "MAX MESSAGE", "PARTICIPANTS", "MEMORY", "AGE"}};
    Row::size_type widths[std::tuple_size_v<Row>] = {};
    for (const Entry &entry : entries)
        rows.push_back(entry.problem.empty() ? to_row(entry) : Row{entry.name});
    for (const Row &row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    for (std::size_t line = 0; line < rows.size(); ++line) {
        const Row &row = rows[line];
        std::cout << row[0] << std::string(widths[0] - row[0].size(), ' ');
        if (line > 0 && !entries[line - 1].problem.empty()) {
            std::cout << "  " << entries[line - 1].problem << '\n';
            continue;
        }
        for (std::size_t i = 1; i < row.size(); ++i)
            std::cout << "  " << std::string(widths[i] - row[i].size(), ' ') << row[i];
        std::cout << '\n';
    }
}

int run_list(const ListOptions &options)
{
    std::vector<Entry> entries;
    for (Entry &entry : find_queues(options.place))
        if (look_at(entry, options.place))
            entries.push_back(std::move(entry));
    if (options.json) {
        nlohmann::ordered_json array = nlohmann::ordered_json::array();
        for (const Entry &entry : entries)
            array.push_back(to_json(entry));
        std::cout << array.dump(2) << '\n';
    } else {
        print_table(entries);
    }
    if (!std::cout.flush())
        throw Failure("cannot write the output");
    return exit_ok;
}

} // namespace

void add_list(CLI::App &app, Command &chosen)
{
    add_command<ListOptions>(
        app, chosen, "ls", "List the queues of a directory", run_list, [](CLI::App &command, ListOptions &options) {
            add_where(command, options.place, Trust::by_root);
            command.add_flag("--json", options.json,
                             "Print an array of JSON; sizes in bytes, created in nanoseconds since 1970");
            command.footer("A queue that cannot be looked at is listed with the reason in place of numbers.\n\n"
                           "Exit codes: 0 listed; 2 wrong usage; 3 error.\n\n"
                           "Example:\n"
                           "  cq ls --trust");
        });
}

} // namespace tool
