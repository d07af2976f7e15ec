/*
 * A child whose nth system call, of those between two marks, is made to fail or is its last. Done by ptrace and not by
 * strace, because then the test can go on talking with the child, and sees which call it was.
 */
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <elf.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "child.hpp"

namespace cqtest {

struct Injection {
    enum Kind { none, fail, kill_before, kill_after } kind = none;
    unsigned nth = 0; /* from 1 */
    int error = 0;    /* what errno becomes; the call is not made */
    bool from_then_on = false;
};

class TracedChild {
public:
    struct Call {
        uint64_t number = 0;
        uint64_t arguments[6] = {};
    };
    /* Calls that cannot fail in life, as they are made, or whose failure leaves nobody anything to do: not made to. */
    static bool may_fail(const Call &call)
    {
        switch (call.number) {
        case SYS_close:
        case SYS_munmap:
        case SYS_exit_group:
        case SYS_geteuid:
        case SYS_sched_yield:
        case SYS_fstat: return false;
        case SYS_newfstatat: return (call.arguments[3] & AT_EMPTY_PATH) == 0; /* which is how fstat is called */
        default: return true;
        }
    }

    /* May say that a call fails, with which errno; 0: it is made; not_made: it is not, and succeeds all the same. Called once
       for each call. */
    static constexpr int not_made = -1;
    using Judge = std::function<int(const Call &)>;

    /* before() and after(result) run freely, operation() under control. */
    template <class Before, class Operation, class After>
    TracedChild(Before before, Operation operation, After after)
        : child_([before, operation, after](Channel &channel) {
              auto state = before();
              if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
                  throw std::system_error(errno, std::generic_category(), "PTRACE_TRACEME");
              ::raise(SIGSTOP);
              const auto result = operation(state);
              ::raise(SIGSTOP);
              return after(state, result, channel);
          })
    {
        if (next() != SIGSTOP)
            throw std::runtime_error("the child ended before its operation began");
        request(PTRACE_SETOPTIONS, reinterpret_cast<void *>(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD));
    }

    Child &child() { return child_; }
    const Call &call() const { return nth_; }

    /* True: the nth call was there, and call() says which. The child has been killed, or runs freely. */
    bool run(const Injection &injection)
    {
        bool reached = false;
        for (unsigned count = 1;; ++count) {
            const bool entered = enter();
            if (!entered) {
                let_go();
                return reached;
            }
            const bool meant = count == injection.nth || (injection.from_then_on && count > injection.nth);
            if (count == injection.nth) {
                reached = true;
                nth_ = call_;
            }
            if (meant && injection.kind == Injection::kill_before)
                return child_.kill(), true;
            const bool failing = meant && injection.kind == Injection::fail && may_fail(call_);
            leave(failing ? injection.error : 0);
            if (meant && injection.kind == Injection::kill_after)
                return child_.kill(), true;
        }
    }

    /* Each call is shown to `witness` as it comes back, with its result. True: that said that it was the child's last, and
       the child is dead. */
    bool run_until(const std::function<bool(const Call &, int64_t)> &witness)
    {
        while (enter()) {
            leave(0);
            if (witness(call_, result()))
                return child_.kill(), true;
        }
        let_go();
        return false;
    }

    /* Of the child's memory, while it is in a call. */
    template <class T>
    T peek(uint64_t address) const
    {
        T value{};
        const iovec here{&value, sizeof value}, there{reinterpret_cast<void *>(address), sizeof value};
        if (::process_vm_readv(child_.pid(), &here, 1, &there, 1, 0) != static_cast<ssize_t>(sizeof value))
            throw std::system_error(errno, std::generic_category(), "process_vm_readv");
        return value;
    }

    template <class T>
    void poke(uint64_t address, const T &value) const
    {
        T copy = value;
        const iovec here{&copy, sizeof copy}, there{reinterpret_cast<void *>(address), sizeof copy};
        if (::process_vm_writev(child_.pid(), &here, 1, &there, 1, 0) != static_cast<ssize_t>(sizeof copy))
            throw std::system_error(errno, std::generic_category(), "process_vm_writev");
    }

    /* All calls go past `judge`. How many there were. */
    unsigned run(const Judge &judge)
    {
        unsigned count = 0;
        for (; enter(); ++count)
            leave(judge(call_));
        let_go();
        return count;
    }

private:
    static constexpr int at_call = SIGTRAP | 0x80;

    void request(__ptrace_request what, void *data) const
    {
        if (::ptrace(what, child_.pid(), nullptr, data) != 0)
            throw std::system_error(errno, std::generic_category(), "ptrace");
    }

    int next() const
    {
        int status = 0;
        while (::waitpid(child_.pid(), &status, __WALL) < 0)
            if (errno != EINTR)
                throw std::system_error(errno, std::generic_category(), "waitpid");
        if (!WIFSTOPPED(status))
            throw std::runtime_error("the child ended in its operation, status " + std::to_string(status) +
                                     ", after system call " + std::to_string(call_.number));
        return WSTOPSIG(status);
    }

    /* On to the next call. False: to the second mark, which is itself a stop by a signal. */
    bool enter()
    {
        for (;;) {
            request(PTRACE_SYSCALL, nullptr);
            const int signal = next();
            if (signal == SIGSTOP)
                return false;
            if (signal != at_call)
                throw std::runtime_error("the child got signal " + std::to_string(signal));
            __ptrace_syscall_info info{};
            if (::ptrace(PTRACE_GET_SYSCALL_INFO, child_.pid(), sizeof info, &info) <= 0)
                throw std::system_error(errno, std::generic_category(), "PTRACE_GET_SYSCALL_INFO");
            if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
                continue;
            /* raise() makes calls too, and they are not the library's. */
            if (info.entry.nr == SYS_tgkill || info.entry.nr == SYS_rt_sigprocmask || info.entry.nr == SYS_gettid ||
                info.entry.nr == SYS_getpid) {
                request(PTRACE_SYSCALL, nullptr);
                const int exit_signal = next();
                if (exit_signal == SIGSTOP)
                    return false;
                continue;
            }
            call_.number = info.entry.nr;
            for (size_t i = 0; i < 6; ++i)
                call_.arguments[i] = info.entry.args[i];
            return true;
        }
    }

    /* Through the call: made, or (error) not made and failed. */
    void leave(int error)
    {
        if (error != 0)
            set_number(-1);
        request(PTRACE_SYSCALL, nullptr);
        if (next() != at_call)
            throw std::runtime_error("a signal in the middle of a system call");
        if (error != 0)
            set_result(error == not_made ? 0 : -error);
    }

    void let_go() { request(PTRACE_DETACH, nullptr); }

    void set_number(int number) const
    {
#if defined(__x86_64__)
        user_regs_struct registers = get();
        registers.orig_rax = static_cast<unsigned long long>(static_cast<long long>(number));
        put(registers);
#elif defined(__aarch64__)
        iovec piece{&number, sizeof number};
        if (::ptrace(PTRACE_SETREGSET, child_.pid(), reinterpret_cast<void *>(NT_ARM_SYSTEM_CALL), &piece) != 0)
            throw std::system_error(errno, std::generic_category(), "PTRACE_SETREGSET");
#else
#error "say here how this processor numbers system calls"
#endif
    }

    void set_result(long result) const
    {
        user_regs_struct registers = get();
#if defined(__x86_64__)
        registers.rax = static_cast<unsigned long long>(result);
#else
        registers.regs[0] = static_cast<unsigned long long>(result);
#endif
        put(registers);
    }

    int64_t result() const
    {
#if defined(__x86_64__)
        return static_cast<int64_t>(get().rax);
#else
        return static_cast<int64_t>(get().regs[0]);
#endif
    }

    user_regs_struct get() const
    {
        user_regs_struct registers{};
        iovec piece{&registers, sizeof registers};
        if (::ptrace(PTRACE_GETREGSET, child_.pid(), reinterpret_cast<void *>(NT_PRSTATUS), &piece) != 0)
            throw std::system_error(errno, std::generic_category(), "PTRACE_GETREGSET");
        return registers;
    }

    void put(user_regs_struct &registers) const
    {
        iovec piece{&registers, sizeof registers};
        if (::ptrace(PTRACE_SETREGSET, child_.pid(), reinterpret_cast<void *>(NT_PRSTATUS), &piece) != 0)
            throw std::system_error(errno, std::generic_category(), "PTRACE_SETREGSET");
    }

    Child child_;
    Call call_, nth_;
};

} // namespace cqtest
