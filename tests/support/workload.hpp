/*
 * Producers, consumers and recoverers at work on one queue, as threads or as processes, which can be killed and
 * replaced, or stopped and continued, at any time. At the end everything is looked at: the messages, and what is left
 * of the queue.
 */
#pragma once

#include <memory>

#include "nodes.hpp"
#include "require.hpp"
#include "seed.hpp"
#include "workers.hpp"

namespace cqtest {

enum class Workers { processes, threads_of_one_handle, threads_of_several };

struct Plan {
    std::string name;
    Shape shape;
    uint64_t capacity;
    size_t max_size;
    size_t producers, consumers, recoverers;
    uint64_t each = UINT64_MAX; /* so many messages of a producer; else until the end is asked for */
    bool gives_back = true;
    Workers workers = Workers::processes;

    bool has_end() const { return each != UINT64_MAX; }
};

inline void PrintTo(const Plan &plan, std::ostream *out) { *out << plan.name; }
inline std::string plan_name(const ::testing::TestParamInfo<Plan> &info) { return info.param.name; }

class Workload {
public:
    Workload(const Plan &plan, Noise &noise)
        : plan(plan), queue(Config(plan.capacity, std::max<size_t>(plan.max_size, 1)), plan.shape), noise_(noise),
          ledger_(plan.has_end() ? plan.producers * (2 * plan.each + 8 * batch_max) : 1 << 21, plan.max_size,
                  plan.consumers)
    {
        if (plan.workers == Workers::threads_of_several)
            for (int i = 0; i < 2; ++i)
                others_.push_back(queue.attach());
        for (size_t i = 0; i < size(); ++i)
            if (plan.workers == Workers::processes)
                processes_.push_back(process(i));
            else
                threads_.emplace_back([this, i, seed = noise_.next()] {
                    work(i, i % 3 == 0 || others_.empty() ? queue.get() : others_[i % 3 - 1].get(), seed);
                });
    }

    size_t size() const { return plan.producers + plan.consumers + plan.recoverers; }
    Child &worker(size_t index) { return *processes_[index]; }
    const Ledger &ledger() const { return ledger_; }

    /* Kill these at once, look at what they were doing, and put others in their place. */
    void replace(const std::vector<size_t> &indices)
    {
        for (const size_t i : indices)
            processes_[i]->signal(SIGKILL);
        for (const size_t i : indices) {
            processes_[i]->kill_without_reaping();
            const End end = processes_[i]->join();
            if (end.signal != SIGKILL)
                ledger_.complaints.add("a worker ended by itself with %d, signal %d", end.code, end.signal);
            if (is_consumer(i))
                ledger_.killed(i - plan.producers);
        }
        for (const size_t i : indices)
            processes_[i] = process(i);
    }

    /* Whoever is alive passes so many more messages. */
    bool passes(uint64_t count)
    {
        const uint64_t goal = ledger_.delivered() + count;
        return eventually([&] { return ledger_.delivered() >= goal || ledger_.used_up() || ledger_.complaints.any(); });
    }

    /* Let everybody finish what they do, then look at everything. Nobody else may have the queue open. */
    void finish()
    {
        shared_->stop = !plan.has_end();
        join(0, plan.producers);
        shared_->closed = true;
        join(plan.producers, size());
        require(!ledger_.complaints.any(), ledger_.complaints.text());

        queue.recover();
        require_nothing_to_recover(queue);
        drain();
        require(ledger_.problem().empty(), ledger_.problem());
        require_as_new();
    }

    const Plan plan;
    Queue queue;

private:
    struct Orders {
        std::atomic<size_t> here;
        std::atomic<bool> stop, closed;
        std::atomic<uint64_t> names; /* every producer has another one, also in the same place */
    };

    bool is_consumer(size_t index) const { return plan.producers <= index && index < plan.producers + plan.consumers; }
    bool stopped() const { return shared_->stop || ledger_.complaints.any(); }
    bool closed() const { return shared_->closed || ledger_.complaints.any(); }

    std::unique_ptr<Child> process(size_t index)
    {
        return std::make_unique<Child>([this, index, seed = noise_.next()](Channel &) {
            if (index < plan.producers + plan.consumers)
                return work(index, queue.attach(), seed);
            while (!closed()) { /* opening recovers, too */
                const Handle handle = queue.attach();
                handle.recover();
                handle.recover();
                handle.stat();
            }
        });
    }

    /* Everybody begins when everybody is there. */
    void work(size_t index, cq_queue *handle, uint64_t seed)
    {
        Noise noise(seed);
        for (++shared_->here; shared_->here < plan.producers + plan.consumers && !stopped();)
            std::this_thread::yield();
        if (!is_consumer(index)) {
            Producer producer(handle, ledger_, ++shared_->names, plan.each, noise);
            while (!stopped() && producer.work())
                ;
            while (!plan.has_end() && !stopped()) /* to be killed or stopped as ever */
                std::this_thread::sleep_for(milliseconds(1));
            return;
        }
        Consumer consumer(handle, ledger_, index - plan.producers, plan.gives_back, noise);
        for (bool last = false; !last && !ledger_.complaints.any();) {
            const bool ends = shared_->closed;
            if (!consumer.work()) {
                last = ends;
                std::this_thread::yield();
            }
        }
    }

    void join(size_t from, size_t to)
    {
        for (size_t i = from; i < to; ++i) {
            if (plan.workers != Workers::processes) {
                threads_[i].join();
                continue;
            }
            const End end = processes_[i]->join(10 * patience);
            if (end.code != 0)
                ledger_.complaints.add("a worker ended with %d, signal %d", end.code, end.signal);
        }
    }

    /* What those had who were killed last. */
    void drain()
    {
        for (;;) {
            Message message;
            const int result = cq_take(queue, &message);
            if (result == CQ_EMPTY)
                return;
            require(result == CQ_OK, "cq_take returned " + std::to_string(result));
            const auto stamp = ledger_.came(message.text());
            if (stamp && message.deliveries == 1)
                ledger_.came_first(*stamp, order_);
            require(cq_release(queue, &message) == CQ_OK, "cq_release did not work");
            if (stamp)
                ledger_.done(stamp->number);
        }
    }

    /* As good as new, and each of its nodes accounted for. */
    void require_as_new()
    {
        const Stats stats = queue.stat();
        require(stats.participants == 1 + others_.size(), "somebody is counted who is gone");
        require(stats.length == 0 && stats.orphans == 0, "an empty queue does not say so");
        if (plan.has_end())
            require(stats.enqueued == plan.producers * plan.each && stats.dequeued == stats.enqueued,
                    std::to_string(stats.enqueued) + " were enqueued, " + std::to_string(stats.dequeued) + " dequeued");
        const std::string text = stamped({0, 0}, plan.max_size);
        for (int round = 0; round < 2; ++round) {
            require(queue.fill(text) == plan.capacity, "it takes another number of messages than its capacity");
            require(queue.drain() == std::vector<std::string>(plan.capacity, text), "it gives out what was not put in");
        }
        /* Nodes that the living left behind are found when somebody needs them; a recovery has found those of the dead. */
        const uint64_t linked = queue.stat().nodes_linked;
        require(linked <= 2 || plan.has_end(), std::to_string(linked) + " nodes are in use by an empty queue");
        require_nothing_to_recover(queue);
        require(stray_nodes(queue.path()).empty(), stray_nodes(queue.path()));
    }

    Noise &noise_;
    Ledger ledger_;
    Shared<Orders> shared_;
    Ledger::Order order_;
    std::vector<Handle> others_;
    std::vector<std::unique_ptr<Child>> processes_;
    std::vector<std::thread> threads_;
};

} // namespace cqtest
