/*
 * A child that can be halted before any chosen instruction of an operation, to be killed there, left there, or let go on.
 *
 * The instructions that count are those of the test program itself and of libcqueue.so, not of the C library. trace()
 * lists the ones an operation executes, by single steps. To halt at one of them another child needs no steps, which cost
 * two context switches each: a breakpoint and the number of times it is to be passed do.
 */
#pragma once

#include <csignal>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "processor.hpp"
#include "queue.hpp"

namespace cqtest {

/* A step: the child is about to execute the instruction at this address for the visit-th time. */
struct Step {
    uintptr_t address = 0;
    uint32_t visit = 1;
};

inline std::string to_string(const Step &step)
{
    Dl_info info{};
    std::ostringstream text;
    if (::dladdr(reinterpret_cast<void *>(step.address), &info) != 0 && info.dli_fname != nullptr)
        text << info.dli_fname << "+0x" << std::hex << step.address - reinterpret_cast<uintptr_t>(info.dli_fbase);
    else
        text << "0x" << std::hex << step.address;
    text << " (visit " << std::dec << step.visit << ")";
    return text.str();
}

/* The steps of a trace, in order. */
inline std::vector<Step> steps_in(const std::vector<uintptr_t> &trace)
{
    std::map<uintptr_t, uint32_t> visits;
    std::vector<Step> steps;
    for (const uintptr_t address : trace)
        steps.push_back({address, ++visits[address]});
    return steps;
}

class Stepper {
public:
    /* In the child: state = ready() runs freely, then operation(state) is under control. */
    template <class Ready, class Operation>
    Stepper(Ready &&ready, Operation &&operation) : child_(begin(ready, operation))
    {
        if (wait() != SIGSTOP)
            throw std::runtime_error("the child ended before its operation began");
        call(PTRACE_SETOPTIONS, nullptr, reinterpret_cast<void *>(PTRACE_O_EXITKILL));
    }

    Child &child() { return child_; }

    /* Run the operation to its end and list the instructions. */
    std::vector<uintptr_t> trace()
    {
        std::vector<uintptr_t> addresses;
        for (;;) {
            const uintptr_t address = registers().address();
            if (is_ours(address))
                addresses.push_back(address);
            if (!step(address))
                return addresses;
        }
    }

    /* True: it is halted there. False: the operation ended without coming by so often. */
    bool run_to(const Step &to)
    {
        for (uint32_t visits = 0;;) {
            const long word = plant(to.address);
            call(PTRACE_CONT, nullptr, nullptr);
            const bool hit = stopped_at_trap();
            call(PTRACE_POKETEXT, reinterpret_cast<void *>(to.address), reinterpret_cast<void *>(word));
            if (!hit)
                return false;
            Registers now = registers();
            now.set_address(to.address);
            store(now);
            if (++visits == to.visit)
                return true;
            if (!step(to.address))
                return false;
        }
    }

    /* Let it go on to the end of its operation. It stays there, alive, with its handle open. */
    void finish()
    {
        call(PTRACE_CONT, nullptr, nullptr);
        if (stopped_at_trap())
            throw std::runtime_error("the child met a trap that nobody set");
    }

    /* Dead when this returns, and reaped. */
    void kill()
    {
        child_.kill_without_reaping();
        child_.join();
    }

private:
    template <class Ready, class Operation>
    static Child begin(Ready &ready, Operation &operation)
    {
        take_seat();
        return Child([&](Channel &) {
            auto state = ready();
            if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
                throw std::system_error(errno, std::generic_category(), "PTRACE_TRACEME");
            ::raise(SIGSTOP);
            operation(state);
            ::raise(SIGSTOP);
            ::_exit(0); /* without closing: it ends as if killed */
        });
    }

    /* The first call of a thread looks for its seat, and later ones do not. Children inherit this thread's: otherwise
       the first of them would execute more than those that are forked after this process has made a call. */
    static void take_seat()
    {
        static const bool empty = !Queue(Config(1, 1)).dequeue();
        if (!empty)
            throw std::runtime_error("a new queue is not empty");
    }

    void call(__ptrace_request request, void *address, void *data) const
    {
        if (::ptrace(request, child_.pid(), address, data) != 0)
            throw std::system_error(errno, std::generic_category(), "ptrace");
    }

    /* The signal it stopped with. */
    int wait() const
    {
        int status = 0;
        while (::waitpid(child_.pid(), &status, __WALL) < 0)
            if (errno != EINTR)
                throw std::system_error(errno, std::generic_category(), "waitpid");
        if (!WIFSTOPPED(status))
            throw std::runtime_error("the child ended in the middle of its operation, status " + std::to_string(status));
        return WSTOPSIG(status);
    }

    /* False: it is at the end of the operation. */
    bool stopped_at_trap() const
    {
        const int signal = wait();
        if (signal != SIGTRAP && signal != SIGSTOP)
            throw std::runtime_error("the child got signal " + std::to_string(signal) + " at " +
                                     to_string(Step{registers().address()}));
        return signal == SIGTRAP;
    }

    bool step(uintptr_t address)
    {
        const std::vector<uintptr_t> exits = indivisible_exits(address, [this](uintptr_t at) { return peek(at); });
        if (exits.empty()) {
            call(PTRACE_SINGLESTEP, nullptr, nullptr);
            return stopped_at_trap();
        }
        std::map<uintptr_t, long> words;
        for (const uintptr_t exit : exits)
            if (words.count(exit) == 0)
                words[exit] = plant(exit);
        call(PTRACE_CONT, nullptr, nullptr);
        const bool hit = stopped_at_trap();
        for (const auto &[exit, word] : words)
            call(PTRACE_POKETEXT, reinterpret_cast<void *>(exit), reinterpret_cast<void *>(word));
        return hit;
    }

    long peek(uintptr_t address) const
    {
        errno = 0;
        const long word = ::ptrace(PTRACE_PEEKTEXT, child_.pid(), reinterpret_cast<void *>(address), nullptr);
        if (errno != 0)
            throw std::system_error(errno, std::generic_category(), "PTRACE_PEEKTEXT");
        return word;
    }

    /* Returns what was there. */
    long plant(uintptr_t address) const
    {
        const long word = peek(address);
        call(PTRACE_POKETEXT, reinterpret_cast<void *>(address), reinterpret_cast<void *>(with_breakpoint(word)));
        return word;
    }

    Registers registers() const
    {
        Registers now;
        iovec piece = now.piece();
        call(PTRACE_GETREGSET, reinterpret_cast<void *>(NT_PRSTATUS), &piece);
        return now;
    }

    void store(Registers now) const
    {
        iovec piece = now.piece();
        call(PTRACE_SETREGSET, reinterpret_cast<void *>(NT_PRSTATUS), &piece);
    }

    /* The child is a fork of this process, so the addresses are the same in both. */
    static bool is_ours(uintptr_t address)
    {
        static const std::map<uintptr_t, uintptr_t> ranges = our_ranges();
        auto after = ranges.upper_bound(address);
        return after != ranges.begin() && address < (--after)->second;
    }

    static std::map<uintptr_t, uintptr_t> our_ranges()
    {
        const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
        std::map<uintptr_t, uintptr_t> ranges;
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);) {
            std::istringstream fields(line);
            std::string range, rights, offset, device, inode, path;
            fields >> range >> rights >> offset >> device >> inode >> path;
            const bool ours = path == self || path.find("/libcqueue.so") != std::string::npos;
            if (ours && rights.find('x') != std::string::npos)
                ranges[std::stoull(range, nullptr, 16)] = std::stoull(range.substr(range.find('-') + 1), nullptr, 16);
        }
        return ranges;
    }

    Child child_;
};

} // namespace cqtest
