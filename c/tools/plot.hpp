/*
 * Length and rates of queues over time: as lines of CSV, and as a picture.
 */
#ifndef CQ_TOOL_PLOT_HPP
#define CQ_TOOL_PLOT_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "readings.hpp"

namespace tool {

std::string csv_header();
std::string csv_line(const Reading &reading);

struct Point {
    double time; /* seconds since 1970 */
    double length;
    double in; /* messages a second; negative: not known */
    double out;
};

struct Series {
    double capacity = 0;
    std::vector<Point> points;
};

/* Of each queue, two charts under each other: its length, and the rates. */
std::string svg(const std::map<std::string, Series> &queues);

/* `rounds` looks, the file written anew after each. */
int plot_live(Readings &look, const std::string &file, std::int64_t interval, std::uint64_t rounds);

} // namespace tool

#endif
