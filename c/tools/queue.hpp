/*
 * An open queue whose every failure is a sentence. It owns the handle and what is needed to explain a result; it knows
 * nothing about commands.
 */
#ifndef CQ_TOOL_QUEUE_HPP
#define CQ_TOOL_QUEUE_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "cqueue.h"

namespace tool {

/* Which queue, where, and whose files are acceptable: what every command that names a queue is told. */
struct Place {
    std::string name;
    std::string directory; /* empty: the default */
    std::uint32_t permissions = 0;
    bool trust = false; /* whoever owns it and whoever of its group may write it */

    cq_config config(std::uint32_t flags) const; /* valid while this object is */
    std::string path() const;
};

std::string default_directory();

struct Message : cq_message {
    Message() : cq_message{} { struct_size = sizeof(cq_message); }
};

struct Stats : cq_stats {
    Stats() : cq_stats{} { struct_size = sizeof(cq_stats); }
};

/* What the result of a call means in this place, with what to do about it. */
std::string explain(int result, const Place &place, const cq_config &config, std::size_t size = 0);

class Queue {
public:
    /* Throws Failure if it cannot be opened. */
    Queue(Place place, std::uint32_t flags) : Queue(place, place.config(flags)) {}
    Queue(Place place, const cq_config &config);
    ~Queue() { cq_close(queue_); }
    Queue(const Queue &) = delete;
    Queue &operator=(const Queue &) = delete;

    operator cq_queue *() const { return queue_; }
    const Place &place() const { return place_; }

    /* Throws Failure if the result is a negative one, or the queue was removed. */
    int must(int result, std::size_t size = 0) const;
    Stats stat() const;
    std::string explain(int result, std::size_t size = 0) const;

private:
    Place place_;
    cq_config config_;
    cq_queue *queue_ = nullptr;
};

} // namespace tool

#endif
