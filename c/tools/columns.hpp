/*
 * The columns of a table of queues: what each shows, what it is sorted by, and which go first where there is no room.
 * A new figure of `cq top` is a row here.
 */
#ifndef CQ_TOOL_COLUMNS_HPP
#define CQ_TOOL_COLUMNS_HPP

#include <string>
#include <vector>

#include "readings.hpp"

namespace tool {

struct Column {
    const char *key;   /* for --sort, and in JSON */
    const char *title; /* NULL: it is sorted by, and not shown */
    std::size_t width;
    int worth; /* the least worthy leave first */
    std::string (*text)(const Reading &);
    double (*value)(const Reading &);
};

const std::vector<Column> &columns();
const Column *column_named(const std::string &key);      /* NULL: none; "name" is none */
std::vector<const Column *> columns_for(std::size_t width); /* what fits beside a name */

/* By the column, the largest first; by name if there is none. */
void sort_by(std::vector<Reading> &readings, const Column *column, bool reverse);

} // namespace tool

#endif
