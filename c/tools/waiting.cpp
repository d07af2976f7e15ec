#include "waiting.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "failure.hpp"

namespace tool {

Waiting::Waiting(const Queue &queue, const Interrupts &interrupts, const Output &output)
    : queue_(queue), interrupts_(interrupts), output_(output), stop_(::eventfd(0, EFD_CLOEXEC))
{
    if (stop_ < 0)
        throw Failure(std::string("cannot watch for signals: ") + std::strerror(errno));
}

Waiting::~Waiting()
{
    if (thread_.joinable()) {
        ::eventfd_write(stop_, 1);
        thread_.join();
    }
    ::close(stop_);
}

/*
 * Started by the first wait: most commands never wait. It inherits the mask that keeps the signals for the descriptor.
 */
void Waiting::watch()
{
    if (thread_.joinable())
        return;
    thread_ = std::thread([this] {
        pollfd wanted[] = {{stop_, POLLIN, 0}, {interrupts_.descriptor(), POLLIN, 0}, {output_.descriptor(), 0, 0}};
        while (::poll(wanted, 3, -1) < 0 && errno == EINTR)
            ;
        if (!wanted[0].revents)
            cq_cancel(queue_);
    });
}

void Waiting::end()
{
    interrupts_.check();
    if (output_.abandoned())
        output_.end_abandoned();
    throw Failure(queue_.explain(CQ_CANCELLED));
}

} // namespace tool
