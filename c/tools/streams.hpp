/*
 * Standard input and output that a signal can end at a known byte: a signal that asks the process to end is noticed
 * between two system calls and never in the middle of something, so that whoever holds messages can give them back.
 */
#ifndef CQ_TOOL_STREAMS_HPP
#define CQ_TOOL_STREAMS_HPP

#include <cstddef>
#include <string_view>

namespace tool {

/* Thrown when a signal asked the process to end, and when the reader of the output has closed it (SIGPIPE). */
struct Interrupted {
    int signal;
};

/* Ends the process as the signal would have. */
[[noreturn]] void end_by_signal(int signal);

/* Everything that was printed is out, or Failure says that it is not. */
void finish_output();

/* While it lives, SIGINT, SIGTERM and SIGHUP wait until somebody asks for them, unless they are ignored. */
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts &) = delete;
    Interrupts &operator=(const Interrupts &) = delete;

    int descriptor() const { return descriptor_; } /* readable when a signal has come */
    void check() const;                            /* throws Interrupted if one has come */

private:
    int descriptor_;
};

/* Does not own the descriptor. */
class Input {
public:
    Input(int descriptor, const Interrupts &interrupts) : descriptor_(descriptor), interrupts_(interrupts) {}

    /* At least one byte; 0 at the end. Throws Interrupted, and Failure if it cannot be read. */
    std::size_t read(char *data, std::size_t size);

private:
    int descriptor_;
    const Interrupts &interrupts_;
};

class Output {
public:
    Output(int descriptor, const Interrupts &interrupts);
    ~Output();
    Output(const Output &) = delete;
    Output &operator=(const Output &) = delete;

    /* How many bytes the system has accepted: all of them, or check() throws why not. Does not throw, because the
       caller first has to say which messages were written. */
    std::size_t write(std::string_view bytes);

    /* Throws what kept write from writing everything, if anything did. */
    void check() const;

    int descriptor() const { return descriptor_; }

    /* Has the reader closed the other end? Then nothing that is written here is ever read. */
    bool abandoned() const;
    [[noreturn]] void end_abandoned() const;

private:
    int descriptor_;
    const Interrupts &interrupts_;
    std::size_t piece_;       /* how many bytes write() takes without blocking once poll() says that it may be called */
    bool pipe_signal_ignored_;
    int error_ = 0;
    bool interrupted_ = false;
};

} // namespace tool

#endif
