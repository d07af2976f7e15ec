// world_messages.cpp - what programs do in a world: each call, and what the ledger is told of it.
#include "../model/core.hpp"

extern "C" {
#include "disk.h"
#include "testing.h"
}

#include "world.hpp"

#include <cstring>

namespace power {

// ---- messages: a number, and bytes that follow from it

std::size_t World::fill(std::uint64_t id, unsigned char *bytes) const
{
    const std::size_t size = 8 + (id * 2654435761u >> 7) % (shape_.message - 7);
    std::uint64_t state = id * 0x9E3779B97F4A7C15u;
    std::memcpy(bytes, &id, 8);
    for (std::size_t i = 8; i < size; ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        bytes[i] = static_cast<unsigned char>(state);
    }
    return size;
}

std::uint64_t World::id_of(const void *bytes, std::size_t size) const
{
    unsigned char expected[4096];
    std::uint64_t id = 0;
    if (size < 8)
        return 0;
    std::memcpy(&id, bytes, 8);
    if (id == 0 || id >= messages_.size() || fill(id, expected) != size || std::memcmp(expected, bytes, size) != 0)
        return 0;
    return id;
}

std::uint64_t World::new_message()
{
    const std::uint64_t id = messages_.size();
    messages_.emplace_back();
    messages_.back().sent = ++tick_;
    messages_.back().earliest = now;
    open_.insert(id);
    return id;
}

void World::accepted(std::uint64_t id)
{
    Message &message = messages_[id];
    message.accepted = ++tick_;
    message.latest = now;
    if (message.source == 0)
        return;
    auto &reached = sources_[message.source].reached;
    reached[tick_] = std::max(message.number, reached.empty() ? 0 : reached.rbegin()->second);
}

// One whose value is the message's number, or none.
std::size_t headers_of(std::uint64_t id, unsigned char *bytes)
{
    std::size_t size = 0;
    cq_header_add(bytes, 20, &size, "number", &id, sizeof id);
    return size;
}

std::uint64_t World::delivered(const void *bytes, std::size_t size, std::uint32_t deliveries, std::uint64_t position)
{
    const std::uint64_t id = id_of(bytes, size);
    if (id == 0) {
        fail("bytes of no message are delivered");
        return 0;
    }
    Message &message = messages_[id];
    if (message.released != 0)
        fail("message " + std::to_string(id) + " is delivered though it was released");
    if (deliveries != 0) {
        if (message.recovered && deliveries < 2)
            fail("message " + std::to_string(id) + " is not marked as delivered again");
        if (message.position != 0 && message.position != position)
            fail("message " + std::to_string(id) + " changes its position");
        message.delivered.emplace_back(++tick_, deliveries);
    }
    return id;
}

void World::released(std::uint64_t id) { messages_[id].released = ++tick_; }

bool World::send(Process &process)
{
    unsigned char bytes[4096];
    unsigned char headers[20];
    const std::uint64_t id = new_message();
    cq_outgoing out{};
    out.struct_size = sizeof out;
    out.data = bytes, out.size = fill(id, bytes);
    if ((messages_[id].headers = shape_.rich && below(random, 3) != 0))
        out.headers = headers, out.headers_size = headers_of(id, headers);
    const int result = messages_[id].headers ? cq_enqueue_message(process.queue, &out, 0)
                                             : cq_enqueue(process.queue, bytes, out.size);
    if (result == CQ_OK)
        accepted(id);
    else if (result != CQ_FULL && result != CQ_TIMEOUT && result != CQ_ENOSPACE)
        fail(std::string("cq_enqueue: ") + cq_strerror(result));
    full += result == CQ_FULL;
    return result == CQ_OK;
}

const char *source_name(std::uint32_t source) { return source == 1 ? "near" : "far away"; }

void World::feed(Process &process)
{
    unsigned char bytes[4096], headers[20];
    const std::uint64_t id = new_message();
    const std::uint32_t source = 1 + static_cast<std::uint32_t>(below(random, sources));
    const std::uint64_t number = sources_[source].newest += 1 + below(random, 3);
    cq_outgoing out{};
    out.struct_size = sizeof out;
    out.data = bytes, out.size = fill(id, bytes);
    messages_[id].source = source, messages_[id].number = number;
    if ((messages_[id].headers = shape_.rich))
        out.headers = headers, out.headers_size = headers_of(id, headers);
    const int result = cq_enqueue_from(process.queue, &out, source_name(source), number);
    if (result == CQ_OK) {
        accepted(id);
        ++fed;
    } else if (result != CQ_FULL && result != CQ_ENOSPACE && result != CQ_DUPLICATE)
        fail(std::string("cq_enqueue_from: ") + cq_strerror(result));
    else if (result == CQ_DUPLICATE) { // others were faster, with a later one
        messages_[id].lost = true;
        open_.erase(id);
    }
}

void World::send_batch(Process &process, std::size_t count)
{
    unsigned char bytes[4][1024];
    std::uint64_t ids[4];
    cq_slice slices[4];
    std::size_t done = 0;
    for (std::size_t i = 0; i < count; ++i) {
        ids[i] = new_message();
        slices[i] = {bytes[i], fill(ids[i], bytes[i])};
    }
    const int result = cq_enqueue_batch(process.queue, slices, count, &done);
    if (result < 0 && result != CQ_ENOSPACE)
        fail(std::string("cq_enqueue_batch: ") + cq_strerror(result));
    for (std::size_t i = 0; i < done; ++i)
        accepted(ids[i]);
}

void World::send_in_place(Process &process, std::uint64_t count, bool abort)
{
    cq_message message{};
    message.struct_size = sizeof message;
    if (cq_reserve(process.queue, shape_.message, &message) != CQ_OK)
        return;
    unsigned char bytes[4096];
    const std::uint64_t id = new_message();
    const std::size_t size = fill(id, bytes);
    auto *const data = static_cast<unsigned char *>(message.data);
    std::memcpy(data, bytes, size / 2);
    pause(count);
    std::memcpy(data + size / 2, bytes + size / 2, size - size / 2);
    int result = CQ_FULL;
    for (int tries = 0; !abort && result == CQ_FULL && tries < 50; ++tries) {
        result = cq_commit(process.queue, &message, size);
        pause(20);
    }
    if (result == CQ_OK)
        accepted(id);
    else
        cq_abort(process.queue, &message);
}

void World::receive(Process &process)
{
    unsigned char bytes[4096];
    std::size_t size = 0;
    if (cq_dequeue(process.queue, bytes, sizeof bytes, &size) != CQ_OK)
        return;
    if (const std::uint64_t id = delivered(bytes, size, 0, 0))
        released(id);
}

void World::receive_batch(Process &process, std::size_t count)
{
    unsigned char bytes[4096];
    cq_slice slices[4];
    std::size_t done = 0;
    cq_dequeue_batch(process.queue, bytes, sizeof bytes, slices, count, &done);
    for (std::size_t i = 0; i < done; ++i)
        if (const std::uint64_t id = delivered(slices[i].data, slices[i].size, 0, 0))
            released(id);
}

void World::receive_in_place(Process &process, std::uint64_t count, bool give_back)
{
    cq_message message{};
    message.struct_size = sizeof message;
    if (cq_take(process.queue, &message) != CQ_OK)
        return;
    const std::uint64_t id = delivered(message.data, message.size, message.deliveries, message.position);
    pause(count);
    if (give_back)
        cq_return(process.queue, &message);
    else if (cq_release(process.queue, &message) != CQ_OK)
        fail("cq_release");
    else if (id != 0)
        released(id);
}

int World::sync(Process &process)
{
    const std::uint64_t begun = ++tick_;
    const int result = cq_sync(process.queue, -1);
    if (result == CQ_OK)
        floor_ = std::max(floor_, begun);
    else if (!disk_fails || (result != CQ_EIO && result != CQ_ENOSPACE))
        fail(std::string("cq_sync: ") + cq_strerror(result));
    ++syncs;
    failed_syncs += result != CQ_OK;
    return result;
}

} // namespace power
