/* Prints the library's version and a message that went through a queue. */
#include <cqueue.h>

#include <stdio.h>
#include <unistd.h>

static const char message[] = "hello";

static int pass(const char *name)
{
    cq_config config = {0};
    config.struct_size = sizeof config;
    config.flags = CQ_EXCLUSIVE;
    config.capacity = 4;

    cq_queue *queue;
    int result = cq_open(name, &config, &queue);
    if (result != CQ_OK)
        return result;

    char received[sizeof message];
    size_t size = 0;
    result = cq_enqueue(queue, message, sizeof message);
    if (result == CQ_OK)
        result = cq_dequeue(queue, received, sizeof received, &size);
    if (result == CQ_OK && size == sizeof message)
        printf("cqueue %s: %s\n", cq_version(), received);

    cq_close(queue);
    cq_unlink(name, NULL);
    return result;
}

int main(void)
{
    char name[64];
    snprintf(name, sizeof name, "cqtest-install-c-%ld", (long)getpid());
    int result = pass(name);
    if (result != CQ_OK)
        fprintf(stderr, "%s\n", cq_strerror(result));
    return result != CQ_OK;
}
