/* produce NAME COUNT: put COUNT orders into the queue NAME; while it is full, sleep. */
#include "orders.h"

int main(int argc, char **argv)
{
    long count = orders_count(argc, argv);
    cq_queue *queue = orders_open(argv[1]);
    char order[ORDER_SIZE];

    for (long i = 1; i <= count; ++i) {
        int size = snprintf(order, sizeof order, "order %ld from c", i);
        orders_check(cq_enqueue_wait(queue, order, (size_t)size, -1)); /* -1: for as long as it takes */
    }
    printf("c: sent %ld\n", count);
    cq_close(queue);
    return 0;
}
