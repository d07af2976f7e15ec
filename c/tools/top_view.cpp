#include "top_view.hpp"

#include <algorithm>
#include <cmath>

#include "participants.hpp"
#include "units.hpp"

namespace tool {

namespace {

Look look_of(const Reading &reading)
{
    return !reading.problem.empty() || reading.fill() >= 95 ? Look::bad
           : reading.fill() >= 80                          ? Look::warning
                                                           : Look::plain;
}

std::string row_text(const Reading &reading, const std::vector<const Column *> &shown, std::size_t name_width,
                     std::size_t width)
{
    std::string text = to_left(reading.name, name_width);
    if (!reading.problem.empty())
        return to_left(text + " " + without_name(reading.problem, reading.name), width);
    for (const Column *column : shown)
        text += " " + to_right(column->text(reading), column->width);
    return to_left(text, width);
}

std::string head_text(const std::vector<const Column *> &shown, std::size_t name_width, std::size_t width)
{
    std::string text = to_left("QUEUE", name_width);
    for (const Column *column : shown)
        text += " " + to_right(column->title, column->width);
    return to_left(text, width);
}

std::size_t width_of(const std::vector<const Column *> &shown)
{
    std::size_t width = 0;
    for (const Column *column : shown)
        width += 1 + column->width;
    return width;
}

std::string clock() { return format_time(now()).substr(11, 8); }

/* The newest to the right, the highest as high as there is room for. */
std::string sparkline(const History &history, double Moment::*value, std::size_t width, bool blocks)
{
    static constexpr const char *high[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static constexpr const char *plain[] = {" ", ".", ".", ":", ":", "-", "=", "+", "#"};
    const std::size_t count = std::min(width, history.size());
    double most = 1;
    for (std::size_t i = history.size() - count; i < history.size(); ++i)
        most = std::max(most, history[i].*value);
    std::string text(width - count, ' ');
    for (std::size_t i = history.size() - count; i < history.size(); ++i) {
        const auto level = static_cast<std::size_t>(std::ceil(history[i].*value / most * 8));
        text += blocks ? high[std::min<std::size_t>(level, 8)] : plain[std::min<std::size_t>(level, 8)];
    }
    return text;
}

std::string bar(double percent, std::size_t width, bool blocks)
{
    const double part = std::min(percent, 100.0) / 100;
    const auto full = static_cast<std::size_t>(std::lround(part * static_cast<double>(width)));
    std::string text;
    for (std::size_t i = 0; i < width; ++i)
        text += i < full ? (blocks ? "█" : "#") : (blocks ? "░" : ".");
    return text;
}

void add_trend(std::vector<Line> &lines, const Screen &screen, const History &history, const char *name,
               double Moment::*value, Look look)
{
    const std::string now = history.empty() ? "-" : format_short(history.back().*value);
    const std::size_t room = screen.width > 20 ? screen.width - 16 : 4;
    lines.push_back({{to_left(name, 8)}, {to_right(now, 6) + " ", Look::bold},
                     {sparkline(history, value, std::min<std::size_t>(room, 120), screen.blocks), look}});
}

Line rule(const Screen &screen, const std::string &text)
{
    return {{to_left(text, screen.width), Look::dim}};
}

void fit(std::vector<Line> &lines, const Screen &screen, const std::string &keys)
{
    if (screen.height < 4)
        return;
    lines.resize(screen.height - 1);
    lines.push_back(rule(screen, keys));
}

} // namespace

std::vector<Line> table_view(const Screen &screen, const std::vector<Reading> &readings, const TableState &state)
{
    const std::vector<const Column *> shown = columns_for(screen.width);
    const std::size_t name_width = screen.width > width_of(shown) ? screen.width - width_of(shown) : 1;
    const std::size_t rows = screen.height > 4 ? screen.height - 3 : screen.height > 2 ? screen.height - 2 : 1;
    const std::size_t first = state.selected >= rows ? state.selected - rows + 1 : 0;

    std::string title = "cq top  " + format_count(readings.size(), "queue") + " in " + state.directory + ", by " +
                        state.sort + (state.filter.empty() ? "" : ", with \"" + state.filter + "\"");
    const std::string time = " " + clock();
    std::vector<Line> lines;
    const std::size_t room = screen.width - std::min(screen.width, time.size());
    lines.push_back({{to_left(title, room), Look::bold}, {time, Look::dim}});
    lines.push_back({{head_text(shown, name_width, screen.width), Look::reversed}});
    for (std::size_t i = first; i < readings.size() && i < first + rows; ++i) {
        const std::string text = row_text(readings[i], shown, name_width, screen.width);
        lines.push_back({{text, i == state.selected ? Look::reversed : look_of(readings[i])}});
    }
    if (readings.empty())
        lines.push_back({{state.filter.empty() ? "There is no queue; cq create NAME makes one."
                                               : "No queue has that in its name."}});
    fit(lines, screen, state.filtering ? "with: " + state.filter + "_  (Enter: done, Esc: all)"
                                       : "q quit  Enter one queue  s sort  r reverse  / filter  ? help");
    return lines;
}

std::vector<Line> detail_view(const Screen &screen, const Place &place, const Reading *reading, const History &history)
{
    std::vector<Line> lines{{{to_left(place.name + "  " + place.path(), screen.width), Look::reversed}}};
    if (!reading || !reading->problem.empty()) {
        lines.push_back({{reading ? reading->problem : "The queue is gone.", Look::bad}});
    } else {
        const Stats &stats = reading->stats;
        const std::size_t bar_width = std::max<std::size_t>(std::min<std::size_t>(screen.width / 3, 40), 4);
        char percent[16];
        std::snprintf(percent, sizeof percent, " %.1f%%", reading->fill());
        lines.push_back({{bar(reading->fill(), bar_width, screen.blocks), look_of(*reading)},
                         {percent},
                         {" of " + format_number(stats.capacity) + (stats.capacity == 1 ? " message" : " messages")}});
        add_trend(lines, screen, history, "length", &Moment::length, Look::plain);
        add_trend(lines, screen, history, "in/s", &Moment::in, Look::good);
        add_trend(lines, screen, history, "out/s", &Moment::out, Look::warning);
        lines.push_back({{"held " + format_number(stats.held) + ", again " + format_number(stats.orphans) +
                          ", memory " + format_bytes(stats.memory) + ", largest message " +
                          format_bytes(stats.max_message_size)}});
        lines.push_back({{"in all: " + format_number(stats.enqueued) + " in, " + format_number(stats.dequeued) +
                          " out, " + format_number(stats.redelivered) + " again, " + format_number(stats.reaped) +
                          " dead"}});
        lines.push_back({{to_left("OPEN IN", screen.width), Look::reversed}});
        for (const cq_participant &handle : reading->handles)
            lines.push_back({{describe(handle, place)}});
        if (reading->handles.empty())
            lines.push_back({{"nobody"}});
    }
    fit(lines, screen, "Esc back  q quit");
    return lines;
}

std::vector<Line> help_view(const Screen &screen)
{
    static constexpr const char *texts[] = {
        "up, down, j, k   choose a queue", "Enter            show it alone, and who has it open",
        "Esc              back",           "s, S             sort by the next, the last column",
        "r                the other way round", "/                only queues with this in their name",
        "space            look now",       "q                quit",
        "",                                "FILL is length of capacity. IN/S and OUT/S are messages a second.",
        "HELD is taken and not released yet. WAITING are threads that",
        "sleep: in, because it is full; out, because it is empty.", "OPEN is how many handles processes have on it.",
    };
    std::vector<Line> lines{{{to_left("cq top: keys", screen.width), Look::reversed}}};
    for (const char *text : texts)
        lines.push_back({{text}});
    fit(lines, screen, "any key: back");
    return lines;
}

std::string table_text(const std::vector<Reading> &readings)
{
    std::size_t name_width = 10;
    for (const Reading &reading : readings)
        name_width = std::max(name_width, reading.name.size());
    const std::vector<const Column *> shown = columns_for(1000);
    const std::size_t width = name_width + width_of(shown);
    std::string text = head_text(shown, name_width, width) + "\n";
    for (const Reading &reading : readings)
        text += (reading.problem.empty() ? row_text(reading, shown, name_width, width)
                                         : to_left(reading.name, name_width) + " " +
                                               without_name(reading.problem, reading.name)) +
                "\n";
    return text;
}

} // namespace tool
