#include "memory.hpp"

namespace model {

namespace {

bool acquires(std::memory_order order)
{
    return order == std::memory_order_acquire || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

bool releases(std::memory_order order)
{
    return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

} // namespace

void View::raise(std::uint32_t index, std::uint32_t mark)
{
    if (marks_.size() <= index)
        marks_.resize(index + 1);
    if (marks_[index] < mark)
        marks_[index] = mark;
}

void View::join(const View &other)
{
    if (marks_.size() < other.marks_.size())
        marks_.resize(other.marks_.size());
    for (std::size_t i = 0; i < other.marks_.size(); ++i)
        marks_[i] = marks_[i] < other.marks_[i] ? other.marks_[i] : marks_[i];
}

std::memory_order Memory::promised(std::memory_order order) const
{
    return promises_ == Promises::machines && acquires(order) ? std::memory_order_seq_cst : order;
}

void Memory::reset(Promises promises)
{
    promises_ = promises;
    indices_.clear();
    histories_.clear();
    plain_.clear();
    sequential_.clear();
}

std::uint32_t Memory::index_of(const void *object)
{
    return indices_.emplace(object, static_cast<std::uint32_t>(indices_.size())).first->second;
}

std::vector<Memory::Message> &Memory::history_of(std::uint32_t word, std::uint64_t first)
{
    if (histories_.size() <= word)
        histories_.resize(word + 1);
    if (histories_[word].empty())
        histories_[word].push_back({first, {}});
    return histories_[word];
}

void Memory::learn(Thread &thread, const View &view, std::memory_order order)
{
    thread.pending.join(view);
    if (acquires(order)) {
        thread.now.join(view);
        thread.acquired.join(view);
    }
}

std::uint32_t Memory::choose(const Thread &thread, std::uint32_t word, std::memory_order order, const Choice &choice) const
{
    const auto last = static_cast<std::uint32_t>(histories_[word].size() - 1);
    std::uint32_t oldest = thread.now[word];

    if (order == std::memory_order_seq_cst && oldest < sequential_[word])
        oldest = sequential_[word];
    return oldest == last ? last : choice(oldest, last);
}

std::uint64_t Memory::take(Thread &thread, std::uint32_t word, std::uint32_t chosen, std::memory_order order)
{
    const Message &message = histories_[word][chosen];

    thread.now.raise(word, chosen);
    thread.pending.raise(word, chosen);
    if (order == std::memory_order_seq_cst)
        sequential_.raise(word, chosen);
    if (acquires(order))
        thread.acquired.raise(word, chosen);
    learn(thread, message.view, order);
    return message.value;
}

std::uint64_t Memory::load(Thread &thread, const void *word, std::uint64_t newest, std::memory_order order, const Choice &choice)
{
    const std::uint32_t index = index_of(word);
    history_of(index, newest);
    order = promised(order);
    return take(thread, index, choose(thread, index, order, choice), order);
}

bool Memory::differs(Thread &thread, const void *word, std::uint64_t newest, std::uint64_t *expected, std::memory_order order,
                     const Choice &choice)
{
    const std::uint32_t index = index_of(word);
    const std::vector<Message> &history = history_of(index, newest);
    order = promised(order);
    std::uint32_t chosen = choose(thread, index, order, choice);

    if (history[chosen].value == *expected) {
        if (newest == *expected)
            return false; // and it succeeds
        chosen = static_cast<std::uint32_t>(history.size() - 1);
    }
    *expected = take(thread, index, chosen, order);
    return true;
}

void Memory::append(Thread &thread, std::uint32_t word, std::uint64_t value, std::memory_order order, const View *continued)
{
    const auto mark = static_cast<std::uint32_t>(histories_[word].size());

    thread.now.raise(word, mark);
    thread.pending.raise(word, mark);
    if (order == std::memory_order_seq_cst)
        sequential_.raise(word, mark);
    step(thread);
    Message message{value, releases(order) ? thread.now : thread.fenced};
    if (promises_ == Promises::machines)
        message.view.join(thread.acquired);
    if (continued)
        message.view.join(*continued);
    histories_[word].push_back(std::move(message));
}

void Memory::store(Thread &thread, const void *word, std::uint64_t old, std::uint64_t value, std::memory_order order)
{
    const std::uint32_t index = index_of(word);
    history_of(index, old);
    append(thread, index, value, order, nullptr);
}

void Memory::exchange(Thread &thread, const void *word, std::uint64_t old, std::uint64_t value, std::memory_order order)
{
    const std::uint32_t index = index_of(word);
    const View continued = history_of(index, old).back().view;
    order = releases(order) ? promised(order) : order;
    learn(thread, continued, order);
    append(thread, index, value, order, &continued);
}

void Memory::fence(Thread &thread, std::memory_order order)
{
    if (acquires(order))
        thread.now.join(thread.pending);
    if (order == std::memory_order_seq_cst) {
        thread.now.join(sequential_);
        sequential_.join(thread.now);
    }
    if (releases(order))
        thread.fenced = thread.now;
}

// ---- plain accesses ---------------------------------------------------------------------------------------------

Memory::Access Memory::step(Thread &thread)
{
    const std::uint32_t index = index_of(&thread);
    const std::uint32_t mark = thread.now[index] + 1;
    thread.now.raise(index, mark);
    return {&thread, mark};
}

bool Memory::is_known(const Thread &thread, const Access &access)
{
    return !access.thread || access.thread == &thread || thread.now[index_of(access.thread)] >= access.step;
}

bool Memory::read(Thread &thread, const void *bytes)
{
    Plain &plain = plain_[bytes];
    plain.reads.push_back(step(thread));
    return is_known(thread, plain.written);
}

bool Memory::write(Thread &thread, const void *bytes)
{
    Plain &plain = plain_[bytes];
    bool known = is_known(thread, plain.written);
    for (const Access &access : plain.reads)
        known &= is_known(thread, access);
    plain.written = step(thread);
    plain.reads.clear();
    return known;
}

} // namespace model
