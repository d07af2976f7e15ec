#include "columns.hpp"

#include <algorithm>
#include <cstdio>

#include "units.hpp"

namespace tool {

namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

std::string percent(double value)
{
    char text[16];
    std::snprintf(text, sizeof text, "%.0f%%", value);
    return text;
}

std::string per_second(const Reading &reading, double rate) { return reading.has_rates ? format_short(rate) : "-"; }

/* "2 in, 1 out": who sleeps because the queue is full, and because it is empty */
std::string waiting(const Reading &reading)
{
    const std::uint32_t in = reading.stats.waiting_producers, out = reading.stats.waiting_consumers;
    return in && out ? std::to_string(in) + "in " + std::to_string(out) + "out"
           : in      ? std::to_string(in) + " in"
           : out     ? std::to_string(out) + " out"
                     : "-";
}

/* How long the oldest message has been waiting, where the queue keeps times. */
std::string age(const Reading &reading)
{
    return reading.stats.enqueue_times && reading.stats.length > 0 ? format_span(reading.stats.oldest_age) : "-";
}

} // namespace

const std::vector<Column> &columns()
{
    static const std::vector<Column> all{
        {"rate", nullptr, 0, 0, nullptr, [](const Reading &r) { return r.in + r.out; }},
        {"length", "LENGTH", 6, 9, [](const Reading &r) { return format_short(number(r.stats.length)); },
         [](const Reading &r) { return number(r.stats.length); }},
        {"fill", "FILL", 5, 8, [](const Reading &r) { return percent(r.fill()); },
         [](const Reading &r) { return r.fill(); }},
        {"in", "IN/S", 6, 7, [](const Reading &r) { return per_second(r, r.in); },
         [](const Reading &r) { return r.in; }},
        {"out", "OUT/S", 6, 7, [](const Reading &r) { return per_second(r, r.out); },
         [](const Reading &r) { return r.out; }},
        {"held", "HELD", 5, 6, [](const Reading &r) { return format_short(number(r.stats.held)); },
         [](const Reading &r) { return number(r.stats.held); }},
        {"age", "OLDEST", 7, 2, age,
         [](const Reading &r) { return number(static_cast<std::uint64_t>(r.stats.oldest_age)); }},
        {"waiting", "WAITING", 9, 4, waiting,
         [](const Reading &r) { return number(std::uint64_t{r.stats.waiting_producers} + r.stats.waiting_consumers); }},
        {"participants", "OPEN", 5, 5, [](const Reading &r) { return format_short(r.stats.participants); },
         [](const Reading &r) { return number(r.stats.participants); }},
        {"memory", "MEMORY", 9, 3, [](const Reading &r) { return format_bytes(r.stats.memory); },
         [](const Reading &r) { return number(r.stats.memory); }},
    };
    return all;
}

const Column *column_named(const std::string &key)
{
    for (const Column &column : columns())
        if (column.key == key)
            return &column;
    return nullptr;
}

std::vector<const Column *> columns_for(std::size_t width)
{
    constexpr std::size_t least_name = 10;
    std::vector<const Column *> shown;
    std::size_t used = least_name;
    for (const Column &column : columns())
        if (column.title) {
            shown.push_back(&column);
            used += 1 + column.width;
        }
    while (used > width && !shown.empty()) {
        /* Of equals the last one. */
        const auto least = std::min_element(shown.rbegin(), shown.rend(), [](const Column *a, const Column *b) {
            return a->worth < b->worth;
        });
        used -= 1 + (*least)->width;
        shown.erase(std::next(least).base());
    }
    return shown;
}

void sort_by(std::vector<Reading> &readings, const Column *column, bool reverse)
{
    std::stable_sort(readings.begin(), readings.end(), [&](const Reading &a, const Reading &b) {
        const Reading &first = reverse ? b : a, &second = reverse ? a : b;
        if (column && column->value(first) != column->value(second))
            return column->value(first) > column->value(second);
        return column ? a.name < b.name : first.name < second.name;
    });
}

} // namespace tool
