/*
 * How messages are printed: the options for it, and the bytes.
 */
#ifndef CQ_TOOL_FORMAT_HPP
#define CQ_TOOL_FORMAT_HPP

#include <cstddef>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "cqueue.h"

namespace tool {

struct MessageFormat {
    bool null = false;
    bool base64 = false;
    bool raw = false;
    bool json = false;
    bool meta = false;
    bool headers = false;
    std::string queue; /* in JSON, if not empty */

    void append(std::string &out, cq_queue *from, const cq_message &message) const;
};

/* The message that a line of --json stands for, whatever else is in it. False: `fault` says why it is none. */
bool message_of_json(std::string_view line, std::string &message, std::string &headers, std::string &fault);

/* How long a line of JSON may be whose message has that many bytes. */
inline constexpr std::size_t most_of_json(std::size_t size) { return 6 * size + 4096; }

void add_format(CLI::App &app, MessageFormat &format);

extern const char *const format_help;

} // namespace tool

#endif
