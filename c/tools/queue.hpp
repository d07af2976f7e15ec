/*
 * An open queue whose every failure is a sentence. It owns the handle and what is needed to explain a result; it knows
 * nothing about commands.
 */
#ifndef CQ_TOOL_QUEUE_HPP
#define CQ_TOOL_QUEUE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cqueue.h"

namespace tool {

/* Which queue, where, and whose files are acceptable: what every command that names a queue is told. */
struct Place {
    std::string name;
    std::string directory; /* empty: the one before the command, $CQ_DIRECTORY, or the platform's */
    std::uint32_t permissions = 0;
    std::string lasting; /* the directory of a durable queue, if it is to be named: see lasting.hpp */
    bool trust = false; /* whoever owns it and whoever of its group may write it */

    cq_config config(std::uint32_t flags) const; /* valid while this object is */
    const std::string &where() const;                /* the directory, whoever said it */
    std::string path() const;

    static Place &of_all(); /* what the command line says before the command */
};

struct Message : cq_message {
    Message() : cq_message{} { struct_size = sizeof(cq_message); }
};

class Queue;

/* A message with its headers, for a queue. Valid as long as what it is made of. */
class Parcel {
public:
    Parcel(const Queue &from, const cq_message &message);
    Parcel(std::string_view message, std::string_view headers);
    operator const cq_outgoing *() const { return &outgoing_; }
    const cq_outgoing *operator->() const { return &outgoing_; }
    void leave_headers_out() { outgoing_.headers_size = 0; }

private:
    cq_outgoing outgoing_{};
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
    using Identity = std::pair<std::uint64_t, std::uint64_t>;
    Identity identity() const { return identity_; } /* of the file that the name led to when it was opened */

    /* Throws Failure if the result is a negative one, or the queue was removed. */
    int must(int result, std::size_t size = 0) const;
    int must(int result, const Parcel &parcel) const; /* of putting it there */
    Stats stat() const;
    std::string explain(int result, std::size_t size = 0) const;

private:
    Place place_;
    cq_config config_;
    cq_queue *queue_ = nullptr;
    Identity identity_;
};

/* Throws Failure if it is the same queue twice. */
void refuse_same(const Queue &from, const Queue &to);

/* Throws Failure if `what`, which is about the disk, makes no sense. */
void refuse_not_durable(const Queue &queue, const std::string &what);

/* What was found wrong with a queue, where its name stands before it anyway. */
std::string without_name(const std::string &problem, const std::string &name);

} // namespace tool

#endif
