/*
 * A producer that sends its messages and a consumer that receives what comes, each by all ways that the interface has, in
 * an order that the seed decides.
 */
#ifndef CQTEST_PROCESS_WORKERS_HPP
#define CQTEST_PROCESS_WORKERS_HPP

#include <thread>

#include "account.hpp"

namespace cqtest {

class Producer {
public:
    Producer(cq_queue *queue, const Plan &plan, const Account &account, uint64_t name, Noise noise)
        : queue_(queue), plan_(plan), account_(account), name_(name), noise_(noise)
    {
    }

    void run()
    {
        auto progress = Clock::now();
        while (next_ < plan_.each && !account_.complaints.any()) {
            const uint64_t before = next_;
            const int result = attempt();
            if (result != CQ_OK && result != CQ_FULL && result != CQ_TIMEOUT)
                account_.complaints.add("a producer was told %d", result);
            if (next_ > before)
                progress = Clock::now();
            else if (Clock::now() - progress > patience)
                account_.complaints.add("producer %" PRIu64 " finds no room for message %" PRIu64, name_, next_);
            if (result == CQ_FULL)
                std::this_thread::yield();
        }
    }

private:
    std::string text(uint64_t number) const { return text_of({name_, number}, plan_.size); }

    int attempt()
    {
        switch (noise_.below(6)) {
        case 0: return batch();
        case 1: return in_place();
        case 2: return waiting();
        default: {
            const std::string one = text(next_);
            return told(cq_enqueue(queue_, one.data(), one.size()));
        }
        }
    }

    int told(int result)
    {
        next_ += result == CQ_OK;
        return result;
    }

    int waiting()
    {
        const std::string one = text(next_);
        return told(cq_enqueue_wait(queue_, one.data(), one.size(), static_cast<int64_t>(noise_.below(20000000))));
    }

    int batch()
    {
        const uint64_t count = std::min<uint64_t>(1 + noise_.below(noise_.once_in(4) ? 300 : 8), plan_.each - next_);
        std::vector<std::string> texts;
        std::vector<cq_slice> slices;
        for (uint64_t i = 0; i < count; ++i)
            texts.push_back(text(next_ + i));
        for (std::string &one : texts)
            slices.push_back({one.data(), one.size()});
        size_t done = 0;
        const int result = cq_enqueue_batch(queue_, slices.data(), slices.size(), &done);
        if (done > count || (result == CQ_OK) != (done == count))
            account_.complaints.add("cq_enqueue_batch returned %d and %zu of %" PRIu64, result, done, count);
        next_ += done;
        return result;
    }

    int in_place()
    {
        Message message;
        const std::string one = text(next_);
        int result = cq_reserve(queue_, plan_.size, &message);
        if (result != CQ_OK)
            return result;
        if (noise_.once_in(4))
            return cq_abort(queue_, &message);
        if (noise_.once_in(64)) /* long enough for its place to be given up */
            std::this_thread::sleep_for(milliseconds(1));
        std::memcpy(message.data, one.data(), one.size());
        /* Full if its place was given up, and another is not to be had: it is still ours to try. */
        while ((result = cq_commit(queue_, &message, one.size())) == CQ_FULL && !account_.complaints.any())
            std::this_thread::yield();
        return told(result);
    }

    cq_queue *queue_;
    const Plan &plan_;
    const Account &account_;
    const uint64_t name_;
    Noise noise_;
    uint64_t next_ = 0;
};

class Consumer {
public:
    Consumer(cq_queue *queue, const Plan &plan, const Account &account, Noise noise)
        : queue_(queue), account_(account), witness_(account), noise_(noise), buffer_(batch * (plan.size + 1))
    {
    }

    /* Until the queue is empty and `closed` said before that nothing more will come. */
    void run(const std::atomic<bool> &closed)
    {
        while (!account_.complaints.any()) {
            const bool last = closed;
            const int result = attempt();
            if (result == CQ_EMPTY || result == CQ_TIMEOUT) {
                if (last)
                    return;
                std::this_thread::yield();
            } else if (result != CQ_OK)
                account_.complaints.add("a consumer was told %d", result);
        }
    }

private:
    static constexpr size_t batch = 300;

    int attempt()
    {
        const int64_t timeout = static_cast<int64_t>(noise_.below(20000000));
        Message message;
        size_t size = 0;
        switch (noise_.below(6)) {
        case 0: return several();
        case 1: return put_down(message, cq_take(queue_, &message));
        case 2: return put_down(message, cq_take_wait(queue_, &message, timeout));
        case 3: return got(size, cq_dequeue_wait(queue_, buffer_.data(), buffer_.size(), &size, timeout));
        default: return got(size, cq_dequeue(queue_, buffer_.data(), buffer_.size(), &size));
        }
    }

    int got(const size_t &size, int result)
    {
        if (result == CQ_OK)
            witness_.saw({buffer_.data(), size});
        return result;
    }

    int put_down(Message &message, int result)
    {
        if (result != CQ_OK)
            return result;
        if (message.deliveries != 1)
            account_.complaints.add("a message that nobody had says that it is delivered for the %uth time",
                                    message.deliveries);
        witness_.saw(message.text());
        return cq_release(queue_, &message);
    }

    int several()
    {
        cq_slice slices[batch];
        size_t done = 0;
        const size_t count = 1 + noise_.below(noise_.once_in(4) ? batch : 8);
        const int result = cq_dequeue_batch(queue_, buffer_.data(), buffer_.size(), slices, count, &done);
        if (done > count || (result == CQ_OK) != (done > 0))
            account_.complaints.add("cq_dequeue_batch returned %d and %zu of %zu", result, done, count);
        for (size_t i = 0; i < done; ++i)
            witness_.saw({static_cast<char *>(slices[i].data), slices[i].size});
        return result;
    }

    cq_queue *queue_;
    const Account &account_;
    Account::Witness witness_;
    Noise noise_;
    std::vector<char> buffer_;
};

} // namespace cqtest

#endif
