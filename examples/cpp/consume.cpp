// consume NAME COUNT: get COUNT orders out of the queue NAME; sleep up to 10 s for each.
#include "orders.hpp"

using namespace std::chrono_literals;

int main(int argc, char **argv)
{
    return run(argc, argv, [](cqueue::queue &queue, long count) {
        for (long i = 0; i < count; ++i) {
            // Now the order is gone from the queue: see acknowledge.cpp for orders that must not be lost.
            const auto order = queue.dequeue_wait(10s);
            if (!order)
                throw std::runtime_error("no order came for 10 s");
            std::cout << "cpp: got " << *order << std::endl;
        }
    });
}
