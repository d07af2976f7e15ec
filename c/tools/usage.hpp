/*
 * What is said about a command line that is wrong: in the tool's words, not in those of the library that parses it.
 */
#ifndef CQ_TOOL_USAGE_HPP
#define CQ_TOOL_USAGE_HPP

#include <string>

#include "options.hpp"

namespace tool {

std::string usage_text(const CLI::App &app, const CLI::ParseError &error);

} // namespace tool

#endif
