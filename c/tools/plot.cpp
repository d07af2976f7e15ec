#include "plot.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

#include <unistd.h>

#include "commands.hpp"
#include "failure.hpp"
#include "figures.hpp"
#include "files.hpp"
#include "options.hpp"
#include "streams.hpp"

namespace tool {

namespace {

constexpr const char *in_column = "enqueued_per_second", *out_column = "dequeued_per_second";

struct PlotOptions {
    std::string file = "-";
    std::string output = "-";
    bool json = false;
};

std::vector<std::string> cells(const std::string &line)
{
    std::vector<std::string> all{""};
    for (const char c : line) {
        if (c == ',')
            all.emplace_back();
        else if (c != '\r')
            all.back() += c;
    }
    return all;
}

/* What `cq stat --csv` printed; columns may be in any order, and others may stand between them. */
class Table {
public:
    Table(std::istream &input, const std::string &name) : name_(name)
    {
        std::string line;
        if (!std::getline(input, line))
            throw Failure(name + " is empty; `cq stat NAME --watch 1s --csv` makes such a file");
        header_ = cells(line);
        for (number_ = 2; std::getline(input, line); ++number_)
            if (!line.empty() && line != "\r")
                add(cells(line));
    }

    const std::map<std::string, Series> &queues() const { return queues_; }

private:
    const std::string &cell(const std::vector<std::string> &row, const std::string &column) const
    {
        const auto found = std::find(header_.begin(), header_.end(), column);
        if (found == header_.end())
            throw Failure(name_ + " has no column \"" + column +
                          "\"; `cq stat NAME --watch 1s --csv` makes a file that has");
        const std::size_t at = static_cast<std::size_t>(found - header_.begin());
        if (at >= row.size())
            throw Failure(name_ + ", line " + std::to_string(number_) + ": there are too few columns");
        return row[at];
    }

    double value(const std::vector<std::string> &row, const std::string &column) const
    {
        const std::string &text = cell(row, column);
        if (text.empty())
            return -1;
        char *end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (*end || !(value >= 0 && value < 1e20))
            throw Failure(name_ + ", line " + std::to_string(number_) + ": \"" + text + "\" is not a number");
        return value;
    }

    void add(const std::vector<std::string> &row)
    {
        Series &series = queues_[cell(row, "name")];
        series.capacity = value(row, "capacity");
        series.points.push_back(
            {value(row, "time"), value(row, "length"), value(row, in_column), value(row, out_column)});
    }

    const std::string &name_;
    std::vector<std::string> header_;
    std::size_t number_ = 1;
    std::map<std::string, Series> queues_;
};

int run_plot(const PlotOptions &options)
{
    if (options.json && options.output == "-")
        throw Failure("--json and the picture both want standard output: name another --output", exit_usage);
    std::ifstream file;
    if (options.file != "-")
        file.open(options.file);
    if (!file)
        throw Failure("cannot open " + options.file + ": " + std::strerror(errno));
    const Table table(options.file == "-" ? std::cin : file, options.file == "-" ? "standard input" : options.file);
    if (table.queues().empty())
        throw Failure(options.file + " has no line of figures");
    const std::string picture = svg(table.queues());
    if (options.json) {
        nlohmann::ordered_json names = nlohmann::ordered_json::array();
        for (const auto &queue : table.queues())
            names.push_back(queue.first);
        write_file(options.output, picture);
        std::cout << nlohmann::ordered_json{{"file", options.output}, {"queues", names}}.dump() << '\n';
        finish_output();
    } else if (options.output != "-") {
        write_file(options.output, picture);
    } else {
        std::cout << picture;
        finish_output();
    }
    return exit_ok;
}

std::string one_decimal(double value)
{
    char text[40];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

} // namespace

std::string csv_header()
{
    std::string header = "time,name";
    for (const Figure &figure : figures())
        header += figure.unit == Unit::text ? "" : std::string(",") + figure.name;
    return header + "," + in_column + "," + out_column;
}

std::string csv_line(const Reading &reading)
{
    char time[40];
    std::snprintf(time, sizeof time, "%.3f", static_cast<double>(reading.time) / 1e9);
    std::string line = std::string(time) + "," + reading.name;
    for (const Figure &figure : figures())
        line += figure.unit == Unit::text ? "" : "," + std::to_string(figure.of(reading.stats));
    return line + (reading.has_rates ? "," + one_decimal(reading.in) + "," + one_decimal(reading.out) : ",,");
}

int plot_live(Readings &look, const std::string &file, std::int64_t interval, std::uint64_t rounds)
{
    std::map<std::string, Series> queues;
    /* One look has no rates. */
    for (std::uint64_t round = 0; round < std::max<std::uint64_t>(rounds, 2); ++round) {
        if (round > 0)
            std::this_thread::sleep_for(std::chrono::nanoseconds(interval));
        for (const Reading &reading : look.look()) {
            if (!reading.problem.empty())
                throw Failure(reading.problem);
            Series &series = queues[reading.name];
            series.capacity = static_cast<double>(reading.stats.capacity);
            series.points.push_back({static_cast<double>(reading.time) / 1e9, static_cast<double>(reading.stats.length),
                                     reading.has_rates ? reading.in : -1, reading.has_rates ? reading.out : -1});
        }
        write_file(file, svg(queues));
    }
    return exit_ok;
}

void add_plot(CLI::App &app, Command &chosen)
{
    add_command<PlotOptions>(
        app, chosen, "plot", "Draw what `cq stat --csv` recorded", run_plot,
        [](CLI::App &command, PlotOptions &options) {
            command.add_option("FILE", options.file, "The recorded figures; - is standard input (default)");
            auto *output = command.add_option("-o,--output", options.output,
                                              "The picture, as SVG (default: standard output)");
            output->type_name("FILE");
            command.add_flag("--json", options.json, "Print what was drawn as a line of JSON")->needs(output);
            explain(command, {"Length and messages a second over time, of each queue in the file. To watch a queue\n"
                              "and draw at once, use `cq stat NAME --plot FILE --watch 1s`.",
                              "0 drawn; 2 wrong usage; 3 error.",
                              {"cq stat orders --csv --watch 100ms -n 5 | cq plot > orders.svg",
                               "cq plot figures.csv --output orders.svg"}});
        });
}

} // namespace tool
