/* What a program does first: one thread sleeps for a message, another sends it. Linked with the core and musl. */
#include "cqueue.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void *receive(void *queue)
{
    static char text[16];
    size_t size;
    return cq_dequeue_wait(queue, text, sizeof text, &size, INT64_C(60000000000)) == CQ_OK && size == 6 ? text : NULL;
}

int main(int count, char **arguments)
{
    cq_config config = {.struct_size = sizeof config, .capacity = 10, .max_message_size = 16};
    cq_stats stats = {.struct_size = sizeof stats};
    cq_queue *queue;
    pthread_t receiver;
    void *text;
    int fd;

    config.directory = count > 1 ? arguments[1] : NULL;
    int result = cq_open("musl", &config, &queue);
    if (result != CQ_OK) {
        fprintf(stderr, "%s\n", cq_strerror(result));
        return 1;
    }
    if (pthread_create(&receiver, NULL, receive, queue) != 0)
        return 2;
    do
        if (cq_stat(queue, &stats) != CQ_OK)
            return 3;
    while (stats.waiting_consumers == 0);
    if (cq_enqueue(queue, "hello", 6) != CQ_OK || pthread_join(receiver, &text) != 0 || !text || strcmp(text, "hello") != 0)
        return 4;
    if (cq_fd(queue, &fd) != CQ_OK || cq_close(queue) != CQ_OK)
        return 5;
    return 0;
}
