/*
 * A crew of producers, consumers and recoverers on one queue, each a process, any of which can be killed and replaced, or
 * stopped and continued, at any time.
 */
#ifndef CQTEST_CREW_HPP
#define CQTEST_CREW_HPP

#include <memory>

#include "support/seed.hpp"
#include "workers.hpp"

namespace cqtest {

struct Plan {
    const char *name;
    Shape shape;
    uint64_t capacity;
    size_t max_size;
    size_t producers, consumers, recoverers;
};

class Crew {
public:
    static constexpr size_t messages = 1 << 21;

    Crew(const Plan &plan, Noise &noise)
        : plan(plan), queue(Config(plan.capacity, plan.max_size), plan.shape), noise_(noise),
          ledger_(messages, size(), plan.max_size)
    {
        for (size_t i = 0; i < size(); ++i)
            members_.push_back(worker(i));
    }

    size_t size() const { return plan.producers + plan.consumers + plan.recoverers; }
    Child &member(size_t index) { return *members_[index]; }
    const Ledger &ledger() const { return ledger_; }

    /* Kill these at once, look at what they were doing, and put others in their place. */
    void replace(const std::vector<size_t> &indices)
    {
        for (const size_t i : indices)
            members_[i]->signal(SIGKILL);
        for (const size_t i : indices) {
            members_[i]->kill_without_reaping();
            const End end = members_[i]->join();
            if (end.signal != SIGKILL)
                ledger_.complaints.add("a worker ended by itself with %d, signal %d", end.code, end.signal);
            ledger_.autopsy(i);
        }
        for (const size_t i : indices)
            members_[i] = worker(i);
    }

    /* Whoever is alive passes so many more messages. */
    bool passes(uint64_t count)
    {
        const uint64_t goal = ledger_.delivered() + count;
        return eventually([&] { return ledger_.delivered() >= goal || ledger_.used_up() || ledger_.complaints.any(); });
    }

    /* Let everybody finish what they do, then look at everything. Nobody may have the queue open but our own handle. */
    void finish()
    {
        shared_->stop = true;
        for (size_t i = 0; i < size(); ++i) {
            const End end = members_[i]->join();
            require(end.code == 0 || ledger_.complaints.any(),
                    "a worker ended with " + std::to_string(end.code) + ", signal " + std::to_string(end.signal));
        }
        require(!ledger_.complaints.any(), ledger_.complaints.text());

        queue.recover();
        require_nothing_to_recover(queue);
        require(queue.stat().participants == 1, "somebody is counted who is gone");
        for (;;) {
            Message message;
            const int result = cq_take(queue, &message);
            if (result == CQ_EMPTY)
                break;
            require(result == CQ_OK, "cq_take returned " + std::to_string(result));
            const auto stamp = ledger_.see(message.text());
            if (stamp && message.deliveries == 1)
                ledger_.seen_first(stamp->number);
            require(cq_release(queue, &message) == CQ_OK, "cq_release did not work");
            if (stamp)
                ledger_.done(stamp->number);
        }
        require(!ledger_.complaints.any(), ledger_.complaints.text());
        ledger_.require_nothing_lost();
        require(require_whole(queue, plan.capacity, 1).empty(), "an empty queue is not empty");
    }

    const Plan plan;
    Queue queue;

private:
    struct Orders {
        std::atomic<bool> stop;
        std::atomic<uint64_t> names; /* every producer has another one, also in the same place */
    };

    std::unique_ptr<Child> worker(size_t index)
    {
        const uint64_t seed = noise_.next();
        return std::make_unique<Child>([&](Channel &) { work(index, seed); });
    }

    /* In the child. */
    void work(size_t index, uint64_t seed)
    {
        Noise noise(seed);
        if (index >= plan.producers + plan.consumers) {
            while (!done())
                recover();
            return;
        }
        Handle handle = queue.attach();
        if (index >= plan.producers) {
            Consumer consumer(handle, ledger_, ledger_.desk(index), noise);
            while (!done())
                consumer.work();
            return;
        }
        Producer producer(handle, ledger_, ++shared_->names, noise);
        while (!done() && producer.work())
            ;
        /* No messages left: the others need the place no less. */
        while (!done())
            std::this_thread::sleep_for(milliseconds(1));
    }

    void recover()
    {
        Handle handle = queue.attach();
        handle.recover();
        handle.recover();
        handle.stat();
    }

    bool done() const { return shared_->stop || ledger_.complaints.any(); }

    Noise &noise_;
    Ledger ledger_;
    Shared<Orders> shared_;
    std::vector<std::unique_ptr<Child>> members_;
};

} // namespace cqtest

#endif
