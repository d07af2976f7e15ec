/* Many threads on one handle, and on several: nothing lost, nothing twice, nothing torn, every producer's order kept. */
#include <atomic>
#include <mutex>
#include <thread>

#include "shapes.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

/* What a consumer saw. Order is checked as it goes: of one producer, a consumer sees rising numbers. */
class Ledger {
public:
    Ledger(size_t producers, uint64_t each) : each_(each), seen_(producers * each) {}

    /* In what one consumer sees, each producer's numbers rise. */
    class Consumer {
    public:
        explicit Consumer(Ledger &ledger) : ledger_(ledger), next_(ledger.seen_.size() / ledger.each_) {}
        void saw(std::string_view text)
        {
            const auto stamp = read_stamp(text);
            if (!stamp || stamp->producer >= next_.size() || stamp->number >= ledger_.each_) {
                ++ledger_.damaged_;
                return;
            }
            if (stamp->number < next_[stamp->producer])
                ++ledger_.disordered_;
            next_[stamp->producer] = stamp->number + 1;
            ++ledger_.seen_[stamp->producer * ledger_.each_ + stamp->number];
            ++ledger_.count_;
        }

    private:
        Ledger &ledger_;
        std::vector<uint64_t> next_;
    };

    uint64_t count() const { return count_; }
    bool complete() const { return count_ >= seen_.size(); }

    void expect_all_once_and_in_order() const
    {
        EXPECT_EQ(damaged_, 0u);
        EXPECT_EQ(disordered_, 0u);
        EXPECT_EQ(count_, seen_.size());
        uint64_t wrong = 0;
        for (const auto &times : seen_)
            wrong += times != 1;
        EXPECT_EQ(wrong, 0u);
    }

private:
    uint64_t each_;
    std::vector<std::atomic<uint8_t>> seen_;
    std::atomic<uint64_t> count_{0}, damaged_{0}, disordered_{0};
};

/* One way after the other, by the number of the message. */
int produce(cq_queue *queue, uint64_t producer, uint64_t number, uint64_t each, uint64_t *advance)
{
    const auto text = [&](uint64_t n) { return stamped({producer, n}, stamped_size_min + (n * 7 + producer) % 40); };
    *advance = 1;
    if (number % 5 == 0 && number + 3 <= each) {
        const std::string texts[] = {text(number), text(number + 1), text(number + 2)};
        cq_slice slices[3];
        for (size_t i = 0; i < 3; ++i)
            slices[i] = {const_cast<char *>(texts[i].data()), texts[i].size()};
        size_t done = 0;
        const int result = cq_enqueue_batch(queue, slices, 3, &done);
        *advance = done;
        return result;
    }
    const std::string whole = text(number);
    if (number % 5 == 3) {
        Message message;
        int result = cq_reserve(queue, whole.size(), &message);
        if (result != CQ_OK)
            return result;
        std::memcpy(message.data, whole.data(), whole.size());
        while ((result = cq_commit(queue, &message, whole.size())) == CQ_FULL)
            std::this_thread::yield();
        return result;
    }
    if (number % 5 == 4) {
        Message given_up;
        if (cq_reserve(queue, 1, &given_up) == CQ_OK)
            cq_abort(queue, &given_up);
        return cq_enqueue_wait(queue, whole.data(), whole.size(), to_ns(milliseconds(1)));
    }
    return cq_enqueue(queue, whole.data(), whole.size());
}

void run_producer(cq_queue *queue, uint64_t producer, uint64_t each, std::atomic<int> &error)
{
    for (uint64_t number = 0; number < each && error == 0;) {
        uint64_t advance = 0;
        const int result = produce(queue, producer, number, each, &advance);
        if (result < 0)
            error = result;
        if (result == CQ_OK || (result == CQ_FULL && advance > 0 && number % 5 == 0 && number + 3 <= each))
            number += advance;
        if (result != CQ_OK)
            std::this_thread::yield();
    }
}

int consume(cq_queue *queue, uint64_t turn, Ledger::Consumer &consumer)
{
    char buffer[256];
    size_t size = 0;
    if (turn % 4 == 0) {
        cq_slice slices[4];
        size_t done = 0;
        const int result = cq_dequeue_batch(queue, buffer, sizeof buffer, slices, 4, &done);
        for (size_t i = 0; result == CQ_OK && i < done; ++i)
            consumer.saw({static_cast<char *>(slices[i].data), slices[i].size});
        return result;
    }
    if (turn % 4 == 1) {
        Message message;
        int result = cq_take_wait(queue, &message, to_ns(milliseconds(1)));
        if (result == CQ_OK) {
            consumer.saw(message.text());
            result = cq_release(queue, &message);
        }
        return result;
    }
    const int result = turn % 4 == 2 ? cq_dequeue(queue, buffer, sizeof buffer, &size)
                                     : cq_dequeue_wait(queue, buffer, sizeof buffer, &size, to_ns(milliseconds(1)));
    if (result == CQ_OK)
        consumer.saw({buffer, size});
    return result;
}

void run_consumer(cq_queue *queue, Ledger &ledger, std::atomic<int> &error)
{
    Ledger::Consumer consumer(ledger);
    for (uint64_t turn = 0; !ledger.complete() && error == 0; ++turn) {
        const int result = consume(queue, turn, consumer);
        if (result < 0)
            error = result;
        if (result == CQ_EMPTY)
            std::this_thread::yield();
    }
}

class Threads : public OverShapes {
protected:
    /* Four producers and four consumers. For several handles see tests/process/handles_test.cpp. */
    void run(const Handle &handle, uint64_t each)
    {
        constexpr size_t producers = 4, consumers = 4;
        Ledger ledger(producers, each);
        std::atomic<int> error{0};
        std::vector<std::thread> threads;
        for (size_t i = 0; i < producers; ++i)
            threads.emplace_back(run_producer, handle.get(), i, each, std::ref(error));
        for (size_t i = 0; i < consumers; ++i)
            threads.emplace_back(run_consumer, handle.get(), std::ref(ledger), std::ref(error));
        for (std::thread &thread : threads)
            thread.join();
        EXPECT_EQ(error, 0);
        ledger.expect_all_once_and_in_order();
    }

    uint64_t each() const { return long_run() ? 500000 : 10000; }
};
CQTEST_OVER_SHAPES(Threads);

TEST_P(Threads, on_one_handle)
{
    Queue queue(Config(50, 64), GetParam());
    run(queue, each());
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.fill(), 50u) << "nothing may have leaked";
}

TEST_P(Threads, on_one_handle_of_a_queue_that_is_always_full)
{
    Queue queue(Config(2, 64), GetParam());
    run(queue, each());
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.fill(), 2u);
}

TEST_P(Threads, that_return_messages_deliver_each_until_it_is_released)
{
    constexpr uint64_t count = 2000;
    Queue queue(Config(100, 64), GetParam());
    std::vector<std::atomic<int>> released(count);
    std::atomic<uint64_t> done{0};
    std::atomic<int> damaged{0}, error{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (uint64_t turn = 0; done < count && error == 0; ++turn) {
                Message message;
                int result = cq_take_wait(queue, &message, to_ns(milliseconds(1)));
                if (result == CQ_TIMEOUT)
                    continue;
                const auto stamp = result == CQ_OK ? read_stamp(message.text()) : std::nullopt;
                if (!stamp || stamp->number >= count)
                    ++damaged;
                else if (turn % 3 == 0 && message.deliveries < 5)
                    result = cq_return(queue, &message);
                else if ((result = cq_release(queue, &message)) == CQ_OK) {
                    ++released[stamp->number];
                    ++done;
                }
                if (result < 0)
                    error = result;
            }
        });
    }
    for (uint64_t i = 0; i < count && error == 0; ++i) {
        const std::string text = stamped({0, i});
        if (cq_enqueue_wait(queue, text.data(), text.size(), patience_ns) != CQ_OK)
            error = 1;
    }
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(damaged, 0);
    for (uint64_t i = 0; i < count; ++i)
        ASSERT_EQ(released[i], 1) << i;
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().orphans, 0u);
    EXPECT_EQ(queue.fill(), 100u);
}

TEST_P(Threads, that_look_on_see_whole_messages_in_order)
{
    Queue queue(Config(40, 64), GetParam());
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    std::thread looker([&] {
        while (!stop) {
            uint64_t last = 0;
            for (const std::string &text : queue.walk()) {
                const auto stamp = read_stamp(text);
                wrong += !stamp || stamp->number <= last;
                last = stamp ? stamp->number : last;
            }
            const Stats stats = queue.stat();
            wrong += stats.length > 41 || stats.capacity != 40;
        }
    });
    uint64_t in = 1, out = 1;
    for (Noise noise(1); in < each();) {
        for (uint64_t n = noise.below(40); n > 0 && queue.enqueue(stamped({1, in})) == CQ_OK; --n)
            ++in;
        for (uint64_t n = noise.below(40); n > 0; --n) {
            const auto text = queue.dequeue();
            if (!text)
                break;
            const auto stamp = read_stamp(*text);
            ASSERT_TRUE(stamp && stamp->number == out++);
        }
    }
    stop = true;
    looker.join();
    EXPECT_EQ(wrong, 0);
}

TEST_P(Threads, that_open_and_close_do_not_disturb_the_others)
{
    Queue queue(Config(20, 64), GetParam());
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    std::atomic<int> error{0};
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (!stop && error == 0) {
                const Config config(0, 0, CQ_ATTACH);
                cq_queue *opened = nullptr;
                const int result = cq_open(queue.name().c_str(), &config, &opened);
                const Handle mine(opened);
                Message message;
                if (result != CQ_OK)
                    error = result;
                else if (cq_reserve(mine, 1, &message) == CQ_OK && cq_abort(mine, &message) != CQ_OK)
                    error = 1;
            }
        });
    }
    uint64_t out = 0;
    for (uint64_t in = 0; in < 1000; ++in) {
        EXPECT_EQ(cq_enqueue_wait(queue, &in, sizeof in, patience_ns), CQ_OK);
        uint64_t value = UINT64_MAX;
        EXPECT_EQ(cq_dequeue_wait(queue, &value, sizeof value, nullptr, patience_ns), CQ_OK);
        EXPECT_EQ(value, out++);
    }
    stop = true;
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(queue.fill(), 20u);
}

} // namespace
} // namespace cqtest
