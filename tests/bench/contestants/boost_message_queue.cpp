// boost_message_queue.cpp - boost::interprocess::message_queue: a mutex and condition variables in shared memory.
//
// needs: libboost-dev
#include "contestant.h"

#include <boost/interprocess/ipc/message_queue.hpp>

#include <algorithm>
#include <memory>
#include <string>

namespace {

using boost::interprocess::message_queue;

std::string name_of(const plan *plan, const char *name)
{
    std::string full = std::string(plan->place) + "-" + name;
    std::replace(full.begin(), full.end(), '/', '-');
    return full.substr(1);
}

void make(const plan *plan, const char *name)
{
    message_queue(boost::interprocess::create_only, name_of(plan, name).c_str(), plan->capacity, plan->size);
}
void end(const plan *plan, const char *name) { message_queue::remove(name_of(plan, name).c_str()); }
void *join(const plan *plan, const char *name, role)
{
    return new message_queue(boost::interprocess::open_only, name_of(plan, name).c_str());
}
void leave(void *queue) { delete static_cast<message_queue *>(queue); }

int send(void *queue, const void *message, size_t size)
{
    return static_cast<message_queue *>(queue)->try_send(message, size, 0);
}
int receive(void *queue, void *message, size_t size)
{
    message_queue::size_type received;
    unsigned priority;
    return static_cast<message_queue *>(queue)->try_receive(message, size, received, priority);
}
void send_wait(void *queue, const void *message, size_t size)
{
    static_cast<message_queue *>(queue)->send(message, size, 0);
}
void receive_wait(void *queue, void *message, size_t size)
{
    message_queue::size_type received;
    unsigned priority;
    static_cast<message_queue *>(queue)->receive(message, size, received, priority);
}

} // namespace

int main(int argc, char **argv)
{
    static contestant self;
    self.name = "boost message_queue";
    self.when_killed = "nothing";
    self.make = make;
    self.join = join;
    self.leave = leave;
    self.end = end;
    self.send = send;
    self.receive = receive;
    self.send_wait = send_wait;
    self.receive_wait = receive_wait;
    return bench_main(argc, argv, &self);
}
