/*
 * acknowledge NAME COUNT: handle COUNT orders of the queue NAME, each in place, and tell the queue when that is done.
 *
 * Killed before it does so, it has not handled the order as far as the queue knows: somebody else gets it, with
 * deliveries one higher. The first order is given back once, to show what that looks like.
 */
#include "orders.h"

#include <stdbool.h>

static void say(const char *what, const cq_message *order)
{
    printf("c: %s %.*s", what, (int)order->size, (const char *)order->data);
}

int main(int argc, char **argv)
{
    long count = orders_count(argc, argv);
    cq_queue *queue = orders_open(argv[1]);
    cq_message order = {.struct_size = sizeof order};
    bool first = true;

    for (long handled = 0; handled < count; first = false) {
        orders_check(cq_take_wait(queue, &order, TEN_SECONDS));
        if (first && order.deliveries == 1) {
            say("gave back", &order);
            putchar('\n');
            orders_check(cq_return(queue, &order));
            continue;
        }
        say("handled", &order);
        printf(" (delivery %u)\n", order.deliveries);
        orders_check(cq_release(queue, &order));
        ++handled;
    }
    cq_close(queue);
    return 0;
}
