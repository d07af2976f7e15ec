#include "streams.hpp"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.hpp"

namespace tool {

namespace {

bool is_ignored(int signal)
{
    struct sigaction action;
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t ending_signals()
{
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        /* A blocked signal arrives even though it is ignored, and nohup means what it says. */
        if (!is_ignored(signal))
            sigaddset(&set, signal);
    }
    return set;
}

bool is_readable(int descriptor)
{
    pollfd wanted{descriptor, POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1;
}

/* Sleeps until the descriptor is ready for `events`, or broken. False: a signal came first. */
bool wait_for(int descriptor, short events, int interrupts)
{
    for (;;) {
        pollfd wanted[] = {{interrupts, POLLIN, 0}, {descriptor, events, 0}};
        if (::poll(wanted, 2, -1) < 0 && errno != EINTR && errno != EAGAIN)
            throw Failure(std::string("cannot wait for input or output: ") + std::strerror(errno));
        if (wanted[0].revents)
            return false;
        if (wanted[1].revents)
            return true;
    }
}

} // namespace

void end_by_signal(int signal)
{
    std::signal(signal, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(signal);
    ::_exit(128 + signal);
}

void finish_output()
{
    if (!std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout))
        throw Failure(std::string("cannot write the output") + (errno ? std::string(": ") + std::strerror(errno) : ""));
}

Interrupts::Interrupts()
{
    const sigset_t set = ending_signals();
    descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor_ < 0)
        throw Failure(std::string("cannot watch for signals: ") + std::strerror(errno));
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

Interrupts::~Interrupts()
{
    /* The signals stay blocked: one that comes now, when the work is done, must not make it look unfinished. */
    ::close(descriptor_);
}

void Interrupts::check() const
{
    if (!is_readable(descriptor_))
        return;
    signalfd_siginfo info;
    if (::read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
        throw Interrupted{static_cast<int>(info.ssi_signo)};
}

std::size_t Input::read(char *data, std::size_t size)
{
    for (;;) {
        if (!wait_for(descriptor_, POLLIN, interrupts_.descriptor())) {
            interrupts_.check();
            continue;
        }
        const ssize_t got = ::read(descriptor_, data, size);
        if (got >= 0)
            return static_cast<std::size_t>(got);
        if (errno != EINTR && errno != EAGAIN)
            throw Failure(std::string("cannot read the input: ") + std::strerror(errno));
    }
}

Output::Output(int descriptor, const Interrupts &interrupts)
    : descriptor_(descriptor), interrupts_(interrupts), pipe_signal_ignored_(is_ignored(SIGPIPE))
{
    struct stat status;
    const bool file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    /* A pipe that polls as writable takes this much at once. A larger piece could block for as long as the reader
       sleeps, deaf to signals. */
    piece_ = file ? SSIZE_MAX : PIPE_BUF;
    std::signal(SIGPIPE, SIG_IGN);
}

Output::~Output()
{
    if (!pipe_signal_ignored_)
        std::signal(SIGPIPE, SIG_DFL);
}

std::size_t Output::write(std::string_view bytes)
{
    std::size_t written = 0;
    while (written < bytes.size() && error_ == 0) {
        if (!wait_for(descriptor_, POLLOUT, interrupts_.descriptor())) {
            interrupted_ = true;
            break;
        }
        const ssize_t put = ::write(descriptor_, bytes.data() + written, std::min(piece_, bytes.size() - written));
        if (put >= 0)
            written += static_cast<std::size_t>(put);
        else if (errno != EINTR && errno != EAGAIN)
            error_ = errno;
    }
    return written;
}

void Output::check() const
{
    if (interrupted_)
        interrupts_.check();
    if (error_ == EPIPE)
        end_abandoned();
    if (error_ != 0)
        throw Failure(std::string("cannot write the output: ") + std::strerror(error_));
}

bool Output::abandoned() const
{
    pollfd wanted{descriptor_, 0, 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & (POLLERR | POLLHUP)) != 0;
}

void Output::end_abandoned() const
{
    if (pipe_signal_ignored_)
        throw Failure("nobody reads the output any more");
    throw Interrupted{SIGPIPE};
}

} // namespace tool
