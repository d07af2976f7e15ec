/* letter.h - messages that are given up: to the queue dead_letter. */
#ifndef CQ_LETTER_H
#define CQ_LETTER_H

#include "run.h"

void letter_move(cq_queue *queue, const struct run *run);

#endif
