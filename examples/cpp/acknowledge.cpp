// acknowledge NAME COUNT: handle COUNT orders of the queue NAME, each in place, and tell the queue when that is done.
//
// Killed before it does so, it has not handled the order as far as the queue knows: somebody else gets it, with
// deliveries one higher. The first order is given back once, to show what that looks like.
#include "orders.hpp"

using namespace std::chrono_literals;

int main(int argc, char **argv)
{
    return run(argc, argv, [](cqueue::queue &queue, long count) {
        bool first = true;
        for (long handled = 0; handled < count; first = false) {
            auto order = queue.take_wait(10s);
            if (!order)
                throw std::runtime_error("no order came for 10 s");
            if (first && order->deliveries() == 1) {
                std::cout << "cpp: gave back " << order->text() << std::endl;
                order->give_back();
                continue;
            }
            std::cout << "cpp: handled " << order->text() << " (delivery " << order->deliveries() << ")" << std::endl;
            order->release(); // without it, the end of the scope would give it back
            ++handled;
        }
    });
}
