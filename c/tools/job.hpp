/*
 * A command that runs with a message: on its standard input, or in its arguments. It dies with this process. It
 * knows no queues.
 */
#ifndef CQ_TOOL_JOB_HPP
#define CQ_TOOL_JOB_HPP

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "cqueue.h"

namespace tool {

/* Throws Failure if there is no such program. */
void refuse_missing(const std::string &program);

class Job {
public:
    /* Throws Failure if it cannot be run at all. */
    Job(const std::vector<std::string> &command, const std::string &queue, const cq_message &message,
        const std::string &headers);
    ~Job();
    Job(const Job &) = delete;
    Job &operator=(const Job &) = delete;

    /* Has it exited with 0? Nothing while it runs. SIGCHLD tells when to ask. */
    std::optional<bool> ended();

    /* The command and what it started: SIGTERM, or SIGKILL. */
    void kill(bool at_once);

private:
    pid_t process_ = -1;
    std::optional<bool> well_;
};

} // namespace tool

#endif
