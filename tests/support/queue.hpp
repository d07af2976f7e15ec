/*
 * Queues for tests: each has a name nobody else uses, and is gone when the test is. Whatever goes wrong outside the
 * thing that is tested throws Failure, so that a test never goes on with half a queue.
 */
#pragma once

#include <atomic>
#include <cstdlib>
#include <optional>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include "child.hpp"
#include "cqueue.h"
#include "deadline.hpp"
#include "payload.hpp"
#include "shape.hpp"

namespace cqtest {

class Failure : public std::runtime_error {
public:
    Failure(const std::string &what, int result)
        : std::runtime_error(what + ": " + std::to_string(result) + " (" + cq_strerror(result) + ")")
    {
    }
};

/* What a test program and its children call their queues begins with this: see leftovers.hpp and process.hpp. Process ids are used
   again, and by machines and containers that share the directory at the same time, so there is more to it than that. */
inline const std::string &name_prefix()
{
    static const std::string prefix = "cqtest-" + std::to_string(::getpid()) + "-" + std::to_string(std::random_device()()) + "-";
    return prefix;
}

/* The random part keeps a program's processes apart: each of them counts for itself. */
inline std::string unique_name()
{
    static std::atomic<unsigned> count{0};
    std::random_device random;
    return name_prefix() + std::to_string(count.fetch_add(1)) + "-" + std::to_string(random());
}

struct Config : cq_config {
    explicit Config(uint64_t capacity_ = 0, uint64_t max_message_size_ = 0, uint32_t flags_ = CQ_CREATE) : cq_config{}
    {
        struct_size = sizeof(cq_config);
        capacity = capacity_;
        max_message_size = max_message_size_;
        flags = flags_;
    }
};

struct Message : cq_message {
    Message() : cq_message{} { struct_size = sizeof(cq_message); }
    std::string text() const { return {static_cast<const char *>(data), size}; }
};

struct Stats : cq_stats {
    Stats() : cq_stats{} { struct_size = sizeof(cq_stats); }
};

struct Recovery : cq_recovery {
    Recovery() : cq_recovery{} { struct_size = sizeof(cq_recovery); }
};

/* An open handle, closed at the end. */
class Handle {
public:
    Handle() = default;
    explicit Handle(cq_queue *queue) : queue_(queue) {}
    Handle(const std::string &name, const cq_config &config)
    {
        const int result = cq_open(name.c_str(), &config, &queue_);
        if (result != CQ_OK)
            throw Failure("cq_open(" + name + ")", result);
    }
    Handle(Handle &&other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept
    {
        std::swap(queue_, other.queue_);
        return *this;
    }
    ~Handle() { close(); }

    void close() { cq_close(std::exchange(queue_, nullptr)); }
    cq_queue *get() const { return queue_; }
    operator cq_queue *() const { return queue_; }

    int enqueue(std::string_view text) const { return cq_enqueue(queue_, text.data(), text.size()); }

    /* Enqueues something that must fit. */
    void must_enqueue(std::string_view text) const
    {
        const int result = enqueue(text);
        if (result != CQ_OK)
            throw Failure("cq_enqueue", result);
    }

    /* The oldest message, of whatever size; nothing if the queue is empty. */
    std::optional<std::string> dequeue() const
    {
        std::string buffer(256, '\0');
        size_t size = 0;
        int result;
        while ((result = cq_dequeue(queue_, buffer.data(), buffer.size(), &size)) == CQ_ETOOSMALL)
            buffer.resize(size);
        if (result == CQ_EMPTY)
            return std::nullopt;
        if (result != CQ_OK)
            throw Failure("cq_dequeue", result);
        buffer.resize(size);
        return buffer;
    }

    uint64_t length() const
    {
        uint64_t length = 0;
        const int result = cq_length(queue_, &length);
        if (result != CQ_OK)
            throw Failure("cq_length", result);
        return length;
    }

    /* All messages that are waiting, taken out. */
    std::vector<std::string> drain() const
    {
        std::vector<std::string> all;
        while (auto message = dequeue())
            all.push_back(std::move(*message));
        return all;
    }

    /* Enqueues the texts for as long as there is room; how many were accepted. */
    uint64_t fill(std::string_view text = "fill") const
    {
        uint64_t count = 0;
        int result;
        while ((result = enqueue(text)) == CQ_OK)
            ++count;
        if (result != CQ_FULL)
            throw Failure("cq_enqueue", result);
        return count;
    }

    /* All messages that are waiting, left where they are. */
    std::vector<std::string> walk() const
    {
        std::vector<std::string> all;
        const int result = cq_walk(
            queue_,
            [](const cq_message *message, void *context) {
                static_cast<std::vector<std::string> *>(context)->emplace_back(
                    static_cast<const char *>(message->data), message->size);
                return 0;
            },
            &all);
        if (result != CQ_OK)
            throw Failure("cq_walk", result);
        return all;
    }

    Stats stat() const
    {
        Stats stats;
        const int result = cq_stat(queue_, &stats);
        if (result != CQ_OK)
            throw Failure("cq_stat", result);
        return stats;
    }

    Recovery recover() const
    {
        Recovery recovery;
        const int result = cq_recover(queue_, &recovery);
        if (result != CQ_OK)
            throw Failure("cq_recover", result);
        return recovery;
    }

    Message take() const
    {
        Message message;
        const int result = cq_take(queue_, &message);
        if (result != CQ_OK)
            throw Failure("cq_take", result);
        return message;
    }

    Message reserve(size_t size) const
    {
        Message message;
        const int result = cq_reserve(queue_, size, &message);
        if (result != CQ_OK)
            throw Failure("cq_reserve", result);
        return message;
    }

private:
    cq_queue *queue_ = nullptr;
};

/* Writes a reservation, and commits it. */
inline int commit(const Handle &queue, Message &message, std::string_view text)
{
    std::memcpy(message.data, text.data(), text.size());
    return cq_commit(queue, &message, text.size());
}

/* What cq_open returns. The handle is closed again; after an error it must be NULL. */
inline int open_result(const std::string &name, const Config &config)
{
    cq_queue *queue = reinterpret_cast<cq_queue *>(&queue);
    const int result = cq_open(name.c_str(), &config, &queue);
    if ((queue != nullptr) != (result == CQ_OK))
        throw Failure("cq_open left a handle that is none", result);
    cq_close(queue);
    return result;
}

/* A queue that this object creates, and removes at the end. */
class Queue : public Handle {
public:
    explicit Queue(const Config &config = Config(), const Shape &shape = Shape(), std::string name = unique_name())
        : name_(std::move(name)), config_(config), directory_(config.directory ? config.directory : "")
    {
        if (config_.directory)
            config_.directory = directory_.c_str();
        config_.flags |= CQ_EXCLUSIVE;
        ShapeScope scope(shape);
        Handle::operator=(Handle(name_, config_));
        config_.flags &= ~static_cast<uint32_t>(CQ_EXCLUSIVE);
    }

    Queue(Queue &&) = delete;
    Queue &operator=(Queue &&) = delete;

    ~Queue()
    {
        close();
        unlink();
    }

    const std::string &name() const { return name_; }
    const Config &config() const { return config_; }

    /* The file behind it. */
    std::string path() const { return (directory_.empty() ? "/dev/shm" : directory_) + "/cqueue." + name_; }

    /* Another handle on the same queue, in this process or in a child. */
    Handle attach(uint32_t flags = CQ_ATTACH) const
    {
        Config config(0, 0, flags);
        config.permissions = config_.permissions;
        config.directory = config_.directory;
        return Handle(name_, config);
    }

    int unlink() const { return cq_unlink(name_.c_str(), &config_); }

private:
    std::string name_;
    Config config_;
    std::string directory_;
};

} // namespace cqtest
