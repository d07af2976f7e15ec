/*
 * The file system is full: an enqueue that may wait waits for memory as it waits for capacity.
 */
#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "faults/file_systems.hpp"
#include "support/leftovers.hpp"

namespace {

using namespace cqtest;

constexpr seconds soon{20};

/* As many as there is memory for. */
uint64_t fill_memory(const Handle &queue)
{
    uint64_t count = 0;
    int result;
    while ((result = queue.enqueue(std::string(200, 'x'))) == CQ_OK)
        ++count;
    if (result != CQ_ENOSPACE)
        throw Failure("cq_enqueue", result);
    return count;
}

TEST(WaitingForMemory, goes_on_when_a_consumer_makes_room)
{
    on_tmpfs("size=1m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(100000, 200)), Shape(4), "full");
        const uint64_t filled = fill_memory(queue);
        std::atomic<uint64_t> drained{0};
        std::thread consumer([&, other = queue.attach()] {
            std::this_thread::sleep_for(a_while);
            /* Slowly, and only so much that the producer needs every node again. */
            for (; drained < filled; ++drained) {
                if (!other.dequeue())
                    complaints.add("a message is missing");
                std::this_thread::sleep_for(std::chrono::microseconds(100));
            }
        });
        for (uint64_t i = 0; i < filled; ++i) {
            const int result = cq_enqueue_wait(queue, "more", 4, to_ns(soon));
            if (result != CQ_OK)
                complaints.add("%d after %u messages", result, static_cast<unsigned>(i));
        }
        consumer.join();
        if (queue.drain().size() != filled)
            complaints.add("messages are missing");
    });
}

TEST(WaitingForMemory, goes_on_when_the_file_system_has_room)
{
    on_tmpfs("size=4m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(100000, 200)), Shape(4), "full");
        leave_room(directory, 65536);
        fill_memory(queue);
        std::thread other([&] {
            std::this_thread::sleep_for(milliseconds(250));
            give_room(directory);
        });
        const int result = cq_enqueue_wait(queue, "more", 4, to_ns(soon));
        if (result != CQ_OK)
            complaints.add("%d", result);
        other.join();
    });
}

TEST(WaitingForMemory, ends_with_the_time_and_says_what_for)
{
    on_tmpfs("size=1m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(100000, 200)), Shape(4), "full");
        fill_memory(queue);
        const auto begin = Clock::now();
        int result = cq_enqueue_wait(queue, "more", 4, to_ns(milliseconds(250)));
        if (result != CQ_ENOSPACE || Clock::now() - begin < milliseconds(250))
            complaints.add("%d, or not at the end of the time", result);
        result = cq_enqueue_wait(queue, "more", 4, 0);
        if (result != CQ_ENOSPACE)
            complaints.add("%d without any time", result);
    });
}

TEST(WaitingForMemory, ends_when_it_is_cancelled)
{
    on_tmpfs("size=1m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(100000, 200)), Shape(4), "full");
        fill_memory(queue);
        std::thread other([&] {
            std::this_thread::sleep_for(a_while);
            cq_cancel(queue);
        });
        const int result = cq_enqueue_wait(queue, "more", 4, to_ns(soon));
        if (result != CQ_CANCELLED)
            complaints.add("%d", result);
        other.join();
    });
}

} // namespace
