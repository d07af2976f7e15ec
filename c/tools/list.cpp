/*
 * cq ls: the queues of a directory.
 */
#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "directory.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct ListOptions {
    Places places; /* no names: all */
    bool json = false;
};

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
            std::cout << "  " << without_name(entries[line - 1].problem, row[0]) << '\n';
            continue;
        }
        for (std::size_t i = 1; i < row.size(); ++i)
            std::cout << "  " << std::string(widths[i] - row[i].size(), ' ') << row[i];
        std::cout << '\n';
    }
}

int run_list(const ListOptions &options)
{
    const Place &where = options.places.where;
    const bool all = options.places.names.empty();
    std::vector<Entry> entries;
    for (const std::string &name : all ? names_in(where) : options.places.names) {
        Entry entry{name, {}, {}};
        if (look_at(entry, where))
            entries.push_back(std::move(entry));
        else if (!all)
            throw Failure("there is no queue \"" + name + "\" in " + where.where());
    }
    if (options.json) {
        nlohmann::ordered_json array = nlohmann::ordered_json::array();
        for (const Entry &entry : entries)
            array.push_back(to_json(entry));
        std::cout << array.dump(2) << '\n';
    } else {
        print_table(entries);
    }
    finish_output();
    return exit_ok;
}

} // namespace

void add_list(CLI::App &app, Command &chosen)
{
    add_command<ListOptions>(
        app, chosen, "ls", "List the queues of a directory", run_list, [](CLI::App &command, ListOptions &options) {
            add_places(command, options.places, Trust::by_root)->description("These queues alone (default: all)");
            command.add_flag("--json", options.json,
                             "Print an array of JSON; sizes in bytes, created in nanoseconds since 1970");
            explain(command, {"A queue that cannot be looked at is listed with the reason in place of numbers.",
                              "0 listed; 2 wrong usage; 3 error.",
                              {"cq ls --trust", "cq ls --json | jq -r '.[] | select(.length > 0) | .name'"}});
        });
}

} // namespace tool
