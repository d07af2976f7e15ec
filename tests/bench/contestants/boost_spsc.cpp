// boost_spsc.cpp - boost::lockfree::spsc_queue, laid into shared memory.
//
// needs: libboost-dev
// cannot: backlog
#include "contestant.h"

#include <boost/lockfree/spsc_queue.hpp>

#include <new>

namespace {

template<size_t Size> struct message {
    char bytes[Size];
};

template<size_t Size> struct of_size {
    using queue = boost::lockfree::spsc_queue<message<Size>, boost::lockfree::capacity<4096>>;
    static void *join(const plan *plan, const char *name) { return bench_map(plan, name, sizeof(queue)); }
    static void make(const plan *plan, const char *name) { new (join(plan, name)) queue; }
    static size_t send(void *to, const void *bytes, size_t count)
    {
        return static_cast<queue *>(to)->push(static_cast<const message<Size> *>(bytes), count);
    }
    static size_t receive(void *from, void *bytes, size_t count)
    {
        return static_cast<queue *>(from)->pop(static_cast<message<Size> *>(bytes), count);
    }
};

// The sizes that the workloads have.
template<class Function> auto with_size(size_t size, Function function)
{
    switch (size) {
    case 8: return function(of_size<8>());
    case 56: return function(of_size<56>());
    case 248: return function(of_size<248>());
    case 4096: return function(of_size<4096>());
    default: bench_fail("boost::lockfree is not built for this size");
    }
}

void make(const plan *plan, const char *name)
{
    with_size(plan->size, [&](auto of) { of.make(plan, name); });
}
void *join(const plan *plan, const char *name, role)
{
    return with_size(plan->size, [&](auto of) { return of.join(plan, name); });
}
void leave(void *) {}
size_t send_batch(void *queue, const void *messages, size_t size, size_t count)
{
    return with_size(size, [&](auto of) { return of.send(queue, messages, count); });
}
size_t receive_batch(void *queue, void *messages, size_t size, size_t count)
{
    return with_size(size, [&](auto of) { return of.receive(queue, messages, count); });
}
int send(void *queue, const void *message, size_t size) { return int(send_batch(queue, message, size, 1)); }
int receive(void *queue, void *message, size_t size) { return int(receive_batch(queue, message, size, 1)); }

} // namespace

int main(int argc, char **argv)
{
    static contestant self;
    self.name = "boost spsc_queue";
    self.when_killed = "all";
    self.producers = self.consumers = 1;
    self.max_size = 4096;
    self.make = make;
    self.join = join;
    self.leave = leave;
    self.send = send;
    self.receive = receive;
    self.send_batch = send_batch;
    self.receive_batch = receive_batch;
    return bench_main(argc, argv, &self);
}
