/* A name for a C++ queue of a test, and its removal. */
#pragma once

#include <string>

#include "cqueue.hpp"
#include "support/queue.hpp"

namespace cqtest {

class Named {
public:
    Named() : name_(unique_name()) {}
    Named(const Named &) = delete;
    Named &operator=(const Named &) = delete;
    ~Named() { cqueue::queue::unlink(name_); }

    operator const std::string &() const { return name_; }
    const std::string &str() const { return name_; }

private:
    std::string name_;
};

/* The options that most tests need. */
inline cqueue::options sized(uint64_t capacity, uint64_t max_message_size = 16)
{
    cqueue::options how;
    how.capacity = capacity;
    how.max_message_size = max_message_size;
    return how;
}

/* The error that a call throws; nothing if it throws none. */
template <class Call>
std::optional<cqueue::error> thrown_by(Call &&call)
{
    try {
        call();
    } catch (const cqueue::error &error) {
        return error;
    }
    return std::nullopt;
}

/* Its number; invalid_argument's opposite, 0, if none is thrown. */
template <class Call>
cqueue::errc error_of(Call &&call)
{
    const auto error = thrown_by(std::forward<Call>(call));
    return error ? error->result() : cqueue::errc{};
}

} // namespace cqtest
