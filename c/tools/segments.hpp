/*
 * The files of a durable queue, read by themselves: what is in them, what is damaged, what would be recovered. It opens
 * no queue and changes nothing.
 */
#ifndef CQ_TOOL_SEGMENTS_HPP
#define CQ_TOOL_SEGMENTS_HPP

#include <functional>
#include <string>

#include "examine.hpp"

namespace tool {

void examine_segments(const std::string &directory, const std::function<void(Finding::Kind, const std::string &)> &add);

} // namespace tool

#endif
