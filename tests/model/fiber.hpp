// fiber.hpp - a stack of its own for each simulated process, and switching to and from it.
#pragma once

#include <cstddef>
#include <memory>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace model {

class Fiber {
public:
    Fiber();
    Fiber(const Fiber &) = delete;
    Fiber &operator=(const Fiber &) = delete;

    // Run entry(context) from now on at each resume(). What an earlier entry was doing is forgotten, as by SIGKILL: nothing
    // that lives on the stack may own memory.
    void start(void (*entry)(void *), void *context);
    void resume();
    // From inside: back to who resumed.
    void yield();

private:
    static constexpr std::size_t size = 128 * 1024;
    static void enter();

    std::unique_ptr<unsigned char[]> stack_;
    void (*entry_)(void *) = nullptr;
    void *context_ = nullptr;
#if defined(__x86_64__)
    void *inside_ = nullptr, *outside_ = nullptr;
#else
    ucontext_t inside_, outside_;
#endif
};

} // namespace model
