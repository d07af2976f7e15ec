/*
 * How a command ends: its exit codes, and the exception that carries a sentence for standard error.
 */
#ifndef CQ_TOOL_FAILURE_HPP
#define CQ_TOOL_FAILURE_HPP

#include <stdexcept>
#include <string>

namespace tool {

/* Documented in `cq --help`; scripts depend on them. */
enum Exit : int {
    exit_ok = 0,
    exit_nothing = 1, /* empty, full, or timed out */
    exit_usage = 2,   /* the command line is wrong */
    exit_error = 3    /* anything else */
};

class Failure : public std::runtime_error {
public:
    explicit Failure(const std::string &sentence, Exit code = exit_error) : std::runtime_error(sentence), code_(code) {}
    Exit code() const { return code_; }

private:
    Exit code_;
};

} // namespace tool

#endif
