/*
 * Messages from one queue to another, with a wait for room that a signal ends.
 */
#ifndef CQ_TOOL_CARRY_HPP
#define CQ_TOOL_CARRY_HPP

#include <cstdint>

#include "failure.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "waiting.hpp"

namespace tool {

/* Puts messages into a queue. Throws Failure if there is no room for too long, with exit_nothing. */
class Sink {
public:
    Sink(const Queue &queue, const Interrupts &interrupts, const Output &output, std::int64_t patience)
        : queue_(queue), wait_(queue, interrupts, output), patience_(patience)
    {
    }

    void put(const Parcel &parcel)
    {
        int result = cq_enqueue_message(queue_, parcel, 0);
        if ((result == CQ_TIMEOUT || result == CQ_ENOSPACE) && patience_ != 0)
            result = wait_([&] { return cq_enqueue_message(queue_, parcel, patience_); });
        if (result == CQ_TIMEOUT || result == CQ_FULL || result == CQ_ENOSPACE)
            throw Failure(queue_.explain(result == CQ_TIMEOUT ? CQ_FULL : result), exit_nothing);
        queue_.must(result, parcel);
    }

private:
    const Queue &queue_;
    Waiting wait_;
    std::int64_t patience_;
};

} // namespace tool

#endif
