/*
 * The one harness: starts the workers of a plan on a new queue, lets them work to the end, and looks at what they left.
 */
#ifndef CQTEST_CROWD_HPP
#define CQTEST_CROWD_HPP

#include "nodes.hpp"
#include "support/seed.hpp"
#include "workers.hpp"

namespace cqtest {

class Crowd {
public:
    explicit Crowd(const Plan &plan)
        : plan_(plan), account_(plan_), queue_(Config(plan.capacity, plan.size > 0 ? plan.size : 1), Shape(plan.slots))
    {
        if (plan.workers == Workers::threads_of_several)
            for (int i = 0; i < 2; ++i)
                others_.push_back(queue_.attach());
    }

    void run(uint64_t seed)
    {
        Noise noise(seed);
        Party producers, consumers;
        for (size_t i = 0; i < plan_.consumers; ++i)
            start(consumers, i, [this, stream = Noise(noise.next())](cq_queue *queue) {
                Consumer(queue, plan_, account_, stream).run(shared_->closed);
            });
        for (size_t i = 0; i < plan_.producers; ++i)
            start(producers, i, [this, i, stream = Noise(noise.next())](cq_queue *queue) {
                Producer(queue, plan_, account_, i, stream).run();
            });
        join(producers);
        shared_->closed = true;
        join(consumers);
        account_.expect_each_once();
        expect_whole();
    }

private:
    struct Party {
        std::vector<Child> processes;
        std::vector<std::thread> threads;
    };
    struct Orders {
        std::atomic<size_t> here;
        std::atomic<bool> closed;
    };

    /* Everybody begins when everybody is there. */
    template <class Work>
    void start(Party &party, size_t index, Work work)
    {
        const auto begin = [this, work](cq_queue *queue) {
            ++shared_->here;
            while (shared_->here < plan_.producers + plan_.consumers)
                std::this_thread::yield();
            work(queue);
        };
        if (plan_.workers == Workers::processes)
            party.processes.emplace_back([this, begin](Channel &) { begin(queue_.attach()); });
        else
            party.threads.emplace_back(begin, index % 3 == 0 || others_.empty() ? queue_.get() : others_[index % 3 - 1].get());
    }

    void join(Party &party)
    {
        for (Child &process : party.processes) {
            const End end = process.join(10 * patience);
            if (end.code != 0)
                account_.complaints.add("a worker ended with %d, signal %d", end.code, end.signal);
        }
        for (std::thread &thread : party.threads)
            thread.join();
    }

    /* As good as new, and each of its nodes accounted for. */
    void expect_whole()
    {
        EXPECT_EQ(queue_.dequeue(), std::nullopt);
        const Stats stats = queue_.stat();
        EXPECT_EQ(stats.length, 0u);
        EXPECT_EQ(stats.enqueued, plan_.total());
        EXPECT_EQ(stats.dequeued, plan_.total());
        EXPECT_EQ(stats.participants, 1 + others_.size());
        const Recovery found = queue_.recover();
        EXPECT_EQ(found.participants + found.slots + found.messages + found.nodes, 0u);
        const std::string text = text_of({0, 0}, plan_.size);
        for (int round = 0; round < 2; ++round) {
            EXPECT_EQ(queue_.fill(text), plan_.capacity);
            EXPECT_EQ(queue_.drain(), std::vector<std::string>(plan_.capacity, text));
        }
        EXPECT_EQ(stray_nodes(queue_.path()), "");
    }

    const Plan plan_;
    Account account_;
    Queue queue_;
    std::vector<Handle> others_;
    Shared<Orders> shared_;
};

} // namespace cqtest

#endif
