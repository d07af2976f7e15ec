/* Prints the library's version and a message that went through a queue, by the C++ header. */
#include <cqueue.hpp>

#include <cstdio>
#include <string>
#include <unistd.h>

int main()
{
    const std::string name = "cqtest-install-cpp-" + std::to_string(getpid());
    cqueue::options how;
    how.capacity = 4;
    cqueue::queue queue(name, how);
    if (queue.enqueue("hello"))
        if (const auto message = queue.dequeue())
            std::printf("cqueue %s: %s\n", cq_version(), message->c_str());
    queue.close();
    cqueue::queue::unlink(name);
}
