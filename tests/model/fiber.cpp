// fiber.cpp - see fiber.hpp. On x86-64 by hand, because swapcontext makes a system call each time and the model switches
// millions of times a second; elsewhere by swapcontext.
#include "fiber.hpp"

#include <cstdint>
#include <cstdlib>

namespace model {

static Fiber *entering;

Fiber::Fiber() : stack_(new unsigned char[size]) {}

void Fiber::enter()
{
    Fiber *self = entering;
    self->entry_(self->context_);
    for (;;)
        self->yield();
}

#if defined(__x86_64__)

extern "C" void model_switch(void **from, void *to);
asm(R"(
.text
.globl model_switch
.type model_switch, @function
model_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size model_switch, .-model_switch
)");

void Fiber::start(void (*entry)(void *), void *context)
{
    entry_ = entry;
    context_ = context;
    std::uintptr_t top = (reinterpret_cast<std::uintptr_t>(stack_.get()) + size) & ~std::uintptr_t{15};
    void **words = reinterpret_cast<void **>(top);
    *--words = nullptr; // where a caller of enter() would have its return address, so that the stack is aligned
    *--words = reinterpret_cast<void *>(&Fiber::enter);
    for (int registers = 0; registers < 6; ++registers)
        *--words = nullptr;
    inside_ = words;
}

void Fiber::resume()
{
    entering = this;
    model_switch(&outside_, inside_);
}

void Fiber::yield() { model_switch(&inside_, outside_); }

#else

void Fiber::start(void (*entry)(void *), void *context)
{
    entry_ = entry;
    context_ = context;
    getcontext(&inside_);
    inside_.uc_stack.ss_sp = stack_.get();
    inside_.uc_stack.ss_size = size;
    inside_.uc_link = nullptr;
    makecontext(&inside_, &Fiber::enter, 0);
}

void Fiber::resume()
{
    entering = this;
    swapcontext(&outside_, &inside_);
}

void Fiber::yield() { swapcontext(&inside_, &outside_); }

#endif

} // namespace model
