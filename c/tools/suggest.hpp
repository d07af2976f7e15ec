/*
 * What was meant by a word that is none.
 */
#ifndef CQ_TOOL_SUGGEST_HPP
#define CQ_TOOL_SUGGEST_HPP

#include <string>
#include <vector>

namespace tool {

/* "; did you mean `create`?", or nothing if none of the words is close. */
std::string suggestion(const std::string &word, const std::vector<std::string> &words);

} // namespace tool

#endif
