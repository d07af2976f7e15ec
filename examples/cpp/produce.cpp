// produce NAME COUNT: put COUNT orders into the queue NAME; while it is full, sleep.
#include "orders.hpp"

int main(int argc, char **argv)
{
    return run(argc, argv, [](cqueue::queue &queue, long count) {
        for (long i = 1; i <= count; ++i)
            queue.enqueue_wait("order " + std::to_string(i) + " from cpp");
        std::cout << "cpp: sent " << count << '\n';
    });
}
