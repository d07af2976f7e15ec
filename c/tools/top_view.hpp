/*
 * What `cq top` shows, as lines for a screen of any size: the table of queues, one queue in detail, the help. It knows
 * neither keys nor the terminal.
 */
#ifndef CQ_TOOL_TOP_VIEW_HPP
#define CQ_TOOL_TOP_VIEW_HPP

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "columns.hpp"
#include "readings.hpp"
#include "terminal.hpp"

namespace tool {

struct Moment {
    double length, in, out;
};
using History = std::deque<Moment>;

struct Screen {
    std::size_t width, height;
    bool blocks; /* may it have characters beyond ASCII? */
};

struct TableState {
    std::string directory;
    std::string sort;   /* the key of the column */
    std::string filter;
    bool filtering = false; /* the filter is being typed */
    std::size_t selected = 0;
};

std::vector<Line> table_view(const Screen &screen, const std::vector<Reading> &readings, const TableState &state);
std::vector<Line> detail_view(const Screen &screen, const Place &place, const Reading *reading, const History &history);
std::vector<Line> help_view(const Screen &screen);

/* The table without a screen: for pipes and files. */
std::string table_text(const std::vector<Reading> &readings);

} // namespace tool

#endif
