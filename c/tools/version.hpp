/*
 * The version in words.
 */
#ifndef CQ_TOOL_VERSION_HPP
#define CQ_TOOL_VERSION_HPP

#include <string>

namespace tool {

std::string version();

} // namespace tool

#endif
