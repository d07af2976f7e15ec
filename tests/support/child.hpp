/*
 * A child process that runs a function, talks with its parent in messages and reports by its exit code. It cannot outlive
 * the test: its destructor kills and reaps it, and the kernel kills it when the thread that started it ends.
 */
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.hpp"

namespace cqtest {

/* One end of a two-way line; each message is one value of a trivially copyable type. */
class Channel {
public:
    explicit Channel(int descriptor) : descriptor_(descriptor) {}
    Channel(Channel &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Channel &operator=(Channel &&) = delete;
    ~Channel() { close(); }

    void close()
    {
        if (descriptor_ >= 0)
            ::close(std::exchange(descriptor_, -1));
    }

    int descriptor() const { return descriptor_; }

    /* False if nobody is at the other end any more. */
    template <class T>
    bool put(const T &value) const
    {
        static_assert(std::is_trivially_copyable_v<T>);
        ssize_t sent;
        do
            sent = ::send(descriptor_, &value, sizeof value, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        return sent == static_cast<ssize_t>(sizeof value);
    }

    /* Nothing if the other end is closed, or silent for longer than the limit. */
    template <class T = char>
    std::optional<T> get(nanoseconds limit = patience) const
    {
        static_assert(std::is_trivially_copyable_v<T>);
        const auto end = Clock::now() + limit;
        for (;;) {
            const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
            pollfd wanted{descriptor_, POLLIN, 0};
            const int ready = ::poll(&wanted, 1, left > 0 ? static_cast<int>(left) : 0);
            if (ready < 0 && errno == EINTR)
                continue;
            T value;
            if (ready <= 0 || ::recv(descriptor_, &value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
                return std::nullopt;
            return value;
        }
    }

private:
    int descriptor_;
};

/* For a child that is to die of a signal whose core nobody wants. */
inline void leave_no_core()
{
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

/* How a child ended. */
struct End {
    int code = -1;   /* the exit code; -1 if it did not exit by itself */
    int signal = 0;  /* what killed it; 0 if nothing did */
    bool late = false; /* it did not end within the limit and was killed for that */
};

class Child {
public:
    /*
     * Body is called as body(Channel &) in the child. What it returns is the exit code (nothing: 0). An exception is printed and
     * makes it 99. Handles of the parent do not work in the child: it opens its own.
     */
    template <class Body>
    explicit Child(Body &&body) : Child(make_pair(), std::forward<Body>(body))
    {
    }

    Child(Child &&other) noexcept : pid_(std::exchange(other.pid_, -1)), channel_(std::move(other.channel_)) {}
    Child &operator=(Child &&) = delete;
    ~Child()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            reap(0);
        }
    }

    pid_t pid() const { return pid_; }
    const Channel &channel() const { return channel_; }

    template <class T>
    bool put(const T &value) const
    {
        return channel_.put(value);
    }

    template <class T = char>
    std::optional<T> get(nanoseconds limit = patience) const
    {
        return channel_.get<T>(limit);
    }

    void signal(int number) const { ::kill(pid_, number); }

    /* Returns once the child is stopped, or false if it ended first. */
    bool stop()
    {
        signal(SIGSTOP);
        siginfo_t info{};
        int result;
        do
            result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT);
        while (result < 0 && errno == EINTR);
        return result == 0 && info.si_code == CLD_STOPPED;
    }

    void resume() const { signal(SIGCONT); }

    /* Kills it and returns once it is gone. */
    End kill()
    {
        signal(SIGKILL);
        return join();
    }

    /* Kills it and leaves it a zombie: dead for the kernel's locks, alive for kill(pid, 0). */
    void kill_without_reaping() const
    {
        signal(SIGKILL);
        siginfo_t info{};
        while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
            ;
    }

    /* Waits until it ends. One that does not is killed, and End says so. */
    End join(nanoseconds limit = patience)
    {
        std::optional<int> status;
        End end;
        eventually([&] { return (status = reap(WNOHANG)).has_value(); }, limit);
        if (!status) {
            end.late = true;
            signal(SIGKILL);
            status = reap(0);
        }
        pid_ = -1;
        if (WIFEXITED(*status))
            end.code = WEXITSTATUS(*status);
        else
            end.signal = WTERMSIG(*status);
        return end;
    }

private:
    struct Pair {
        int parent, child;
    };

    static Pair make_pair()
    {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::system_error(errno, std::generic_category(), "socketpair");
        return {ends[0], ends[1]};
    }

    template <class Body>
    Child(Pair pair, Body &&body) : channel_(pair.parent)
    {
        /* What is buffered now would be printed by both. */
        std::fflush(nullptr);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0) {
            const int error = errno;
            ::close(pair.child);
            throw std::system_error(error, std::generic_category(), "fork");
        }
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent)
                ::_exit(98);
            channel_.close();
            ::_exit(run(std::forward<Body>(body), pair.child));
        }
        ::close(pair.child);
    }

    template <class Body>
    static int run(Body &&body, int descriptor)
    {
        int code = 0;
        try {
            Channel channel(descriptor);
            if constexpr (std::is_void_v<std::invoke_result_t<Body, Channel &>>)
                body(channel);
            else
                code = static_cast<int>(body(channel));
        } catch (const std::exception &error) {
            std::fprintf(stderr, "child %ld: %s\n", static_cast<long>(::getpid()), error.what());
            code = 99;
        }
        std::fflush(nullptr);
        return code;
    }

    std::optional<int> reap(int options)
    {
        int status = 0;
        pid_t result;
        do
            result = ::waitpid(pid_, &status, options);
        while (result < 0 && errno == EINTR);
        if (result == 0)
            return std::nullopt;
        return status;
    }

    pid_t pid_ = -1;
    Channel channel_;
};

} // namespace cqtest
