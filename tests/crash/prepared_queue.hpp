/*
 * A queue in a known state, and what must be true of it after somebody died: exactly the messages that may be there, in
 * order and whole, nothing left to recover, nobody counted who is gone, and its full capacity.
 */
#pragma once

#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/require.hpp"

namespace cqtest {

/* The state a queue is in when an operation begins. */
struct Fill {
    const char *name;
    Shape shape;
    uint64_t capacity;
    uint64_t passed;       /* messages that went through it before */
    uint64_t waiting;      /* messages in it */
    bool returned = false; /* the oldest of them was taken and returned */
    uint64_t holes = 0;    /* aborted reservations behind them */
};

/* Messages are numbered from 1 in the order they are enqueued, and all as large as the queue allows. */
inline std::string text_of(uint64_t number) { return stamped({7, number}); }

struct Item {
    uint64_t number;
    uint32_t deliveries;
};

inline std::string to_string(const std::vector<Item> &items)
{
    std::string text = "[";
    for (const Item &item : items)
        text += " " + std::to_string(item.number) + (item.deliveries > 1 ? "x" + std::to_string(item.deliveries) : "");
    return text + " ]";
}

inline uint64_t number_of(std::string_view text)
{
    const std::optional<Stamp> stamp = read_stamp(text);
    require(stamp && stamp->producer == 7 && text.size() == stamped_size_min, "a message is torn");
    return stamp->number;
}

/* Take and release everything. */
inline std::vector<Item> drain_items(const Handle &handle)
{
    std::vector<Item> items;
    for (;;) {
        Message message;
        const int result = cq_take(handle, &message);
        if (result == CQ_EMPTY)
            return items;
        require(result == CQ_OK, "cq_take returned " + std::to_string(result));
        items.push_back({number_of(message.text()), message.deliveries});
        require(cq_release(handle, &message) == CQ_OK, "cq_release did not work");
        require(items.size() < 100000, "there is no end of messages");
    }
}

/* Exactly `capacity` messages go in, and come out again; twice. The queue must be empty. */
inline void require_capacity(const Handle &handle, uint64_t capacity)
{
    for (int round = 1; round <= 2; ++round) {
        const std::string when = " in round " + std::to_string(round);
        for (uint64_t i = 1; i <= capacity; ++i) {
            const int result = handle.enqueue(text_of(i));
            require(result == CQ_OK, "enqueue " + std::to_string(i) + " of " + std::to_string(capacity) +
                                         " returned " + std::to_string(result) + when);
        }
        require(handle.enqueue(text_of(0)) == CQ_FULL, "more than the capacity was accepted" + when);
        for (uint64_t i = 1; i <= capacity; ++i) {
            const std::optional<std::string> text = handle.dequeue();
            require(text.has_value(), "message " + std::to_string(i) + " is missing" + when);
            require(number_of(*text) == i, "message " + std::to_string(number_of(*text)) + " instead of " +
                                               std::to_string(i) + when);
        }
        require(!handle.dequeue(), "there are more messages than were enqueued" + when);
    }
}

/* Drain it and check everything that does not depend on what happened. Returns what was in it. */
inline std::vector<Item> require_whole(const Handle &handle, uint64_t capacity, uint32_t participants)
{
    require_nothing_to_recover(handle);
    Stats stats = handle.stat();
    require(stats.participants == participants, std::to_string(stats.participants) + " participants are counted, not " +
                                                    std::to_string(participants));
    const std::vector<Item> items = drain_items(handle);
    require(stats.length == items.size(),
            "the length was " + std::to_string(stats.length) + " with " + to_string(items) + " in it");
    require_capacity(handle, capacity);
    stats = handle.stat();
    require(stats.length == 0 && stats.orphans == 0, "an empty queue does not say so");
    require(stats.nodes_linked <= 2, std::to_string(stats.nodes_linked) + " nodes are in use by an empty queue");
    require_nothing_to_recover(handle);
    return items;
}

/* A queue in the state that a Fill says, and a handle on it. */
class PreparedQueue {
public:
    explicit PreparedQueue(const Fill &fill) : fill(fill), queue(Config(fill.capacity, stamped_size_min), fill.shape)
    {
        for (uint64_t i = 0; i < fill.passed; ++i) {
            queue.must_enqueue(text_of(next++));
            require(queue.dequeue().has_value(), "a message did not come back");
        }
        for (uint64_t i = 0; i < fill.waiting; ++i) {
            before.push_back({next, 1});
            queue.must_enqueue(text_of(next++));
        }
        if (fill.returned && !before.empty()) {
            Message message = queue.take();
            require(cq_return(queue, &message) == CQ_OK, "cq_return did not work");
            before[0].deliveries = 2;
        }
        for (uint64_t i = 0; i < fill.holes; ++i) {
            Message message = queue.reserve(stamped_size_min);
            require(cq_abort(queue, &message) == CQ_OK, "cq_abort did not work");
        }
    }

    /* A message that waits to be redelivered does not count against the capacity. */
    uint64_t room() const { return fill.capacity - fill.waiting + (fill.returned ? 1 : 0); }

    const Fill fill;
    Queue queue;
    uint64_t next = 1; /* the number of the next message */
    std::vector<Item> before;
};

} // namespace cqtest
