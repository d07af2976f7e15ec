/* events NAME COUNT: get COUNT orders out of the queue NAME in an event loop, which could wait for more as well. */
#define _GNU_SOURCE
#include "orders.h"

#include <sys/epoll.h>

/* All orders that are there, but not more than `most`; how many that were. */
static long get_all(cq_queue *queue, long most)
{
    char order[ORDER_SIZE];
    size_t size;
    long got = 0;

    /* Until CQ_EMPTY, which is what makes the descriptor unreadable again. */
    for (int result; got < most && (result = cq_dequeue(queue, order, sizeof order, &size)) != CQ_EMPTY; ++got) {
        orders_check(result);
        printf("c: got %.*s\n", (int)size, order);
    }
    return got;
}

int main(int argc, char **argv)
{
    long count = orders_count(argc, argv);
    cq_queue *queue = orders_open(argv[1]);
    int loop = epoll_create1(EPOLL_CLOEXEC), fd;
    struct epoll_event event = {.events = EPOLLIN};

    orders_check(cq_fd(queue, &fd)); /* readable while an order may be waiting; it belongs to the queue */
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) {
        perror("c: epoll");
        return 1;
    }
    while (count > 0) {
        int ready = epoll_wait(loop, &event, 1, 10000);
        if (ready == 0) {
            fprintf(stderr, "c: no order came for 10 s\n");
            return 1;
        }
        if (ready > 0)
            count -= get_all(queue, count);
    }
    cq_close(queue);
    return 0;
}
