/*
 * Producers and consumers that use every call of the interface at random, each noting in the ledger what it was told.
 */
#ifndef CQTEST_WORKERS_HPP
#define CQTEST_WORKERS_HPP

#include <map>
#include <vector>

#include "ledger.hpp"

namespace cqtest {

class Producer {
public:
    Producer(const Handle &handle, Ledger &ledger, uint64_t name, Noise &noise)
        : handle_(handle), ledger_(ledger), name_(name), noise_(noise)
    {
    }

    /* False: there are no messages left to send. */
    bool work()
    {
        const uint64_t count = noise_.once_in(3) ? 2 + noise_.below(7) : 1;
        const uint64_t id = ledger_.begin(count);
        if (id == 0)
            return false;
        if (count > 1)
            batch(id, count);
        else if (noise_.once_in(3))
            in_place(id);
        else
            single(id);
        return true;
    }

private:
    void single(uint64_t id)
    {
        const std::string text = ledger_.text(name_, id);
        const int result = noise_.once_in(2)
                               ? handle_.enqueue(text)
                               : cq_enqueue_wait(handle_, text.data(), text.size(),
                                                 static_cast<int64_t>(noise_.below(20000000)));
        told(id, result);
    }

    void batch(uint64_t id, uint64_t count)
    {
        std::vector<std::string> texts;
        std::vector<cq_slice> slices;
        for (uint64_t i = 0; i < count; ++i)
            texts.push_back(ledger_.text(name_, id + i));
        for (std::string &text : texts)
            slices.push_back({text.data(), text.size()});
        size_t done = 0;
        const int result = cq_enqueue_batch(handle_, slices.data(), slices.size(), &done);
        if (done > count || (result == CQ_OK) != (done == count))
            ledger_.complaints.add("cq_enqueue_batch returned %d and %zu of %" PRIu64, result, done, count);
        for (uint64_t i = 0; i < count; ++i)
            told(id + i, i < done ? CQ_OK : CQ_FULL);
    }

    void in_place(uint64_t id)
    {
        const std::string text = ledger_.text(name_, id);
        Message message;
        int result = cq_reserve(handle_, ledger_.max_size(), &message);
        if (result != CQ_OK)
            return told(id, result);
        std::memcpy(message.data, text.data(), text.size());
        if (!noise_.once_in(3)) {
            result = cq_commit(handle_, &message, text.size());
            if (result != CQ_FULL)
                return told(id, result);
        }
        told(id, CQ_FULL);
        result = cq_abort(handle_, &message);
        if (result != CQ_OK)
            ledger_.complaints.add("cq_abort returned %d", result);
    }

    void told(uint64_t id, int result)
    {
        if (result == CQ_OK)
            ledger_.accepted(id);
        else if (result == CQ_FULL || result == CQ_TIMEOUT)
            ledger_.refused(id);
        else
            ledger_.complaints.add("a producer was told %d", result);
    }

    const Handle &handle_;
    Ledger &ledger_;
    const uint64_t name_;
    Noise &noise_;
};

class Consumer {
public:
    Consumer(const Handle &handle, Ledger &ledger, Desk &desk, Noise &noise)
        : handle_(handle), ledger_(ledger), desk_(desk), noise_(noise)
    {
    }

    void work()
    {
        const uint64_t kind = noise_.below(7);
        if (kind < 3)
            receive(kind);
        else
            hold(kind);
    }

private:
    void receive(uint64_t kind)
    {
        std::memset(desk_.buffer, 0, sizeof desk_.buffer);
        desk_.receiving = 1;
        cq_slice slices[8] = {{desk_.buffer, 0}};
        size_t done = 1;
        int result;
        if (kind == 0)
            result = cq_dequeue(handle_, desk_.buffer, sizeof desk_.buffer, &slices[0].size);
        else if (kind == 1)
            result = cq_dequeue_wait(handle_, desk_.buffer, sizeof desk_.buffer, &slices[0].size,
                                     static_cast<int64_t>(noise_.below(20000000)));
        else
            result = cq_dequeue_batch(handle_, desk_.buffer, sizeof desk_.buffer, slices, 8, &done);
        if (got(result))
            for (size_t i = 0; i < done; ++i)
                if (const auto stamp = ledger_.see({static_cast<char *>(slices[i].data), slices[i].size}))
                    ledger_.done(stamp->number);
        desk_.receiving = 0;
    }

    /* Take one or several, then release or return them in another order. */
    void hold(uint64_t kind)
    {
        std::vector<std::pair<Message, uint64_t>> held;
        const size_t count = kind == 6 ? Desk::hands : 1;
        while (held.size() < count) {
            Message message;
            const int result = kind == 4 ? cq_take_wait(handle_, &message, static_cast<int64_t>(noise_.below(20000000)))
                                         : cq_take(handle_, &message);
            if (!got(result))
                break;
            const auto stamp = ledger_.see(message.text());
            if (!stamp)
                return;
            in_order(*stamp, message.deliveries);
            held.emplace_back(message, stamp->number);
        }
        while (!held.empty()) {
            const size_t i = noise_.below(held.size());
            std::swap(held[i], held.back());
            put_down(held.back().first, held.back().second, held.size() - 1, kind == 5);
            held.pop_back();
        }
    }

    void put_down(Message &message, uint64_t id, size_t hand, bool again)
    {
        if (!again)
            desk_.releasing[hand] = id;
        const int result = again ? cq_return(handle_, &message) : cq_release(handle_, &message);
        if (result != CQ_OK)
            ledger_.complaints.add("message %" PRIu64 " could not be put down: %d", id, result);
        if (again)
            return;
        ledger_.done(id);
        desk_.releasing[hand] = 0;
    }

    /* What comes for the first time comes in the order its producer sent it. */
    void in_order(const Stamp &stamp, uint32_t deliveries)
    {
        if (deliveries != 1)
            return;
        ledger_.seen_first(stamp.number);
        uint64_t &last = last_[stamp.producer];
        if (stamp.number <= last)
            ledger_.complaints.add("message %" PRIu64 " came after %" PRIu64, stamp.number, last);
        last = stamp.number;
    }

    bool got(int result)
    {
        if (result != CQ_OK && result != CQ_EMPTY && result != CQ_TIMEOUT)
            ledger_.complaints.add("a consumer was told %d", result);
        return result == CQ_OK;
    }

    const Handle &handle_;
    Ledger &ledger_;
    Desk &desk_;
    Noise &noise_;
    std::map<uint64_t, uint64_t> last_;
};

} // namespace cqtest

#endif
