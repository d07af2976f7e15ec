/*
 * Everything that is counted about a queue, once: its name in JSON, CSV and metrics, and its words for people. Whoever
 * shows figures goes through this table and knows none of them by itself.
 */
#ifndef CQ_TOOL_FIGURES_HPP
#define CQ_TOOL_FIGURES_HPP

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "queue.hpp"

namespace tool {

enum class Unit { none, messages, slots, handles, threads, nodes, bytes, time, span, yes, text };
enum class Kind { given, gauge, counter }; /* given: does not change */

struct Figure {
    const char *name;   /* as the library calls it; in JSON and CSV */
    const char *title;  /* for people */
    Kind kind;
    Unit unit;
    const char *remark; /* behind the number */
    const char *metric; /* its name for monitoring, without what all begin with; NULL: it is of no interest there */
    std::uint64_t (*of)(const Stats &); /* of a Unit::text: whether there is something to say, or NULL */
    std::string (*text)(const Stats &) = nullptr; /* of a Unit::text, which is in JSON and in no table of numbers */
    const char *off = nullptr; /* for people, if `of` is 0: what is switched off, or is not there */
};

const std::vector<Figure> &figures();

std::string help_of(const Figure &figure); /* "length: messages waiting" */
std::string in_words(const Figure &figure, const Stats &stats); /* "3 messages waiting" */
void add_json(nlohmann::ordered_json &object, const Stats &stats);

} // namespace tool

#endif
