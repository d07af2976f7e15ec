/*
 * cqueue.hpp - cqueue.h for C++17: header-only, RAII, chrono, exceptions. C++20's std::span is used where there is one.
 *
 * cqueue.h says what an operation does, what it promises when a process is killed and which calls may overlap. Here is
 * only what differs. An ordinary result (empty, full, timed out) is an empty std::optional or false. An error is thrown
 * as cqueue::error, whose what() says what was asked, what was found and what to do. A wait that ends early throws too:
 * errc::cancelled or errc::stale. Everything that owns something is move-only. A moved-from or closed object refuses
 * every call with an error, or does nothing where that is natural; it never crashes. But a pointer from data() of a
 * message must not be used once its queue is closed.
 */
#ifndef CQUEUE_HPP
#define CQUEUE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <map>
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

/* The errors of cqueue.h, by the same numbers, and the two results of waits that were ended. */
enum class errc : int {
    cancelled = CQ_CANCELLED, /* queue::cancel */
    stale = CQ_STALE,         /* the queue was removed: open it again, or with keep_unlinked to wait on */
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
    system_failure = CQ_ESYSTEM,
    process_limit = CQ_EPROCESS,
    file_too_large = CQ_EFILESIZE,
    disk_failed = CQ_EIO,     /* what the call was to do is done, but may not survive a power cut: call sync() */
    busy = CQ_EBUSY,          /* the durable directory serves another region */
    other_consumer = CQ_ECONSUMER, /* another handle is the only consumer */
    too_many_sources = CQ_ESOURCES,
    bad_headers = CQ_EHEADERS,
    not_created_so = CQ_EFEATURE /* the queue was not created with headers, or times */
};

/* The category of cqueue's std::error_codes. A code compares equal to the std::errc that means the same, if there is
   one. */
inline const std::error_category &category() noexcept
{
    struct results final : std::error_category {
        const char *name() const noexcept override { return "cqueue"; }
        std::string message(int result) const override { return cq_strerror(result); }
        std::error_condition default_error_condition(int result) const noexcept override
        {
            switch (result) {
            case CQ_CANCELLED: return std::errc::operation_canceled;
            case CQ_STALE: return std::errc::identifier_removed;
            case CQ_EINVAL: case CQ_ENAME: return std::errc::invalid_argument;
            case CQ_ENOENT: return std::errc::no_such_file_or_directory;
            case CQ_EEXIST: return std::errc::file_exists;
            case CQ_EACCESS: case CQ_EOWNER: return std::errc::permission_denied;
            case CQ_ENOSPACE: return std::errc::no_space_on_device;
            case CQ_ENOMEM: return std::errc::not_enough_memory;
            case CQ_ELIMIT: return std::errc::too_many_files_open_in_system;
            case CQ_EPROCESS: return std::errc::too_many_files_open;
            case CQ_EFILESIZE: return std::errc::file_too_large;
            case CQ_EIO: return std::errc::io_error;
            case CQ_EBUSY: return std::errc::device_or_resource_busy;
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
    error(int result, const std::string &sentence, std::size_t size = 0, std::string message = {})
        : std::system_error(result, category()),
          details_(std::make_shared<const details>(details{sentence, std::move(message), size}))
    {
    }

    /* A sentence for people: cq_explain's. */
    const char *what() const noexcept override { return details_->sentence.c_str(); }

    /* Which of the errors of cqueue.h it is. */
    errc result() const noexcept { return static_cast<errc>(code().value()); }

    /* What a call did all the same, when the queue syncs in each call and the disk failed: how many messages a batch
       appended or removed, or the bytes of the message that is in dequeue_into's buffer. Else 0. */
    std::size_t size() const noexcept { return details_->size; }

    /* Then too, of dequeue and dequeue_wait: the message, which is in the queue no more. Else empty. */
    const std::string &message() const noexcept { return details_->message; }

private:
    struct details {
        std::string sentence, message;
        std::size_t size;
    };
    std::shared_ptr<const details> details_;
};

/* ---- bytes ----------------------------------------------------------------------------------------------- */

/* Bytes that somebody else owns: a pointer and a size. Made from strings, and from anything else that has data() and
   size() and holds trivially copyable elements one behind the other: std::vector, std::array, std::span, ... */
class bytes_view {
public:
    constexpr bytes_view() noexcept = default;
    bytes_view(const void *data, std::size_t size) noexcept : data_(static_cast<const std::byte *>(data)), size_(size)
    {
    }
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
    std::string durable_directory;
    std::string dead_letter;
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

/* Throws unless the result is an ordinary one. `size` is what was asked for, where it explains the error. */
inline int check(int result, const shared_handle &shared, std::size_t size = 0)
{
    if (result >= 0 && result != CQ_CANCELLED && result != CQ_STALE)
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

/* Lets any callable be a visitor of the C interface: shown things of type Raw, until it returns false. An
   exception of it ends the visit and is passed on. */
template <class Raw, class Visitor>
class visit {
public:
    explicit visit(Visitor &visitor) noexcept : visitor_(visitor) {}

    int result_of(int (*function)(cq_queue *, int (*)(const Raw *, void *), void *), cq_queue *queue)
    {
        const int result = function(queue, show, this);
        if (thrown_)
            std::rethrow_exception(thrown_);
        return result;
    }

private:
    static int show(const Raw *raw, void *context) noexcept
    {
        auto &self = *static_cast<visit *>(context);
        try {
            if constexpr (std::is_void_v<decltype(self.visitor_(*raw))>)
                self.visitor_(*raw);
            else
                return !static_cast<bool>(self.visitor_(*raw));
        } catch (...) {
            self.thrown_ = std::current_exception();
            return 1;
        }
        return 0;
    }

    Visitor &visitor_;
    std::exception_ptr thrown_;
};

/* The headers of a message as bytes. */
inline std::string encode(const std::map<std::string, std::string> &map, const shared_handle &shared)
{
    std::size_t room = 0, size = 0;
    for (const auto &[key, value] : map)
        room += key.size() + value.size() + 3;
    std::string bytes(room, '\0');
    for (const auto &[key, value] : map) {
        const bool ends = key.find('\0') != std::string::npos; /* C would take it for the key's end */
        const int result = ends ? CQ_EHEADERS : cq_header_add(bytes.data(), room, &size, key.c_str(), value.data(),
                                                              value.size());
        detail::check(result, shared, bytes.size());
    }
    return bytes;
}

inline std::map<std::string, std::string> decode(const cq_slice &bytes, const shared_handle &shared)
{
    std::map<std::string, std::string> map;
    std::size_t offset = 0;
    for (cq_header header; detail::check(cq_header_next(bytes.data, bytes.size, &offset, &header), shared, 0) == CQ_OK;)
        map.emplace(std::string(header.key, header.key_size),
                    std::string(static_cast<const char *>(header.value), header.value_size));
    return map;
}

/* A cq_message on loan, and the handle that lent it. Empty once the loan has ended. */
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

    /* Ends the loan by one of the C functions; returns its result. */
    template <class Function, class... Arguments>
    int end(Function function, Arguments... arguments)
    {
        return function(get(shared_), &message_, arguments...);
    }
    int check(int result, std::size_t size = 0) const { return detail::check(result, shared_, size); }

    std::map<std::string, std::string> headers() const
    {
        cq_slice bytes{};
        check(cq_headers(get(shared_), &message_, &bytes));
        return decode(bytes, shared_);
    }
    std::string encode(const std::map<std::string, std::string> &map) const { return detail::encode(map, shared_); }
    std::chrono::system_clock::time_point enqueue_time() const
    {
        std::int64_t when = 0;
        check(cq_enqueue_time(get(shared_), &message_, &when));
        return std::chrono::system_clock::time_point(
            std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(when)));
    }

private:
    shared_handle shared_;
    cq_message message_;
};

} // namespace detail

/* What goes along with a message: a key is 1 to 255 bytes of UTF-8, a value any bytes. */
using headers = std::map<std::string, std::string>;

/* ---- messages in place ------------------------------------------------------------------------------------ */

/* A message that is being written in place. If it is destroyed before it was committed, it is aborted. */
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
    /* Is it still to be committed or aborted? */
    bool held() const noexcept { return loan_.held(); }

    /* Publish it, or its first `size` bytes. False: it had lost its place (see cq_reserve) and the queue is full now;
       it is still held, try again. */
    [[nodiscard]] bool commit(std::size_t size) { return loan_.check(loan_.end(cq_commit, size), size) == CQ_OK; }
    [[nodiscard]] bool commit() { return commit(size()); }

    /* What goes along with it, before it is committed. */
    void set_headers(const headers &map)
    {
        const std::string bytes = loan_.encode(map);
        loan_.check(loan_.end(cq_set_headers, static_cast<const void *>(bytes.data()), bytes.size()), bytes.size());
    }

    /* Drop it: nothing is published. */
    void abort() { loan_.check(loan_.end(cq_abort)); }

    /* Identifies the message once it is committed. */
    std::uint64_t position() const noexcept { return loan_.message().position; }

private:
    detail::loan loan_;
};

/*
 * A message that was taken and is being read in place. release() says that the work on it is done. If nothing says so,
 * its destructor gives it back, to be delivered again.
 */
class received {
public:
    explicit received(detail::loan &&loan) noexcept : loan_(std::move(loan)) {}
    received(received &&) noexcept = default;
    received &operator=(received &&) = delete;
    ~received()
    {
        if (held())
            loan_.end(cq_return);
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

    /* Give it back: it is delivered again, before newer ones. (cq_return; `return` is a keyword.) */
    void give_back() { loan_.check(loan_.end(cq_return)); }

    /* Give it back for later: others are delivered meanwhile. (cq_return_after) */
    template <class Rep, class Period> void give_back_after(std::chrono::duration<Rep, Period> delay)
    {
        const std::int64_t ns = detail::timeout_ns(delay);
        loan_.check(loan_.end(cq_return_after, ns < 0 ? INT64_MAX : ns));
    }
    void give_back_to_tail() { loan_.check(loan_.end(cq_return_after, std::int64_t{CQ_TO_TAIL})); }

    /* What goes along with it. */
    cqueue::headers headers() const { return loan_.headers(); }

    /* When it was enqueued, in a queue that keeps that. */
    std::chrono::system_clock::time_point enqueue_time() const { return loan_.enqueue_time(); }

private:
    detail::loan loan_;
};

/* What queue::walk shows: a copy of a waiting message, gone when the visitor returns. */
struct shown {
    bytes_view data;
    std::uint64_t position;
    std::uint32_t deliveries; /* as it would have if it were taken now */
};

/* An open handle on a queue, as queue::participants shows it. */
struct participant {
    std::uint32_t id;                /* 1 to 4,094; used again after it was closed or reaped */
    std::uint32_t pid;               /* process id as the process itself sees it */
    std::string command;             /* the program's name, cut to 15 bytes */
    bool alive;                      /* false: dead, and about to be reaped */
    std::uint64_t held;              /* messages that this handle has taken and not released yet */
    std::uint64_t writing;           /* slots that this handle has reserved or is writing */
    std::uint32_t waiting_producers; /* threads of this handle that wait for room */
    std::uint32_t waiting_consumers; /* threads of this handle that wait for a message */
    std::optional<std::chrono::system_clock::time_point> waiting_since; /* the first of them; nothing: none waits */
};

/* Room for several messages that are dequeued together, used again and again. */
class batch {
public:
    /* `messages`: how many at most; `bytes`: of all of them together. It grows for a single message that is larger. */
    explicit batch(std::size_t messages, std::size_t bytes) : slices_(messages), buffer_(bytes) {}

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    bytes_view operator[](std::size_t i) const noexcept { return {slices_[i].data, slices_[i].size}; }

private:
    friend class queue;
    std::vector<cq_slice> slices_;
    std::vector<std::byte> buffer_;
    std::size_t size_ = 0;
};

namespace detail {

/* Its copy is in the error if that fails. */
inline void release(received &message, bytes_view copy)
{
    try {
        message.release();
    } catch (const error &failure) {
        throw error(failure.code().value(), failure.what(), 0, copy.str());
    }
}

} // namespace detail

/* ---- the queue -------------------------------------------------------------------------------------------- */

/* How to open a queue: what cq_config says, with its defaults. */
struct options {
    enum class mode : std::uint32_t {
        create = CQ_CREATE,       /* create the queue, or attach to it if it exists */
        exclusive = CQ_EXCLUSIVE, /* create the queue, or fail if it exists */
        attach = CQ_ATTACH,       /* attach to the queue, or fail if there is none */
        read_only = CQ_READ_ONLY  /* attach to look on: only walk, stat and participants work */
    };
    std::uint64_t capacity = 0;         /* messages; 0: the default, or whatever the queue has */
    std::uint64_t max_message_size = 0; /* bytes; 0: the default, or whatever the queue has */
    mode open_mode = mode::create;
    std::uint32_t permissions = 0;      /* 0: 0600 */
    std::string directory{};            /* empty: the platform's shared memory */
    bool any_filesystem = false;
    bool trust = false;                 /* accept a queue of any owner, and one that its group may write: CQ_TRUST */
    bool keep_unlinked = false;         /* waits go on when the queue was removed, instead of throwing errc::stale */
    std::uint64_t max_held = 0;         /* messages that consumers may hold at a time; 0: what follows from capacity */
    std::uint64_t max_memory = 0;       /* bytes of memory or disk that it may take; 0: any number */
    std::uint64_t reserve = 0;          /* bytes for messages that it takes at once and keeps */
    bool durable = false;               /* it survives power cuts: CQ_DURABLE, and see sync() */
    bool sync = false;                  /* what this object does is on the disk before it returns: CQ_SYNC */
    std::string durable_directory{};    /* where it is kept; empty: beside the region, or as the region says */
    std::uint64_t max_headers = 0;      /* bytes that the headers of a message may have; 0: it has none */
    std::uint64_t max_deliveries = 0;   /* a message that was delivered so often goes to dead_letter; 0: no limit */
    std::string dead_letter{};          /* the name of a queue in the same directory */
    std::chrono::nanoseconds time_to_live{0}; /* an older message goes to dead_letter, or is dropped; 0: no limit */
    bool exclusive_consumer = false;    /* one handle at a time takes messages: CQ_EXCLUSIVE_CONSUMER */
    bool enqueue_times = false;         /* each message has the time at which it was enqueued */
};

/* What queue::enqueue_from came to. */
enum class fed { enqueued, before, full };

/*
 * An open handle on a queue, closed when it is destroyed. May be used by any number of threads at once, except that
 * closing, moving and destroying it are for one thread alone: call cancel() first, to end the waits of the others.
 * Everything may throw cqueue::error.
 */
class queue {
public:
    /* Not open. */
    queue() noexcept = default;

    explicit queue(const std::string &name, const options &how = {}) : handle_(std::make_shared<detail::handle>())
    {
        handle_->name = name;
        handle_->directory = how.directory;
        handle_->config.struct_size = sizeof(cq_config);
        handle_->config.flags = static_cast<std::uint32_t>(how.open_mode) |
                                flag(how.any_filesystem, CQ_ANY_FILESYSTEM) | flag(how.trust, CQ_TRUST) |
                                flag(how.keep_unlinked, CQ_KEEP_UNLINKED) | flag(how.durable, CQ_DURABLE) |
                                flag(how.sync, CQ_SYNC) |
                                flag(how.exclusive_consumer, CQ_EXCLUSIVE_CONSUMER) |
                                flag(how.enqueue_times, CQ_ENQUEUE_TIMES);
        handle_->config.capacity = how.capacity;
        handle_->config.max_message_size = how.max_message_size;
        handle_->config.permissions = how.permissions;
        handle_->config.max_held = how.max_held;
        handle_->config.max_memory = how.max_memory;
        handle_->config.reserve = how.reserve;
        handle_->config.max_headers = how.max_headers;
        handle_->config.max_deliveries = how.max_deliveries;
        handle_->config.time_to_live = how.time_to_live.count();
        handle_->dead_letter = how.dead_letter;
        handle_->config.dead_letter = how.dead_letter.empty() ? nullptr : handle_->dead_letter.c_str();
        handle_->config.directory = how.directory.empty() ? nullptr : handle_->directory.c_str();
        handle_->durable_directory = how.durable_directory;
        handle_->config.durable_directory =
            how.durable_directory.empty() ? nullptr : handle_->durable_directory.c_str();
        const int result = cq_open(name.c_str(), &handle_->config, &handle_->queue);
        if (result != CQ_OK)
            detail::fail(result, name, &handle_->config, 0);
    }

    queue(queue &&) noexcept = default;
    queue &operator=(queue &&other) noexcept
    {
        if (this != &other) {
            close();
            handle_ = std::move(other.handle_);
        }
        return *this;
    }
    ~queue() { close(); }

    /* Close it now. Messages that are still held are dealt with as cq_close says, and are not held any more. */
    void close() noexcept
    {
        if (handle_)
            cq_close(std::exchange(handle_->queue, nullptr));
        handle_.reset();
    }

    bool is_open() const noexcept { return get() != nullptr; }
    explicit operator bool() const noexcept { return is_open(); }

    /* ---- surviving power cuts ---- */

    /* Put a durable queue on the disk as it is now: what was enqueued before survives a power cut, what was removed
       does not come back. Enqueue many messages, then call this once. False: timed out. */
    template <class Rep, class Period>
    [[nodiscard]] bool sync(std::chrono::duration<Rep, Period> timeout)
    {
        return check(cq_sync(get(), detail::timeout_ns(timeout))) == CQ_OK;
    }

    /* The same without a timeout. */
    void sync() { check(cq_sync(get(), detail::for_ever)); }

    /* Where a durable queue is kept. */
    std::string durable_directory() const
    {
        char path[4096];
        const int result = cq_durable_directory(get(), path, sizeof path);
        if (result != CQ_OK)
            detail::fail(result, name(), handle_ ? &handle_->config : nullptr, 0);
        return path;
    }

    /* The C handle, still owned by this object. */
    cq_queue *get() const noexcept { return detail::get(handle_); }

    /* The name that it was opened by; empty if it is not open. */
    std::string name() const { return handle_ ? handle_->name : std::string(); }

    /* Remove the name. False: there was no such queue. */
    static bool unlink(const std::string &name, const std::string &directory = {})
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.directory = directory.empty() ? nullptr : directory.c_str();
        const int result = cq_unlink(name.c_str(), &config);
        if (result != CQ_OK && result != CQ_ENOENT)
            detail::fail(result, name, &config, 0);
        return result == CQ_OK;
    }

    /* ---- copying in and out ---- */

    /* Append a message. Never blocks. False: full. */
    [[nodiscard]] bool enqueue(bytes_view message)
    {
        return check(cq_enqueue(get(), message.data(), message.size()), message.size()) == CQ_OK;
    }

    /* The same with headers. */
    [[nodiscard]] bool enqueue(bytes_view message, const headers &map)
    {
        return enqueue_wait(message, map, std::chrono::nanoseconds(0));
    }
    template <class Rep, class Period>
    [[nodiscard]] bool enqueue_wait(bytes_view message, const headers &map, std::chrono::duration<Rep, Period> timeout)
    {
        const std::string bytes = detail::encode(map, handle_);
        const cq_outgoing outgoing = parcel(message, bytes);
        return check(cq_enqueue_message(get(), &outgoing, detail::timeout_ns(timeout)), message.size()) == CQ_OK;
    }

    /* Append a message that comes from elsewhere, exactly once: see cq_enqueue_from. `full`: or timed out. */
    [[nodiscard]] fed enqueue_from(bytes_view message, const std::string &source, std::uint64_t number,
                                   const headers &map = {})
    {
        return enqueue_from_wait(message, source, number, std::chrono::nanoseconds(0), map);
    }
    template <class Rep, class Period>
    [[nodiscard]] fed enqueue_from_wait(bytes_view message, const std::string &source, std::uint64_t number,
                                        std::chrono::duration<Rep, Period> timeout, const headers &map = {})
    {
        const std::string bytes = detail::encode(map, handle_);
        const cq_outgoing outgoing = parcel(message, bytes);
        const int result = check(cq_enqueue_from_wait(get(), &outgoing, source.c_str(), number,
                                                      detail::timeout_ns(timeout)), message.size());
        return result == CQ_OK ? fed::enqueued : result == CQ_DUPLICATE ? fed::before : fed::full;
    }

    /* The number that a source has come to; 0: the queue does not know it. */
    std::uint64_t source(const std::string &name) const
    {
        std::uint64_t number = 0;
        check(cq_source(get(), name.c_str(), &number));
        return number;
    }

    /* All sources with their numbers. */
    std::map<std::string, std::uint64_t> sources() const
    {
        std::map<std::string, std::uint64_t> found;
        std::vector<std::pair<std::string, std::uint64_t>> seen;
        seen.reserve(64); /* as many as there may be: no exception in the visitor, which C calls */
        check(cq_sources(
            get(),
            [](const char *name, std::uint64_t number, void *context) noexcept {
                static_cast<decltype(seen) *>(context)->emplace_back(name, number);
                return 0;
            },
            &seen));
        found.insert(seen.begin(), seen.end());
        return found;
    }

    /* What comes from a source up to this number is not wanted. False: it was as high already. */
    bool raise_source(const std::string &name, std::uint64_t number)
    {
        return check(cq_raise_source(get(), name.c_str(), number)) == CQ_OK;
    }

    /* Append a message; sleep while the queue is full. False: timed out. */
    template <class Rep, class Period>
    [[nodiscard]] bool enqueue_wait(bytes_view message, std::chrono::duration<Rep, Period> timeout)
    {
        return check(cq_enqueue_wait(get(), message.data(), message.size(), detail::timeout_ns(timeout)),
                     message.size()) == CQ_OK;
    }

    /* The same without a timeout. */
    void enqueue_wait(bytes_view message)
    {
        check(cq_enqueue_wait(get(), message.data(), message.size(), detail::for_ever), message.size());
    }

    /* Append messages in this order, as many as there is room for. Never blocks. Returns how many that were. */
    std::size_t enqueue_batch(const bytes_view *messages, std::size_t count)
    {
        std::vector<cq_slice> slices(count);
        std::size_t largest = 0, done = 0;
        for (std::size_t i = 0; i < count; ++i) {
            slices[i] = {const_cast<std::byte *>(messages[i].data()), messages[i].size()};
            largest = slices[i].size > largest ? slices[i].size : largest;
        }
        const int result = cq_enqueue_batch(get(), slices.data(), count, &done);
        check_done(result, largest, done);
        return done;
    }

    /* The same for a container of anything that a bytes_view can be made of. */
    template <class Container>
    std::size_t enqueue_batch(const Container &messages)
    {
        const std::vector<bytes_view> views(std::begin(messages), std::end(messages));
        return enqueue_batch(views.data(), views.size());
    }
    std::size_t enqueue_batch(std::initializer_list<bytes_view> messages)
    {
        return enqueue_batch(messages.begin(), messages.size());
    }

    /* Remove the oldest message. Never blocks. Nothing: empty. If memory runs out it stays. */
    std::optional<std::string> dequeue() { return copy_out(take()); }

    /* The same; sleep while the queue is empty. Nothing: timed out. */
    template <class Rep, class Period>
    std::optional<std::string> dequeue_wait(std::chrono::duration<Rep, Period> timeout)
    {
        return copy_out(take_wait(timeout));
    }

    /* The same without a timeout. */
    std::string dequeue_wait() { return *copy_out(take_wait()); }

    /* Copy the oldest message into memory of the caller's and remove it. Returns its size. Nothing: empty.
       errc::buffer_too_small: it stays. */
    std::optional<std::size_t> dequeue_into(void *buffer, std::size_t buffer_size)
    {
        std::size_t size = 0;
        const int result = cq_dequeue(get(), buffer, buffer_size, &size);
        return check_done(result, size, result == CQ_ETOOSMALL ? 0 : size) == CQ_OK ? std::optional<std::size_t>(size)
                                                                                    : std::nullopt;
    }

    /* Replace what is in `into` by the oldest messages, as many as are waiting and fit. Never blocks. False: none. */
    bool dequeue_batch(batch &into)
    {
        into.size_ = 0;
        for (;;) {
            const int result = cq_dequeue_batch(get(), into.buffer_.data(), into.buffer_.size(), into.slices_.data(),
                                                into.slices_.size(), &into.size_);
            if (result != CQ_ETOOSMALL)
                return check_done(result, 0, into.size_) == CQ_OK;
            into.buffer_.resize(into.slices_[0].size);
        }
    }

    /* ---- in place ---- */

    /* Reserve room for a message of up to `size` bytes, to be written in place. Never blocks. Nothing: full. */
    [[nodiscard]] std::optional<reservation> reserve(std::size_t size)
    {
        cq_message message = empty_message();
        if (check(cq_reserve(get(), size, &message), size) != CQ_OK)
            return std::nullopt;
        return reservation(detail::loan(handle_, message));
    }

    /* Take the oldest message, to be read in place. Never blocks. Nothing: empty. */
    [[nodiscard]] std::optional<received> take()
    {
        cq_message message = empty_message();
        return lend(cq_take(get(), &message), message);
    }

    /* The same; sleep while the queue is empty. Nothing: timed out. */
    template <class Rep, class Period>
    [[nodiscard]] std::optional<received> take_wait(std::chrono::duration<Rep, Period> timeout)
    {
        cq_message message = empty_message();
        return lend(cq_take_wait(get(), &message, detail::timeout_ns(timeout)), message);
    }

    /* The same without a timeout. */
    [[nodiscard]] received take_wait()
    {
        cq_message message = empty_message();
        return *lend(cq_take_wait(get(), &message, detail::for_ever), message);
    }

    /* ---- looking on ---- */

    /* Call visitor(const shown &) for the waiting messages in the order of delivery, until it returns false; a visitor
       that returns nothing sees all. An exception of the visitor ends the walk and is passed on to the caller. */
    template <class Visitor>
    void walk(Visitor &&visitor)
    {
        const auto show = [&visitor](const cq_message &message) {
            return visitor(shown{{message.data, message.size}, message.position, message.deliveries});
        };
        check(detail::visit<cq_message, decltype(show)>(show).result_of(cq_walk, get()));
    }

    /* The numbers of cq_stat. */
    cq_stats stat() const
    {
        cq_stats stats{};
        stats.struct_size = sizeof stats;
        check(cq_stat(get(), &stats));
        return stats;
    }

    /* How many messages wait to be delivered; cheap. */
    std::uint64_t length() const
    {
        std::uint64_t length = 0;
        check(cq_length(get(), &length));
        return length;
    }

    /* The open handles: the process of each, what it holds and whether it waits. */
    std::vector<participant> participants() const
    {
        using namespace std::chrono;
        std::vector<participant> all;
        const auto show = [&all](const cq_participant &one) {
            const system_clock::time_point since(duration_cast<system_clock::duration>(nanoseconds(one.waiting_since)));
            all.push_back({one.id, one.pid, one.command, one.alive != 0, one.held, one.writing, one.waiting_producers,
                           one.waiting_consumers, one.waiting_since ? std::optional(since) : std::nullopt});
        };
        check(detail::visit<cq_participant, decltype(show)>(show).result_of(cq_participants, get()));
        return all;
    }

    /* Give memory that holds no message back to the file system, now: how many bytes. */
    std::uint64_t trim()
    {
        std::uint64_t bytes = 0;
        check(cq_trim(get(), &bytes));
        return bytes;
    }

    /* Look for dead processes now, and clean up after them. Returns what was found. */
    cq_recovery recover()
    {
        cq_recovery recovery{};
        recovery.struct_size = sizeof recovery;
        check(cq_recover(get(), &recovery));
        return recovery;
    }

    /* For poll and event loops: readable while a message may be waiting. It belongs to the queue. */
    int fd()
    {
        int descriptor = -1;
        check(cq_fd(get(), &descriptor));
        return descriptor;
    }

    /* The same: readable while there may be room. */
    int room_fd()
    {
        int descriptor = -1;
        check(cq_room_fd(get(), &descriptor));
        return descriptor;
    }

    /* ---- waiting without taking ---- */

    /* Sleep until a message may be waiting (wait), or room and memory for one (wait_room): for one thread that sleeps
       on behalf of many tasks. After true, try soon or call again. False: timed out. */
    template <class Rep, class Period> [[nodiscard]] bool wait(std::chrono::duration<Rep, Period> timeout)
    {
        return check(cq_wait(get(), detail::timeout_ns(timeout))) == CQ_OK;
    }
    void wait() { check(cq_wait(get(), detail::for_ever)); }
    template <class Rep, class Period> [[nodiscard]] bool wait_room(std::chrono::duration<Rep, Period> timeout)
    {
        return check(cq_wait_room(get(), detail::timeout_ns(timeout))) == CQ_OK;
    }
    void wait_room() { check(cq_wait_room(get(), detail::for_ever)); }

    /* A wait without taking succeeded, and its caller is not going to try: wake another sleeper. */
    void wait_pass_on() { check(cq_wait_pass_on(get())); }
    void wait_room_pass_on() { check(cq_wait_room_pass_on(get())); }

    /* ---- ending waits ---- */

    /* End every wait on this handle, now and until reset_cancel(): they throw errc::cancelled instead of sleeping. May
       be called from any thread; from signal handlers too, if the queue is open and not read-only: then it does not
       throw. */
    void cancel() { check(cq_cancel(get())); }

    /* Allow waits again. */
    void reset_cancel() { check(cq_cancel_reset(get())); }

private:
    static cq_outgoing parcel(bytes_view message, const std::string &headers) noexcept
    {
        cq_outgoing outgoing{};
        outgoing.struct_size = sizeof outgoing;
        outgoing.data = message.data();
        outgoing.size = message.size();
        outgoing.headers = headers.data();
        outgoing.headers_size = headers.size();
        return outgoing;
    }
    static std::uint32_t flag(bool set, int value) noexcept { return set ? static_cast<std::uint32_t>(value) : 0; }

    int check(int result, std::size_t size = 0) const { return detail::check(result, handle_, size); }

    /* The same after a call that may have done something though it failed. */
    int check_done(int result, std::size_t size, std::size_t done) const
    {
        try {
            return check(result, size);
        } catch (const error &failure) {
            throw error(result, failure.what(), done);
        }
    }

    static cq_message empty_message() noexcept
    {
        cq_message message{};
        message.struct_size = sizeof message;
        return message;
    }

    std::optional<received> lend(int result, const cq_message &message)
    {
        if (check(result) != CQ_OK)
            return std::nullopt;
        return received(detail::loan(handle_, message));
    }

    /* If the copy throws, the message goes back (see received). */
    static std::optional<std::string> copy_out(std::optional<received> message)
    {
        if (!message)
            return std::nullopt;
        std::string copy = message->str();
        detail::release(*message, copy);
        return copy;
    }

    detail::shared_handle handle_;
};

/* ---- typed ------------------------------------------------------------------------------------------------ */

/*
 * A queue of values of one trivially copyable type, as they lie in memory: for programs that agree on the layout.
 * Opening a queue whose messages have another size throws errc::mismatch. So does dequeueing a message of another size
 * that was put in by some other way. It stays in the queue, to be delivered again: take it by bytes() to look at it,
 * and release it to be rid of it.
 */
template <class T>
class typed_queue {
    static_assert(std::is_trivially_copyable_v<T>, "values must survive being copied byte by byte");
    static_assert(!std::is_pointer_v<T>, "a pointer means nothing to another process");

public:
    /* Not open. */
    typed_queue() noexcept = default;

    /* how.max_message_size is not used: it is sizeof(T). */
    explicit typed_queue(const std::string &name, options how = {}) : queue_(name, sized(how)) {}

    /* As the functions of class queue. */
    [[nodiscard]] bool enqueue(const T &value) { return queue_.enqueue({&value, sizeof value}); }
    template <class Rep, class Period>
    [[nodiscard]] bool enqueue_wait(const T &value, std::chrono::duration<Rep, Period> timeout)
    {
        return queue_.enqueue_wait({&value, sizeof value}, timeout);
    }
    void enqueue_wait(const T &value) { queue_.enqueue_wait({&value, sizeof value}); }

    std::optional<T> dequeue() { return value_of(queue_.take()); }
    template <class Rep, class Period>
    std::optional<T> dequeue_wait(std::chrono::duration<Rep, Period> timeout)
    {
        return value_of(queue_.take_wait(timeout));
    }
    T dequeue_wait() { return *value_of(queue_.take_wait()); }

    /* Append values in this order, as many as there is room for. Returns how many that were. */
    std::size_t enqueue_batch(const T *values, std::size_t count)
    {
        std::vector<bytes_view> views;
        views.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            views.emplace_back(&values[i], sizeof(T));
        return queue_.enqueue_batch(views.data(), count);
    }

    /* Call visitor(const T &) for the waiting values, as queue::walk does. Messages of another size are passed over. */
    template <class Visitor>
    void walk(Visitor &&visitor)
    {
        queue_.walk([&](const shown &message) -> bool {
            if (message.data.size() != sizeof(T))
                return true;
            const T value = from_bytes(message.data.data());
            if constexpr (std::is_void_v<decltype(visitor(value))>) {
                visitor(value);
                return true;
            } else {
                return static_cast<bool>(visitor(value));
            }
        });
    }

    /* The queue of bytes behind it, for everything else. */
    queue &bytes() noexcept { return queue_; }
    const queue &bytes() const noexcept { return queue_; }

private:
    static options sized(options how)
    {
        how.max_message_size = sizeof(T);
        return how;
    }

    /* T need not have a default constructor. */
    static T from_bytes(const std::byte *bytes) noexcept
    {
        alignas(T) std::byte storage[sizeof(T)];
        std::memcpy(storage, bytes, sizeof storage);
        return *std::launder(reinterpret_cast<const T *>(storage));
    }

    std::optional<T> value_of(std::optional<received> message)
    {
        if (!message)
            return std::nullopt;
        const std::size_t size = message->size();
        if (size != sizeof(T)) { /* given back by the destructor */
            message.reset();
            throw error(CQ_EMISMATCH, '"' + queue_.name() + "\": a message has " + std::to_string(size) +
                                          " bytes, the type of this queue has " + std::to_string(sizeof(T)) +
                                          ": another program puts other things into it. It was given back");
        }
        std::optional<T> value(from_bytes(message->data()));
        detail::release(*message, {&*value, sizeof *value});
        return value;
    }

    queue queue_;
};

} // namespace cqueue

template <>
struct std::is_error_code_enum<cqueue::errc> : std::true_type {};

#endif
