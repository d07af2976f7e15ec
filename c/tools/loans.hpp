/*
 * Messages taken and not yet dealt with. What is still there at the end goes back to the queue.
 */
#ifndef CQ_TOOL_LOANS_HPP
#define CQ_TOOL_LOANS_HPP

#include <cstddef>
#include <vector>

#include "queue.hpp"

namespace tool {

class Loans {
public:
    explicit Loans(const Queue &queue) : queue_(queue) {}
    ~Loans()
    {
        for (auto &message : messages_)
            if (message.data)
                cq_return(queue_, &message);
    }
    Loans(const Loans &) = delete;
    Loans &operator=(const Loans &) = delete;

    std::size_t size() const { return messages_.size(); }

    /* The result of `take(cq_message *)`; after CQ_OK the message is the last one. */
    template <class Take>
    int add(Take take)
    {
        messages_.emplace_back();
        const int result = take(&messages_.back());
        if (result != CQ_OK)
            messages_.pop_back();
        return result;
    }
    const Message &last() const { return messages_.back(); }

    void release_first(std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i) {
            const int result = cq_release(queue_, &messages_[i]);
            /* It is dealt with: to return it as well would only make a duplicate. */
            messages_[i].data = nullptr;
            queue_.must(result);
        }
    }
    void release_all()
    {
        release_first(messages_.size());
        messages_.clear();
    }

private:
    const Queue &queue_;
    std::vector<Message> messages_;
};

} // namespace tool

#endif
