/*
 * A producer and a consumer that make every call of the interface at random, and note in the ledger what they are told.
 */
#pragma once

#include <thread>
#include <vector>

#include "ledger.hpp"

namespace cqtest {

/* A timeout that is sometimes long enough. */
inline int64_t some_time(Noise &noise) { return static_cast<int64_t>(noise.below(20000000)); }

/* The size of a batch: often one that fits into a few nodes, sometimes a large one. */
inline size_t some_batch(Noise &noise) { return 1 + noise.below(noise.once_in(4) ? batch_max : 8); }

class Producer {
public:
    /* Sends so many messages, each until it is accepted. */
    Producer(cq_queue *queue, Ledger &ledger, uint64_t name, uint64_t messages, Noise &noise)
        : queue_(queue), ledger_(ledger), name_(name), left_(messages), noise_(noise)
    {
    }

    /* One call. False: there is nothing left to send. */
    bool work()
    {
        if (left_ == 0 || !has_numbers())
            return false;
        const uint64_t before = left_;
        const int result = call();
        if (result != CQ_OK && result != CQ_FULL && result != CQ_TIMEOUT)
            ledger_.complaints.add("a producer was told %d", result);
        if (left_ < before)
            progress_ = Clock::now();
        else if (Clock::now() - progress_ > patience)
            ledger_.complaints.add("producer %" PRIu64 " finds no room for message %" PRIu64, name_, next_);
        if (result == CQ_FULL)
            std::this_thread::yield();
        return true;
    }

private:
    /* They come in runs, so that a batch has its numbers in a row. */
    bool has_numbers()
    {
        constexpr uint64_t run = 4 * batch_max;
        if (end_ - next_ < batch_max) {
            next_ = ledger_.numbers(run);
            end_ = next_ + run;
        }
        return next_ != 0 || (end_ = 0);
    }

    int call()
    {
        switch (noise_.below(6)) {
        case 0: return batch();
        case 1: return in_place();
        case 2: {
            const std::string text = offer(next_);
            return told(cq_enqueue_wait(queue_, text.data(), text.size(), some_time(noise_)));
        }
        default: {
            const std::string text = offer(next_);
            return told(cq_enqueue(queue_, text.data(), text.size()));
        }
        }
    }

    std::string offer(uint64_t number)
    {
        ledger_.offered(number);
        return ledger_.text(name_, number);
    }

    /* Of the next message. */
    int told(int result)
    {
        if (result != CQ_OK) {
            ledger_.refused(next_);
            return result;
        }
        ledger_.accepted(next_++);
        --left_;
        return result;
    }

    int batch()
    {
        const size_t count = std::min<size_t>(some_batch(noise_), left_);
        std::vector<std::string> texts;
        std::vector<cq_slice> slices;
        for (size_t i = 0; i < count; ++i)
            texts.push_back(offer(next_ + i));
        for (std::string &text : texts)
            slices.push_back({text.data(), text.size()});
        size_t done = 0;
        const int result = cq_enqueue_batch(queue_, slices.data(), slices.size(), &done);
        if (done > count || (result == CQ_OK) != (done == count))
            ledger_.complaints.add("cq_enqueue_batch returned %d and %zu of %zu", result, done, count);
        for (size_t i = done; i < count; ++i)
            ledger_.refused(next_ + i);
        for (size_t i = 0; i < done && i < count; ++i)
            told(CQ_OK);
        return result;
    }

    int in_place()
    {
        Message message;
        int result = cq_reserve(queue_, ledger_.max_size(), &message);
        if (result != CQ_OK)
            return result;
        const std::string text = offer(next_);
        if (noise_.once_in(64)) /* long enough for its place to be given up */
            std::this_thread::sleep_for(milliseconds(1));
        if (!text.empty())
            std::memcpy(message.data, text.data(), text.size());
        bool commits = !noise_.once_in(4);
        /* Full if its place was given up, and there is no other yet: it may try again, or abort. */
        while (commits && (result = cq_commit(queue_, &message, text.size())) == CQ_FULL) {
            std::this_thread::yield();
            commits = !noise_.once_in(20);
        }
        if (commits)
            return told(result);
        told(CQ_FULL);
        return cq_abort(queue_, &message);
    }

    cq_queue *queue_;
    Ledger &ledger_;
    const uint64_t name_;
    uint64_t left_, next_ = 0, end_ = 0;
    Noise &noise_;
    Clock::time_point progress_ = Clock::now();
};

class Consumer {
public:
    /* Gives back some of what it takes, if it may; then the deliveries of a message that it dequeues are not known. */
    Consumer(cq_queue *queue, Ledger &ledger, size_t index, bool gives_back, Noise &noise)
        : queue_(queue), ledger_(ledger), in_flight_(ledger.in_flight(index)), buffer_(ledger.buffer(index)),
          gives_back_(gives_back), noise_(noise)
    {
    }

    /* One call, or a few. False: nothing came. */
    bool work()
    {
        const uint64_t kind = noise_.below(7);
        return kind < 4 ? receive(kind) : hold(kind);
    }

private:
    bool receive(uint64_t kind)
    {
        cq_slice slices[batch_max] = {{buffer_, 0}};
        size_t count = 1, done = 1;
        if (kind == 0)
            count = some_batch(noise_);
        const size_t size = count * ledger_.max_size();
        std::memset(buffer_, 0, size);
        in_flight_.receiving = size;
        int result;
        if (kind == 0)
            result = cq_dequeue_batch(queue_, buffer_, size, slices, count, &done);
        else if (kind == 1)
            result = cq_dequeue_wait(queue_, buffer_, size, &slices[0].size, some_time(noise_));
        else
            result = cq_dequeue(queue_, buffer_, size, &slices[0].size);
        if (kind == 0 && (done > count || (result == CQ_OK) != (done > 0)))
            ledger_.complaints.add("cq_dequeue_batch returned %d and %zu of %zu", result, done, count);
        for (size_t i = 0; got(result) && i < std::min(done, count); ++i)
            if (const auto stamp = ledger_.came({static_cast<char *>(slices[i].data), slices[i].size})) {
                if (!gives_back_)
                    ledger_.came_first(*stamp, order_);
                ledger_.done(stamp->number);
            }
        in_flight_.receiving = 0;
        return got(result);
    }

    /* Take one or several, then release or return them in another order. */
    bool hold(uint64_t kind)
    {
        std::vector<std::pair<Message, uint64_t>> held;
        const size_t count = kind == 6 ? InFlight::held_max : 1;
        while (held.size() < count) {
            Message message;
            const int result =
                kind == 4 ? cq_take_wait(queue_, &message, some_time(noise_)) : cq_take(queue_, &message);
            if (!got(result))
                break;
            const auto stamp = ledger_.came(message.text());
            if (!stamp)
                return true;
            if (message.deliveries == 1)
                ledger_.came_first(*stamp, order_);
            else if (!gives_back_)
                ledger_.complaints.add("a message that nobody had says that it is delivered for the %uth time",
                                       message.deliveries);
            held.emplace_back(message, stamp->number);
        }
        const bool any = !held.empty();
        while (!held.empty()) {
            const size_t i = noise_.below(held.size());
            std::swap(held[i], held.back());
            put_down(held.back().first, held.back().second, held.size() - 1, gives_back_ && kind == 5);
            held.pop_back();
        }
        return any;
    }

    void put_down(Message &message, uint64_t number, size_t place, bool again)
    {
        if (!again)
            in_flight_.releasing[place] = number;
        const int result = again ? cq_return(queue_, &message) : cq_release(queue_, &message);
        if (result != CQ_OK)
            ledger_.complaints.add("message %" PRIu64 " could not be put down: %d", number, result);
        if (again)
            return;
        ledger_.done(number);
        in_flight_.releasing[place] = 0;
    }

    bool got(int result)
    {
        if (result != CQ_OK && result != CQ_EMPTY && result != CQ_TIMEOUT)
            ledger_.complaints.add("a consumer was told %d", result);
        return result == CQ_OK;
    }

    cq_queue *queue_;
    Ledger &ledger_;
    InFlight &in_flight_;
    char *buffer_;
    const bool gives_back_;
    Noise &noise_;
    Ledger::Order order_;
};

} // namespace cqtest
