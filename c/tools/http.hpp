/*
 * As much of HTTP as it takes to be asked for metrics: one answer to each connection, one after the other, and none may
 * take long. It knows nothing of queues. No library, because the usual one would tie the command to a shared object.
 */
#ifndef CQ_TOOL_HTTP_HPP
#define CQ_TOOL_HTTP_HPP

#include <functional>
#include <string>

#include "streams.hpp"

namespace tool {

struct Request {
    std::string method, path, accept;
};

struct Response {
    int status;
    std::string type, body;
};

/* Until a signal comes, which it throws as Interrupted. Prints where it listens. */
[[noreturn]] void serve(const std::string &address, const Interrupts &interrupts,
                        const std::function<Response(const Request &)> &answer);

} // namespace tool

#endif
