/* consume NAME COUNT: get COUNT orders out of the queue NAME; sleep up to 10 s for each. */
#include "orders.h"

int main(int argc, char **argv)
{
    long count = orders_count(argc, argv);
    cq_queue *queue = orders_open(argv[1]);
    char order[ORDER_SIZE];
    size_t size;

    for (long i = 0; i < count; ++i) {
        /* Once this returns the order is gone from the queue: see acknowledge.c for orders that must not be lost. */
        orders_check(cq_dequeue_wait(queue, order, sizeof order, &size, TEN_SECONDS));
        printf("c: got %.*s\n", (int)size, order);
    }
    cq_close(queue);
    return 0;
}
