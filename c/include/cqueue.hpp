/*
 * cqueue.hpp - cqueue.h for C++17: header-only, RAII, chrono, exceptions. C++20's std::span is used where there is one.
 *
 * What an operation does, what it promises when a process is killed and which calls may overlap is told in cqueue.h.
 * Here is only what differs: an ordinary result (empty, full, time-out) is an empty std::optional or false; an error is
 * thrown as cqueue::error, whose what() says what was asked, what was found and what to do. Everything that owns
 * something is move-only. A moved-from or closed object refuses every call with an error, or does nothing where that is
 * natural; it never crashes. But data() of a message leads nowhere once its queue is closed.
 */
#ifndef CQUEUE_HPP
#define CQUEUE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif

#include "cqueue.h"

namespace cqueue {

/* ---- errors ---------------------------------------------------------------------------------------------- */

/* The errors of cqueue.h, by the same numbers. */
enum class errc : int {
    invalid_argument = CQ_EINVAL,
    bad_name = CQ_ENAME,
    not_found = CQ_ENOENT,
    exists = CQ_EEXIST,
    mismatch = CQ_EMISMATCH,
    other_version = CQ_EVERSION,
    corrupt = CQ_ECORRUPT,
    access_refused = CQ_EACCESS,
    not_trusted = CQ_EOWNER,
    no_space = CQ_ENOSPACE,
    no_memory = CQ_ENOMEM,
    limit_reached = CQ_ELIMIT,
    buffer_too_small = CQ_ETOOSMALL,
    message_too_big = CQ_ETOOBIG,
    read_only = CQ_EREADONLY,
    forked = CQ_EFORK,
    not_held = CQ_ENOTHELD,
    unsuitable_filesystem = CQ_EFILESYSTEM,
    system_failure = CQ_ESYSTEM
};

/* The category of cqueue's std::error_codes. Codes compare equal to the std::errc that means the same, if there is one. */
inline const std::error_category &category() noexcept
{
    struct results final : std::error_category {
        const char *name() const noexcept override { return "cqueue"; }
        std::string message(int result) const override { return cq_strerror(result); }
        std::error_condition default_error_condition(int result) const noexcept override
        {
            switch (result) {
            case CQ_EINVAL: case CQ_ENAME: return std::errc::invalid_argument;
            case CQ_ENOENT: return std::errc::no_such_file_or_directory;
            case CQ_EEXIST: return std::errc::file_exists;
            case CQ_EACCESS: case CQ_EOWNER: return std::errc::permission_denied;
            case CQ_ENOSPACE: return std::errc::no_space_on_device;
            case CQ_ENOMEM: return std::errc::not_enough_memory;
            case CQ_ELIMIT: return std::errc::too_many_files_open;
            case CQ_ETOOSMALL: return std::errc::no_buffer_space;
            case CQ_ETOOBIG: return std::errc::message_size;
            case CQ_EREADONLY: return std::errc::operation_not_permitted;
            case CQ_EFILESYSTEM: return std::errc::not_supported;
            default: return {result, *this};
            }
        }
    };
    static const results the_category;
    return the_category;
}

inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

/* What the functions below throw, beside std::bad_alloc. Copying it never throws. */
class error : public std::system_error {
public:
    error(int result, const std::string &sentence)
        : std::system_error(result, category()), sentence_(std::make_shared<const std::string>(sentence))
    {
    }

    /* A sentence for people: cq_explain's. */
    const char *what() const noexcept override { return sentence_->c_str(); }

    /* Which of the errors of cqueue.h it is. */
    errc result() const noexcept { return static_cast<errc>(code().value()); }

private:
    std::shared_ptr<const std::string> sentence_;
};

/* ---- bytes ----------------------------------------------------------------------------------------------- */

/* Bytes that somebody else owns: a pointer and a size. Made from strings, and from anything else that has data() and
   size() and holds trivially copyable elements one behind the other: std::vector, std::array, std::span, ... */
class bytes_view {
public:
    constexpr bytes_view() noexcept = default;
    bytes_view(const void *data, std::size_t size) noexcept : data_(static_cast<const std::byte *>(data)), size_(size) {}
    bytes_view(const char *text) noexcept : bytes_view(text, std::strlen(text)) {}

    template <class Container,
              class Element = std::remove_pointer_t<decltype(std::declval<const Container &>().data())>,
              class = decltype(std::declval<const Container &>().size()),
              class = std::enable_if_t<std::is_trivially_copyable_v<Element> &&
                                       !std::is_same_v<std::decay_t<Container>, bytes_view>>>
    bytes_view(const Container &container) noexcept
        : bytes_view(container.data(), container.size() * sizeof(Element))
    {
    }

    const std::byte *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const std::byte *begin() const noexcept { return data_; }
    const std::byte *end() const noexcept { return data_ + size_; }
    std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }
    std::string str() const { return std::string(text()); }

private:
    const std::byte *data_ = nullptr;
    std::size_t size_ = 0;
};

/* ---- inside ---------------------------------------------------------------------------------------------- */

namespace detail {

/* The C handle, and what it takes to explain an error. Messages share it with their queue, so that they can find out
   that the queue was closed before them. */
struct handle {
    cq_queue *queue = nullptr;
    std::string name;
    std::string directory;
    cq_config config{};

    handle() = default;
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;
    ~handle() { cq_close(queue); }
};

using shared_handle = std::shared_ptr<handle>;

inline cq_queue *get(const shared_handle &shared) noexcept { return shared ? shared->queue : nullptr; }

[[noreturn]] inline void fail(int result, const std::string &name, const cq_config *config, std::size_t size)
{
    std::string sentence(cq_explain(result, name.c_str(), config, size, nullptr, 0) + 256, '\0');
    /* The region may have changed, and the sentence with it: what it is now counts, cut off at worst. */
    const std::size_t length = cq_explain(result, name.c_str(), config, size, &sentence[0], sentence.size());
    sentence.resize(length < sentence.size() ? length : sentence.size() - 1);
    throw error(result, sentence);
}

/* Throws if the result is an error. `size` is what was asked for, where it explains the error. */
inline int check(int result, const shared_handle &shared, std::size_t size = 0)
{
    if (result >= 0)
        return result;
    if (!get(shared))
        throw error(result, (shared ? '"' + shared->name + "\": " : std::string()) +
                                "not open: it was closed or moved from, or never opened");
    fail(result, shared->name, &shared->config, size);
}

/* The C interface's timeout: nothing below 0 (which waits for ever there), for ever beyond its range. */
template <class Rep, class Period>
std::int64_t timeout_ns(std::chrono::duration<Rep, Period> timeout)
{
    using namespace std::chrono;
    if (timeout <= timeout.zero())
        return 0;
    if (duration<double>(timeout) >= duration<double>(9e9)) /* 285 years */
        return -1;
    return static_cast<std::int64_t>(ceil<nanoseconds>(timeout).count());
}

inline constexpr std::int64_t for_ever = -1;

/* A cq_message on loan, and from whom. Empty once it is given back. */
class loan {
public:
    loan(shared_handle shared, const cq_message &message) : shared_(std::move(shared)), message_(message) {}
    loan(loan &&other) noexcept : shared_(std::move(other.shared_)), message_(other.message_)
    {
        other.message_.data = nullptr;
    }
    loan &operator=(loan &&) = delete;

    std::byte *data() const noexcept { return static_cast<std::byte *>(held() ? message_.data : nullptr); }
    std::size_t size() const noexcept { return held() ? message_.size : 0; }
    bool held() const noexcept { return message_.data != nullptr && get(shared_) != nullptr; }
    const cq_message &message() const noexcept { return message_; }

    /* Gives it back by one of the C functions, with their result. */
    template <class Function, class... Arguments>
    int end(Function function, Arguments... arguments)
    {
        return function(get(shared_), &message_, arguments...);
    }
    int check(int result, std::size_t size = 0) const { return detail::check(result, shared_, size); }

private:
    shared_handle shared_;
    cq_message message_;
};

} // namespace detail

/* ---- messages in place ------------------------------------------------------------------------------------ */

/* A message that is being written in place. Destroyed before it was committed, it is given up. */
class reservation {
public:
    explicit reservation(detail::loan &&loan) noexcept : loan_(std::move(loan)) {}
    reservation(reservation &&) noexcept = default;
    reservation &operator=(reservation &&) = delete;
    ~reservation()
    {
        if (held())
            loan_.end(cq_abort);
    }

    /* Where to write: aligned to 8 bytes, size() of them. NULL once it is not held any more. */
    std::byte *data() const noexcept { return loan_.data(); }
    std::size_t size() const noexcept { return loan_.size(); }
#if defined(__cpp_lib_span)
    std::span<std::byte> span() const noexcept { return {data(), size()}; }
#endif
    /* Is it still to be committed or given up? */
    bool held() const noexcept { return loan_.held(); }

    /* Publish it, or its first `size` bytes. False: consumers gave its place up meanwhile and the queue is full now; it
       is still held, try again. */
    [[nodiscard]] bool commit(std::size_t size) { return loan_.check(loan_.end(cq_commit, size), size) == CQ_OK; }
    [[nodiscard]] bool commit() { return commit(size()); }

    /* Give it up. */
    void abort() { loan_.check(loan_.end(cq_abort)); }

    /* Identifies the message once it is committed. */
    std::uint64_t position() const noexcept { return loan_.message().position; }

private:
    detail::loan loan_;
};

/*
 * A message that was taken and is being read in place. Destroyed, it is released: done with. But destroyed because an
 * exception passes through its scope it is given back, to be delivered again: whoever threw was not done with it.
 */
class received {
public:
    explicit received(detail::loan &&loan) noexcept : loan_(std::move(loan)), exceptions_(std::uncaught_exceptions()) {}
    received(received &&other) noexcept : loan_(std::move(other.loan_)), exceptions_(std::uncaught_exceptions()) {}
    received &operator=(received &&) = delete;
    ~received()
    {
        if (held())
            loan_.end(std::uncaught_exceptions() > exceptions_ ? cq_return : cq_release);
    }

    /* The message, aligned to 8 bytes; NULL and 0 once it is not held any more. */
    const std::byte *data() const noexcept { return loan_.data(); }
    std::size_t size() const noexcept { return loan_.size(); }
    bytes_view view() const noexcept { return {data(), size()}; }
    std::string_view text() const noexcept { return view().text(); }
    std::string str() const { return view().str(); }
#if defined(__cpp_lib_span)
    std::span<const std::byte> span() const noexcept { return {data(), size()}; }
#endif
    /* Is it still to be released or given back? */
    bool held() const noexcept { return loan_.held(); }

    /* 1 the first time the message is delivered. */
    std::uint32_t deliveries() const noexcept { return loan_.message().deliveries; }

    /* Identifies the message, also when it is delivered again. */
    std::uint64_t position() const noexcept { return loan_.message().position; }

    /* Done with it. */
    void release() { loan_.check(loan_.end(cq_release)); }

    /* Not done with it: it is delivered again, before newer ones. (cq_return; `return` is a keyword.) */
    void give_back() { loan_.check(loan_.end(cq_return)); }

private:
    detail::loan loan_;
    int exceptions_;
};
