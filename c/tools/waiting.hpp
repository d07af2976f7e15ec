/*
 * Waits that a signal ends, or the end of whoever reads the output: a thread watches for both, and cancels the wait.
 */
#ifndef CQ_TOOL_WAITING_HPP
#define CQ_TOOL_WAITING_HPP

#include <thread>

#include "queue.hpp"
#include "streams.hpp"

namespace tool {

class Waiting {
public:
    /* All of them outlive this object. */
    Waiting(const Queue &queue, const Interrupts &interrupts, const Output &output);
    ~Waiting();
    Waiting(const Waiting &) = delete;
    Waiting &operator=(const Waiting &) = delete;

    /* The result of `attempt`, which may wait. Throws Interrupted if a signal came, or nobody reads any more. */
    template <class Attempt>
    int operator()(Attempt attempt)
    {
        watch();
        const int result = attempt();
        if (result == CQ_CANCELLED)
            end();
        return result;
    }

private:
    void watch();
    [[noreturn]] void end();

    const Queue &queue_;
    const Interrupts &interrupts_;
    const Output &output_;
    int stop_; /* readable: the thread is to end */
    std::thread thread_;
};

} // namespace tool

#endif
