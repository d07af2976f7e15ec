/* batch.c - see batch.h. What Java passes as numbers was checked there; what lies in the memory is checked here. */
#include "batch.h"

#include <stdbool.h>
#include <stdlib.h>

enum { FEW = 256 }; /* messages whose slices find room on the stack */

/* False: another thread is changing the batch. */
static bool find_messages(const int32_t *ends, char *bytes, int room, int first, int count, cq_slice *slices)
{
    int32_t begin = first > 0 ? ends[first - 1] : 0;

    for (int i = 0; i < count; ++i) {
        int32_t end = ends[first + i];
        if (begin < 0 || end < begin || end > room)
            return false;
        slices[i] = (cq_slice){bytes + begin, (size_t)(end - begin)};
        begin = end;
    }
    return true;
}

outcome batch_enqueue(cq_queue *queue, void *memory, int most, int room, int first, int count)
{
    cq_slice few[FEW], *slices = count <= FEW ? few : malloc((size_t)count * sizeof *slices);
    int32_t *ends = memory;
    size_t done = 0;
    int result = CQ_ENOMEM;

    if (slices)
        result = find_messages(ends, (char *)(ends + most), room, first, count, slices)
                     ? cq_enqueue_batch(queue, slices, (size_t)count, &done)
                     : CQ_EINVAL;
    if (slices != few)
        free(slices);
    return outcome_of(result, done);
}

outcome batch_dequeue(cq_queue *queue, void *memory, int most, int room)
{
    cq_slice few[FEW], *slices = most <= FEW ? few : malloc((size_t)most * sizeof *slices);
    int32_t *ends = memory, end = 0;
    size_t done = 0;

    if (!slices)
        return outcome_of(CQ_ENOMEM, 0);
    int result = cq_dequeue_batch(queue, ends + most, (size_t)room, slices, (size_t)most, &done);
    for (size_t i = 0; i < done; ++i)
        ends[i] = end += (int32_t)slices[i].size;
    if (result == CQ_ETOOSMALL)
        done = slices[0].size;
    if (slices != few)
        free(slices);
    return outcome_of(result, done);
}
