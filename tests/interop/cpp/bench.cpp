/*
 * bench.cpp - what a message costs in C++, one thread at both ends of the queue, and what a call costs that does nothing.
 * Prints a line of JSON; the other languages' workers print the same.
 */
#include "bench.hpp"
#include "../c/payload.h"

#include <cqueue.hpp>

#include <array>
#include <stdexcept>

namespace {

constexpr std::size_t size = 56;
constexpr int unwatched = 1000; /* calls between two looks at the clock */

void expect(bool done)
{
    if (!done)
        throw std::runtime_error("a message did not go through");
}

/* Nanoseconds a call of `step`, called again and again for so long. */
template <class Step> double measure(Step step, double seconds)
{
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    std::chrono::duration<double, std::nano> took;
    double calls = 0;
    do {
        for (int i = 0; i < unwatched; ++i)
            step();
        calls += unwatched;
        took = clock::now() - begin;
    } while (took.count() < seconds * 1e9);
    return took.count() / calls;
}

} // namespace

void bench_run(const options &given)
{
    cqueue::options wanted;
    wanted.capacity = 1024;
    wanted.max_message_size = size;
    wanted.directory = given.directory;
    wanted.open_mode = cqueue::options::mode::exclusive;
    cqueue::queue queue(given.name, wanted);
    const double seconds = std::stod(given.seconds);

    std::array<std::byte, size> message{};
    const double single_ns = measure(
        [&] {
            expect(queue.enqueue(message));
            expect(queue.dequeue_into(message.data(), size).has_value());
        },
        seconds);

    const std::vector<cqueue::bytes_view> messages(PAYLOAD_MANY, message);
    cqueue::batch batch(PAYLOAD_MANY, PAYLOAD_MANY * size);
    const double batch_ns = measure(
        [&] {
            expect(queue.enqueue_batch(messages.data(), messages.size()) == messages.size());
            expect(queue.dequeue_batch(batch) && batch.size() == messages.size());
        },
        seconds);

    const double empty_ns = measure([] { expect(cq_abi_version() == CQ_ABI_VERSION); }, seconds);

    queue.close();
    cqueue::queue::unlink(given.name, given.directory);
    std::printf("{\"language\":\"cpp\",\"single_ns\":%.2f,\"batch_ns\":%.2f,\"empty_ns\":%.2f}\n", single_ns / 2,
                batch_ns / PAYLOAD_MANY, empty_ns);
}
