// boost_lockfree.cpp - boost::lockfree::queue of fixed size, laid into shared memory.
//
// needs: libboost-dev
// cannot: backlog
#include "contestant.h"

#include <boost/lockfree/queue.hpp>

#include <cstring>
#include <new>

namespace {

template<size_t Size> struct message {
    char bytes[Size];
};

template<size_t Size> struct of_size {
    using queue = boost::lockfree::queue<message<Size>, boost::lockfree::capacity<4096>>;

    static void *join(const plan *plan, const char *name, role) { return bench_map(plan, name, sizeof(queue)); }
    static void make(const plan *plan, const char *name) { new (join(plan, name, BOTH)) queue; }
    static int send(void *to, const void *bytes)
    {
        message<Size> copy;
        std::memcpy(copy.bytes, bytes, Size);
        return static_cast<queue *>(to)->bounded_push(copy);
    }
    static int receive(void *from, void *bytes)
    {
        return static_cast<queue *>(from)->pop(*static_cast<message<Size> *>(bytes));
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
void *join(const plan *plan, const char *name, role role)
{
    return with_size(plan->size, [&](auto of) { return of.join(plan, name, role); });
}
void leave(void *) {}
int send(void *queue, const void *message, size_t size)
{
    return with_size(size, [&](auto of) { return of.send(queue, message); });
}
int receive(void *queue, void *message, size_t size)
{
    return with_size(size, [&](auto of) { return of.receive(queue, message); });
}

} // namespace

int main(int argc, char **argv)
{
    static contestant self;
    self.name = "boost lockfree";
    self.when_killed = "all but a node";
    self.max_size = 4096;
    self.make = make;
    self.join = join;
    self.leave = leave;
    self.send = send;
    self.receive = receive;
    return bench_main(argc, argv, &self);
}
