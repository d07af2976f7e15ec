/*
 * cq stat: everything that is counted about a queue, once or again and again, for people, as JSON or as CSV.
 */
#include <chrono>
#include <cstdio>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "figures.hpp"
#include "participants.hpp"
#include "plot.hpp"
#include "readings.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct StatOptions {
    Places places;
    bool json = false;
    bool csv = false;
    std::string plot;
    std::optional<std::int64_t> watch;
    std::optional<std::uint64_t> count;
};

nlohmann::ordered_json to_json(const Place &where, const Reading &reading)
{
    nlohmann::ordered_json object;
    object["name"] = reading.name;
    Place place = where;
    place.name = reading.name;
    object["file"] = place.path();
    add_json(object, reading.stats);
    if (reading.has_rates) {
        object["time"] = reading.time;
        object["enqueued_per_second"] = reading.in;
        object["dequeued_per_second"] = reading.out;
    }
    object["handles"] = nlohmann::ordered_json::array();
    for (const cq_participant &handle : reading.handles)
        object["handles"].push_back(tool::to_json(handle));
    return object;
}

void print_line(const std::string &name, const std::string &value)
{
    std::printf("%-20s%s\n", name.c_str(), value.c_str());
}

void print(const Place &where, const Reading &reading)
{
    Place place = where;
    place.name = reading.name;
    print_line("name", place.name);
    print_line("file", place.path());
    for (const Figure &figure : figures())
        print_line(figure.title, in_words(figure, reading.stats));
    if (reading.has_rates) {
        print_line("in", format_short(reading.in) + " messages a second");
        print_line("out", format_short(reading.out) + " messages a second");
    }
    for (const cq_participant &handle : reading.handles)
        print_line("handle " + std::to_string(handle.id), describe(handle, place));
}

/* Prints what is seen in one look. */
class Printer {
public:
    explicit Printer(const StatOptions &options) : options_(options)
    {
        if (options.csv)
            std::printf("%s\n", csv_header().c_str());
    }

    void print(const std::vector<Reading> &readings)
    {
        for (const Reading &reading : readings) {
            if (options_.json)
                std::printf("%s\n", to_json(options_.places.where, reading).dump().c_str());
            else if (options_.csv)
                std::printf("%s\n", csv_line(reading).c_str());
            else
                print_text(reading);
        }
        finish_output();
    }

private:
    void print_text(const Reading &reading)
    {
        if (!first_)
            std::printf("\n");
        tool::print(options_.places.where, reading);
        first_ = false;
    }

    const StatOptions &options_;
    bool first_ = true;
};

/* A queue that cannot be looked at is reported and left out, unless it is the only one. */
int leave_out_problems(std::vector<Reading> &readings)
{
    if (readings.size() == 1 && !readings[0].problem.empty())
        throw Failure(readings[0].problem);
    int code = exit_ok;
    std::vector<Reading> fine;
    for (Reading &reading : readings) {
        if (reading.problem.empty()) {
            fine.push_back(std::move(reading));
        } else {
            std::cerr << "cq: " << reading.problem << std::endl;
            code = exit_error;
        }
    }
    readings = std::move(fine);
    return code;
}

int run_stat(const StatOptions &options)
{
    const std::uint64_t endless = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t rounds = options.count.value_or(options.watch ? endless : 1);
    const std::int64_t interval = options.watch.value_or(1'000'000'000);
    Readings look(options.places.where, options.places.names);
    if (!options.plot.empty())
        return plot_live(look, options.plot, interval, rounds);
    std::optional<Printer> printer;
    int code = exit_ok;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        if (round > 0)
            std::this_thread::sleep_for(std::chrono::nanoseconds(interval));
        std::vector<Reading> readings = look.look();
        code = leave_out_problems(readings);
        if (!printer)
            printer.emplace(options);
        printer->print(readings);
        if (options.watch && readings.size() == 1 && readings[0].stats.unlinked)
            throw Failure("\"" + readings[0].name + "\": the queue was removed");
    }
    return code;
}

} // namespace

void add_stat(CLI::App &app, Command &chosen)
{
    add_command<StatOptions>(
        app, chosen, "stat", "Show everything that is counted about a queue", run_stat,
        [](CLI::App &command, StatOptions &options) {
            add_places(command, options.places, Trust::by_root)->required();
            auto *json = command.add_flag("--json", options.json,
                                          "Print a line of JSON for each look: all figures, and all open handles; "
                                          "sizes in bytes, times in nanoseconds since 1970");
            auto *csv = command.add_flag("--csv", options.csv,
                                         "Print a line of figures for each look, for spreadsheets and `cq plot`");
            auto *plot = command.add_option("--plot", options.plot,
                                            "Draw length and rates over time into this SVG file, anew at each look");
            plot->type_name("FILE");
            json->excludes(csv)->excludes(plot);
            csv->excludes(plot);
            add_parsed(command, "--watch", options.watch, parse_interval, "DURATION",
                       "Look again and again, so often, until interrupted or the queue is removed; from the second "
                       "look on there are messages a second, too");
            add_parsed(command, "-n,--count", options.count, parse_count, "N", "How many looks (default: one, with "
                                                                               "--watch no end)");
            explain(command, {"Counts are since the queue was created.",
                              "0 printed; 2 wrong usage; 3 error.",
                              {"cq stat orders", "cq stat orders --json | jq .length",
                               "cq stat orders --watch 1s --csv > orders.csv"}});
        });
}

} // namespace tool
