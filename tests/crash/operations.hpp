/*
 * The operations that a victim is killed or stopped in, and for each what may be in the queue afterwards, from what is
 * known about how far it came. Nothing here depends on where exactly it was.
 */
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>

#include "prepared_queue.hpp"

namespace cqtest {

inline constexpr size_t batch_size = 3;

/* How far the victim came, in memory that outlives it. */
struct Record {
    std::atomic<int> returned; /* how many of its calls have returned */
    int result;                /* of the first */
    size_t done;               /* messages accepted from it, or received in the buffer for good */
    char buffer[batch_size * stamped_size_min];
};

struct Victim {
    Handle handle;
    Record *record;
    std::string texts[batch_size];
    cq_slice slices[batch_size];
    Message taken, reserved;

    Victim(Handle &&handle, Record *record, uint64_t next) : handle(std::move(handle)), record(record)
    {
        for (size_t i = 0; i < batch_size; ++i) {
            texts[i] = text_of(next + i);
            slices[i] = {texts[i].data(), texts[i].size()};
        }
    }

    void returned(int count) const { record->returned.store(count); }
};

/* Each from, to. */
struct Range {
    uint64_t from, to;
    bool has(uint64_t value) const { return from <= value && value <= to; }
};

/* What may have happened to the queue. */
struct Effect {
    Range removed{0, 0}; /* of the oldest messages; a consumer has them in record.buffer then */
    Range added{0, 0};   /* behind the newest */
    Range again{0, 0};   /* of the oldest messages, so many are delivered once more */
    int result = CQ_OK;  /* of the first call, if it returned */
};

enum class Role { producer, consumer };

struct Operation {
    const char *name;
    Role role;
    void (*prepare)(Victim &); /* runs freely; may be null */
    void (*run)(Victim &);     /* runs under control */
    /* waiting and room: how many messages there were, and how many more the queue accepts. */
    Effect (*effect)(const Record &, uint64_t waiting, uint64_t room);
    std::chrono::nanoseconds time_passed{0}; /* since the victim opened the queue */
};

/* The effect of a call that affects n messages: before it began, while it runs, when it has returned. */
inline Range stage(int returned, int call, uint64_t n)
{
    return returned < call ? Range{0, 0} : returned == call ? Range{0, n} : Range{n, n};
}

inline uint64_t one_of(uint64_t count) { return std::min<uint64_t>(count, 1); }
inline uint64_t batch_of(uint64_t count) { return std::min<uint64_t>(count, batch_size); }

inline const Operation enqueue_operation{
    "enqueue", Role::producer, nullptr,
    [](Victim &v) {
        v.record->result = cq_enqueue(v.handle, v.slices[0].data, v.slices[0].size);
        v.record->done = v.record->result == CQ_OK ? 1 : 0;
        v.returned(1);
    },
    [](const Record &r, uint64_t, uint64_t room) {
        return Effect{{0, 0}, stage(r.returned, 0, one_of(room)), {0, 0}, room ? CQ_OK : CQ_FULL};
    }};

inline const Operation enqueue_batch_operation{
    "enqueue_batch", Role::producer, nullptr,
    [](Victim &v) {
        v.record->result = cq_enqueue_batch(v.handle, v.slices, batch_size, &v.record->done);
        v.returned(1);
    },
    [](const Record &r, uint64_t, uint64_t room) {
        const int result = room < batch_size ? CQ_FULL : CQ_OK;
        return Effect{{0, 0}, stage(r.returned, 0, batch_of(room)), {0, 0}, result};
    }};

inline const Operation dequeue_operation{
    "dequeue", Role::consumer, nullptr,
    [](Victim &v) {
        v.record->result = cq_dequeue(v.handle, v.record->buffer, sizeof v.record->buffer, nullptr);
        v.record->done = v.record->result == CQ_OK ? 1 : 0;
        v.returned(1);
    },
    [](const Record &r, uint64_t waiting, uint64_t) {
        const uint64_t n = one_of(waiting);
        return Effect{stage(r.returned, 0, n), {0, 0}, {0, r.returned ? 0 : n}, n ? CQ_OK : CQ_EMPTY};
    }};

inline const Operation dequeue_batch_operation{
    "dequeue_batch", Role::consumer, nullptr,
    [](Victim &v) {
        v.record->result = cq_dequeue_batch(v.handle, v.record->buffer, sizeof v.record->buffer, v.slices, batch_size,
                                            &v.record->done);
        v.returned(1);
    },
    /* It may stop short of what there is, at the end of a node or behind a message that is redelivered. */
    [](const Record &r, uint64_t waiting, uint64_t) {
        const uint64_t n = batch_of(waiting);
        const Range removed = r.returned && n ? Range{r.done, r.done} : Range{0, n};
        return Effect{removed, {0, 0}, {0, r.returned ? 0 : n}, n ? CQ_OK : CQ_EMPTY};
    }};

inline void take_then(Victim &v, int (*then)(cq_queue *, cq_message *))
{
    v.record->result = cq_take(v.handle, &v.taken);
    v.returned(1);
    if (v.record->result != CQ_OK)
        return;
    std::memcpy(v.record->buffer, v.taken.data, stamped_size_min);
    const int result = then(v.handle, &v.taken);
    v.record->done = result == CQ_OK && then == cq_release ? 1 : 0;
    v.returned(2);
}

inline const Operation take_release_operation{
    "take_release", Role::consumer, nullptr, [](Victim &v) { take_then(v, cq_release); },
    [](const Record &r, uint64_t waiting, uint64_t) {
        const uint64_t n = one_of(waiting);
        return Effect{stage(r.returned, 1, n), {0, 0}, stage(r.returned, 0, n), n ? CQ_OK : CQ_EMPTY};
    }};

inline const Operation take_return_operation{
    "take_return", Role::consumer, nullptr, [](Victim &v) { take_then(v, cq_return); },
    [](const Record &r, uint64_t waiting, uint64_t) {
        const uint64_t n = one_of(waiting);
        return Effect{{0, 0}, {0, 0}, stage(r.returned, 0, n), n ? CQ_OK : CQ_EMPTY};
    }};

inline bool reserved(Victim &v)
{
    v.record->result = cq_reserve(v.handle, v.slices[0].size, &v.reserved);
    v.returned(1);
    return v.record->result == CQ_OK;
}

inline const Operation reserve_commit_operation{
    "reserve_commit", Role::producer, nullptr,
    [](Victim &v) {
        if (!reserved(v))
            return;
        std::memcpy(v.reserved.data, v.slices[0].data, v.slices[0].size);
        v.record->done = cq_commit(v.handle, &v.reserved, v.slices[0].size) == CQ_OK ? 1 : 0;
        v.returned(2);
    },
    [](const Record &r, uint64_t, uint64_t room) {
        return Effect{{0, 0}, stage(r.returned, 1, one_of(room)), {0, 0}, room ? CQ_OK : CQ_FULL};
    }};

inline const Operation reserve_abort_operation{
    "reserve_abort", Role::producer, nullptr,
    [](Victim &v) {
        if (!reserved(v))
            return;
        cq_abort(v.handle, &v.reserved);
        v.returned(2);
    },
    [](const Record &, uint64_t, uint64_t room) {
        return Effect{{0, 0}, {0, 0}, {0, 0}, room ? CQ_OK : CQ_FULL};
    }};

/* Closing a handle that holds a message and a reservation, where there is something to take and room to reserve. */
inline const Operation close_operation{
    "close", Role::consumer,
    [](Victim &v) {
        cq_take(v.handle, &v.taken);
        cq_reserve(v.handle, stamped_size_min, &v.reserved);
    },
    [](Victim &v) {
        v.handle.close();
        v.returned(1);
    },
    [](const Record &, uint64_t waiting, uint64_t) {
        const uint64_t n = one_of(waiting);
        return Effect{{0, 0}, {0, 0}, {n, n}, CQ_OK};
    }};

/* All nodes come to have memory, and hold nothing. */
inline void use_all_nodes(Victim &v)
{
    while (cq_enqueue(v.handle, v.slices[0].data, v.slices[0].size) == CQ_OK)
        ;
    while (cq_dequeue(v.handle, v.record->buffer, sizeof v.record->buffer, nullptr) == CQ_OK)
        ;
}

inline const Operation trim_operation{
    "trim", Role::consumer, use_all_nodes,
    [](Victim &v) {
        v.record->result = cq_trim(v.handle, nullptr);
        v.returned(1);
    },
    [](const Record &, uint64_t, uint64_t) { return Effect{}; }};

/* Nodes without memory get it again. */
inline const Operation enqueue_after_trim_operation{
    "enqueue_after_trim", Role::producer,
    [](Victim &v) {
        use_all_nodes(v);
        cq_trim(v.handle, nullptr);
    },
    enqueue_batch_operation.run, enqueue_batch_operation.effect};

inline Effect effect_of(const Operation &operation, const PreparedQueue &prepared, const Record &record)
{
    return operation.effect(record, prepared.before.size(), prepared.room());
}

/* Two victims: what happened to the one does not depend on the other. */
inline Effect operator+(const Effect &a, const Effect &b)
{
    const auto sum = [](const Range &x, const Range &y) { return Range{x.from + y.from, x.to + y.to}; };
    return {sum(a.removed, b.removed), sum(a.added, b.added), sum(a.again, b.again), CQ_OK};
}

/* What was removed must be in the buffer of who removed it; what was not must be in the queue. */
inline void require_effect(const Effect &effect, const PreparedQueue &prepared, const std::vector<Item> &after,
                           const char *buffer)
{
    const std::vector<Item> &before = prepared.before;
    const std::string seen = "of " + to_string(before) + " there is " + to_string(after);

    const uint64_t first = prepared.next - before.size();
    const uint64_t from = after.empty() ? first + effect.removed.to : after.front().number;
    require(from >= first && effect.removed.has(from - first), "the wrong messages were removed: " + seen);
    for (size_t i = 0; i < after.size(); ++i)
        require(after[i].number == from + i, "out of order, missing or twice: " + seen);
    const uint64_t end = from + after.size();
    require(end >= prepared.next && effect.added.has(end - prepared.next), "the wrong messages were added: " + seen);

    for (const Item &item : after) {
        const uint64_t index = item.number - first;
        const uint32_t once = index < before.size() ? before[index].deliveries : 1;
        const bool may = index < effect.again.to, must = index < effect.again.from;
        require(item.deliveries == once + 1 ? may : item.deliveries == once && !must,
                "wrong count of deliveries: " + seen);
    }
    for (uint64_t i = 0; i < from - first; ++i)
        require(number_of({buffer + i * stamped_size_min, stamped_size_min}) == first + i,
                "a message went neither to the victim nor back: " + seen);
}

/* The same for one victim, and what its call returned if it did. */
inline void require_effect(const Operation &operation, const PreparedQueue &prepared, const Record &record,
                           const std::vector<Item> &after)
{
    const Effect effect = effect_of(operation, prepared, record);
    require(record.returned == 0 || record.result == effect.result,
            "the call returned " + std::to_string(record.result) + " with " + to_string(prepared.before) + " waiting");
    require_effect(effect, prepared, after, record.buffer);
}

} // namespace cqtest
