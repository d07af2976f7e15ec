/*
 * cq top: queues as they live. This file owns the keys and the clock; what is shown is made by top_view.
 */
#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "readings.hpp"
#include "streams.hpp"
#include "terminal.hpp"
#include "top_view.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct TopOptions {
    Places places;
    std::int64_t interval = 1'000'000'000;
    std::string sort = "rate";
    std::string filter;
    bool reverse = false;
    bool batch = false;
    bool json = false;
    std::optional<std::uint64_t> count;
};

std::vector<Reading> matching(std::vector<Reading> readings, const std::string &filter)
{
    const auto differs = [&](const Reading &reading) { return reading.name.find(filter) == std::string::npos; };
    readings.erase(std::remove_if(readings.begin(), readings.end(), differs), readings.end());
    return readings;
}

class Top {
public:
    Top(const TopOptions &options, const Interrupts &interrupts)
        : options_(options), look_(options.places.where, options.places.names), terminal_(interrupts),
          reverse_(options.reverse)
    {
        state_.directory = options.places.where.where();
        state_.sort = options.sort;
        state_.filter = options.filter;
    }

    void run()
    {
        const std::uint64_t rounds = options_.count.value_or(std::numeric_limits<std::uint64_t>::max());
        /* Soon again after the first look: only then there are rates. */
        std::chrono::nanoseconds interval{std::min<std::int64_t>(options_.interval, 200'000'000)};
        for (std::uint64_t round = 0; round < rounds && !done_; ++round) {
            look();
            const auto next = std::chrono::steady_clock::now() + interval;
            look_now_ = false;
            while (!done_ && !look_now_) {
                show();
                const std::chrono::nanoseconds left = next - std::chrono::steady_clock::now();
                if (left.count() <= 0)
                    break;
                press(terminal_.wait(left.count()));
            }
            interval = std::chrono::nanoseconds(options_.interval);
        }
    }

private:
    static constexpr std::size_t longest_history = 300;

    void look()
    {
        all_ = look_.look();
        for (const Reading &reading : all_) {
            if (!reading.has_rates)
                continue;
            History &history = histories_[reading.name];
            history.push_back({static_cast<double>(reading.stats.length), reading.in, reading.out});
            if (history.size() > longest_history)
                history.pop_front();
        }
        choose();
    }

    /* The selected queue stays selected, wherever it moves. */
    void choose()
    {
        readings_ = matching(all_, state_.filter);
        sort_by(readings_, column_named(state_.sort), reverse_);
        const auto found = std::find_if(readings_.begin(), readings_.end(),
                                        [&](const Reading &reading) { return reading.name == chosen_; });
        if (found != readings_.end() && moved_)
            state_.selected = static_cast<std::size_t>(found - readings_.begin());
        select(static_cast<std::ptrdiff_t>(state_.selected));
    }

    void select(std::ptrdiff_t row)
    {
        const auto last = static_cast<std::ptrdiff_t>(readings_.size()) - 1;
        state_.selected = static_cast<std::size_t>(std::max<std::ptrdiff_t>(std::min(row, last), 0));
        chosen_ = readings_.empty() ? "" : readings_[state_.selected].name;
    }

    void show()
    {
        const Screen screen{static_cast<std::size_t>(terminal_.width()), static_cast<std::size_t>(terminal_.height()),
                            terminal_.has_blocks()};
        if (helping_) {
            terminal_.show(help_view(screen));
        } else if (detail_.empty()) {
            terminal_.show(table_view(screen, readings_, state_));
        } else {
            Place place = options_.places.where;
            place.name = detail_;
            const auto found = std::find_if(all_.begin(), all_.end(),
                                            [&](const Reading &reading) { return reading.name == detail_; });
            terminal_.show(detail_view(screen, place, found == all_.end() ? nullptr : &*found, histories_[detail_]));
        }
    }

    void press(Press press)
    {
        if (press.key == Key::none || press.key == Key::resized)
            return;
        if (helping_)
            helping_ = false;
        else if (state_.filtering)
            type(press);
        else if (press.key == Key::character)
            command(press.character);
        else if (press.key == Key::escape || press.key == Key::back)
            detail_.clear();
        else if (press.key == Key::enter)
            detail_ = detail_.empty() ? chosen_ : "";
        else
            move(press.key);
    }

    void move(Key key)
    {
        const auto row = static_cast<std::ptrdiff_t>(state_.selected);
        const std::ptrdiff_t page = std::max(terminal_.height() - 4, 1);
        moved_ = true;
        select(key == Key::up          ? row - 1
               : key == Key::down      ? row + 1
               : key == Key::page_up   ? row - page
               : key == Key::page_down ? row + page
               : key == Key::home      ? 0
                                       : static_cast<std::ptrdiff_t>(readings_.size()));
    }

    void type(Press press)
    {
        if (press.key == Key::character && press.character > ' ')
            state_.filter += press.character;
        else if (press.key == Key::back && !state_.filter.empty())
            state_.filter.pop_back();
        else if (press.key == Key::escape)
            state_.filter.clear();
        state_.filtering = press.key == Key::character || press.key == Key::back;
        choose();
    }

    void command(char character)
    {
        switch (character) {
        case 'q': done_ = true; break;
        case 'j': move(Key::down); break;
        case 'k': move(Key::up); break;
        case 's': sort(1); break;
        case 'S': sort(-1); break;
        case 'r': reverse_ = !reverse_; choose(); break;
        case '/': state_.filtering = true; detail_.clear(); break;
        case '?': case 'h': helping_ = true; break;
        case ' ': look_now_ = true; break;
        default: break;
        }
    }

    /* Name, then the columns, then name again. */
    void sort(int step)
    {
        std::vector<std::string> keys{"name"};
        for (const Column &column : columns())
            keys.emplace_back(column.key);
        const auto now = std::find(keys.begin(), keys.end(), state_.sort) - keys.begin();
        const auto count = static_cast<std::ptrdiff_t>(keys.size());
        state_.sort = keys[static_cast<std::size_t>((now + step + count) % count)];
        choose();
    }

    const TopOptions &options_;
    Readings look_;
    Terminal terminal_;
    TableState state_;
    std::vector<Reading> all_, readings_;
    std::map<std::string, History> histories_;
    std::string chosen_, detail_;
    bool reverse_, moved_ = false, helping_ = false, done_ = false, look_now_ = false;
};

nlohmann::ordered_json to_json(const Reading &reading)
{
    nlohmann::ordered_json object;
    object["time"] = reading.time;
    object["name"] = reading.name;
    if (!reading.problem.empty())
        object["error"] = reading.problem;
    else
        for (const Column &column : columns())
            object[column.key] = column.value(reading);
    return object;
}

/* Where there is no screen: the table once, or so often. */
int print(const TopOptions &options)
{
    Readings look(options.places.where, options.places.names);
    look.look(); /* for rates at once */
    for (std::uint64_t round = 0; round < options.count.value_or(1); ++round) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(options.interval));
        std::vector<Reading> readings = matching(look.look(), options.filter);
        sort_by(readings, column_named(options.sort), options.reverse);
        if (!options.json)
            std::cout << (round ? "\n" : "") << table_text(readings);
        else
            for (const Reading &reading : readings)
                std::cout << to_json(reading).dump() << '\n';
        finish_output();
    }
    return exit_ok;
}

int run_top(const TopOptions &options)
{
    if (options.json || options.batch || !Terminal::is_there())
        return print(options);
    const Interrupts interrupts;
    Top(options, interrupts).run();
    return exit_ok;
}

std::string parse_sort(const std::string &text)
{
    if (text == "name" || column_named(text))
        return text;
    std::string keys = "name";
    for (const Column &column : columns())
        keys += std::string(", ") + column.key;
    throw std::invalid_argument("\"" + text + "\" is no column; there are " + keys);
}

} // namespace

void add_top(CLI::App &app, Command &chosen)
{
    add_command<TopOptions>(
        app, chosen, "top", "Watch queues live", run_top, [](CLI::App &command, TopOptions &options) {
            add_places(command, options.places, Trust::by_root)->description("These queues alone (default: all)");
            add_parsed(command, "-d,--interval", options.interval, parse_interval, "DURATION",
                       "How often to look (default: 1s)");
            add_parsed(command, "--sort", options.sort, parse_sort, "COLUMN",
                       "rate, name, length, fill, in, out, held, waiting, participants or memory (default: rate)");
            command.add_flag("--reverse", options.reverse, "The smallest first");
            command.add_option("--filter", options.filter, "Only queues with this in their name")->type_name("TEXT");
            add_parsed(command, "-n,--count", options.count, parse_count, "N", "How many looks, then end");
            command.add_flag("-b,--batch", options.batch, "Print the table once (or -n times), as into a pipe");
            command.add_flag("--json", options.json, "Print a line of JSON for each queue and look");
            explain(command, {"In a terminal: arrows choose a queue, Enter shows it alone with its recent past and\n"
                              "who has it open, s sorts, / filters, ? tells the keys, q quits. Elsewhere it prints\n"
                              "the table once. NO_COLOR switches colours off.",
                              "0 shown; 2 wrong usage; 3 error. A signal ends it as usual.",
                              {"cq top", "cq top --batch --interval 200ms --sort length"}});
        });
}

} // namespace tool
