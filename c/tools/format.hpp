/*
 * How messages are printed: the options for it, and the bytes.
 */
#ifndef CQ_TOOL_FORMAT_HPP
#define CQ_TOOL_FORMAT_HPP

#include <string>

#include <CLI/CLI.hpp>

#include "cqueue.h"

namespace tool {

struct MessageFormat {
    bool null = false;
    bool base64 = false;
    bool raw = false;
    bool json = false;
    bool meta = false;

    void append(std::string &out, const cq_message &message) const;
};

void add_format(CLI::App &app, MessageFormat &format);

extern const char *const format_help;

} // namespace tool

#endif
