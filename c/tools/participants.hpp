/*
 * The open handles of a queue and what they hold, as people read it.
 */
#ifndef CQ_TOOL_PARTICIPANTS_HPP
#define CQ_TOOL_PARTICIPANTS_HPP

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "queue.hpp"

namespace tool {

std::vector<cq_participant> participants(const Queue &queue);

nlohmann::ordered_json to_json(const cq_participant &handle); /* the names and the order of the library */

/* The program's name without what a terminal must not be sent; whoever may write the region chose it. */
std::string command_of(const cq_participant &participant);

/* "process 4242 (worker)" */
std::string name_of(const cq_participant &participant);

/* "process 4242 (worker), stopped: holds 2 messages, is writing 1 message, 1 consumer waiting for 3 s" */
std::string describe(const cq_participant &participant, const Place &place);

} // namespace tool

#endif
