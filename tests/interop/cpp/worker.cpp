/*
 * worker.cpp - what tests/interop asks of every language, by way of cqueue.hpp: open a queue, produce, consume, hold,
 * walk, and typed messages. bench.cpp has the mode bench. README.md beside this folder describes the modes.
 */
#include "../c/item.h"
#include "../c/options.h"
#include "../c/payload.h"
#include "../c/report.h"
#include "../c/results.h"
#include "bench.hpp"

#include <cqueue.hpp>

#include <poll.h>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <map>

namespace {

using mode = cqueue::options::mode;

cqueue::queue attach(const options &given, mode how = mode::attach)
{
    cqueue::options wanted;
    wanted.directory = given.directory;
    wanted.open_mode = how;
    return cqueue::queue(given.name, wanted);
}

void run_open(const options &given)
{
    static const std::map<std::string, mode> modes{{"create", mode::create},
                                                   {"exclusive", mode::exclusive},
                                                   {"attach", mode::attach},
                                                   {"read-only", mode::read_only}};
    cqueue::options wanted;
    wanted.directory = given.directory;
    wanted.capacity = given.capacity;
    wanted.max_message_size = given.max_size;
    wanted.open_mode = modes.at(given.flags);
    try {
        const auto stats = cqueue::queue(given.name, wanted).stat();
        std::cout << "ok " << stats.capacity << ' ' << stats.max_message_size << '\n';
    } catch (const cqueue::error &error) {
        std::cout << result_name(error.code().value()) << ": " << error.what() << '\n';
    }
}

/* ---- produce ---------------------------------------------------------------------------------------- */

/* The numbers of the messages to send, and where to say how many the queue has. */
struct task {
    const options &given;
    std::uint64_t end = given.first + given.count;
    int ack = report_open(given.ack, 0);

    void write(void *to, std::uint64_t number) const { payload_write(to, given.size, given.producer, number); }
    void acknowledged(std::uint64_t next) const { report_acknowledged(ack, next - given.first); }
};

void wait_for_room(cqueue::queue &queue)
{
    pollfd room{queue.room_fd(), POLLIN, 0};
    poll(&room, 1, -1);
}

void produce_copy(cqueue::queue &queue, const task &task)
{
    std::vector<std::byte> message(task.given.size);
    for (auto number = task.given.first; number < task.end; ++number) {
        task.write(message.data(), number);
        queue.enqueue_wait(message);
        task.acknowledged(number + 1);
    }
}

void produce_batch(cqueue::queue &queue, const task &task)
{
    std::vector<std::vector<std::byte>> messages(PAYLOAD_MANY, std::vector<std::byte>(task.given.size));
    for (auto number = task.given.first; number < task.end;) {
        messages.resize(std::min<std::uint64_t>(PAYLOAD_MANY, task.end - number));
        for (std::size_t i = 0; i < messages.size(); ++i)
            task.write(messages[i].data(), number + i);
        auto done = queue.enqueue_batch(messages);
        if (done == 0) {
            queue.enqueue_wait(messages[0]);
            done = 1;
        }
        number += done;
        task.acknowledged(number);
    }
}

cqueue::reservation reserve(cqueue::queue &queue, std::size_t size)
{
    for (;;) {
        if (auto message = queue.reserve(size))
            return std::move(*message);
        wait_for_room(queue);
    }
}

void produce_loan(cqueue::queue &queue, const task &task)
{
    for (auto number = task.given.first; number < task.end; ++number) {
        auto message = reserve(queue, task.given.size);
        task.write(message.data(), number);
        while (!message.commit())
            wait_for_room(queue);
        task.acknowledged(number + 1);
    }
}

void run_produce(const options &given)
{
    static const std::map<std::string, void (*)(cqueue::queue &, const task &)> methods{
        {"copy", produce_copy}, {"batch", produce_batch}, {"loan", produce_loan}};
    auto queue = attach(given);
    methods.at(given.method)(queue, task{given});
}

/* ---- consume ---------------------------------------------------------------------------------------- */

using idle_time = std::chrono::milliseconds;

void consume_copy(cqueue::queue &queue, idle_time idle, int log)
{
    while (const auto message = queue.dequeue_wait(idle)) {
        const auto record = payload_read(message->data(), message->size(), 0);
        report_received(log, &record, 1);
    }
}

/* Batches while there are messages; the first after a pause is waited for. */
void consume_batch(cqueue::queue &queue, idle_time idle, int log)
{
    cqueue::batch batch(PAYLOAD_MANY, PAYLOAD_MANY * queue.stat().max_message_size);
    std::vector<payload_record> records;
    for (;;) {
        records.clear();
        if (queue.dequeue_batch(batch)) {
            for (std::size_t i = 0; i < batch.size(); ++i)
                records.push_back(payload_read(batch[i].data(), batch[i].size(), 0));
        } else if (const auto message = queue.dequeue_wait(idle)) {
            records.push_back(payload_read(message->data(), message->size(), 0));
        } else {
            return;
        }
        report_received(log, records.data(), records.size());
    }
}

void consume_loan(cqueue::queue &queue, idle_time idle, int log)
{
    while (auto message = queue.take_wait(idle)) {
        const auto record = payload_read(message->data(), message->size(), message->deliveries());
        report_received(log, &record, 1);
        message->release();
    }
}

void run_consume(const options &given)
{
    static const std::map<std::string, void (*)(cqueue::queue &, idle_time, int)> methods{
        {"copy", consume_copy}, {"batch", consume_batch}, {"loan", consume_loan}};
    auto queue = attach(given);
    methods.at(given.method)(queue, idle_time(given.idle_ms), report_open(given.log, O_APPEND));
}

/* ---- hold, walk ------------------------------------------------------------------------------------- */

void run_hold(const options &given)
{
    auto queue = attach(given);
    const auto message = queue.take_wait();
    const auto record = payload_read(message.data(), message.size(), message.deliveries());
    std::cout << "held " << record.producer << ' ' << record.number << ' ' << record.deliveries << std::endl;
    for (;;)
        pause();
}

void run_walk(const options &given)
{
    attach(given, mode::read_only).walk([](const cqueue::shown &message) {
        std::cout << std::dec << message.position << ' ' << message.deliveries << ' ' << (message.data.empty() ? "-" : "")
                  << std::hex << std::setfill('0');
        for (const auto byte : message.data)
            std::cout << std::setw(2) << std::to_integer<unsigned>(byte);
        std::cout << '\n';
    });
}

/* ---- put-typed, get-typed --------------------------------------------------------------------------- */

void run_put_typed(const options &given)
{
    item_expect_struct(given.format);
    cqueue::options wanted;
    wanted.directory = given.directory;
    wanted.open_mode = mode::attach;
    cqueue::typed_queue<item> queue(given.name, wanted);
    for (std::uint64_t i = 0; i < given.count; ++i)
        queue.enqueue_wait(item_tea);
}

void run_get_typed(const options &given)
{
    item_expect_struct(given.format);
    cqueue::options wanted;
    wanted.directory = given.directory;
    wanted.open_mode = mode::attach;
    cqueue::typed_queue<item> queue(given.name, wanted);
    for (std::uint64_t i = 0; i < given.count; ++i)
        try {
            const auto value = queue.dequeue_wait(std::chrono::seconds(10));
            if (!value)
                throw std::runtime_error("no value came for 10 s");
            item_print(&*value);
        } catch (const cqueue::error &error) {
            if (error.result() != cqueue::errc::mismatch)
                throw;
            queue.bytes().walk([](const cqueue::shown &message) { /* it comes first again */
                item_print_undecodable(message.data.data(), message.data.size());
                return false;
            });
        }
}

} // namespace

int main(int argc, char **argv)
{
    static const std::map<std::string, void (*)(const options &)> runs{{"open", run_open}, {"produce", run_produce},
                                                                       {"consume", run_consume}, {"hold", run_hold},
                                                                       {"walk", run_walk}, {"bench", bench_run},
                                                                       {"put-typed", run_put_typed},
                                                                       {"get-typed", run_get_typed}};
    const auto given = options_parse(argc, argv);
    try {
        runs.at(given.mode)(given);
        return std::cout.flush() ? 0 : 1;
    } catch (const std::exception &error) {
        std::cerr << "worker: " << given.mode << ": " << error.what() << '\n';
        return 1;
    }
}
