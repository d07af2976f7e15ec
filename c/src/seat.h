/*
 * seat.h - the numbers of threads: each has a seat of its own in all handles of the process.
 *
 * It owns which thread has which. It must not know what a thread keeps there (pin.h).
 */
#ifndef CQ_SEAT_H
#define CQ_SEAT_H

#include "handle.h"

#include <stddef.h>

/* Nothing is ever named there, and all of it is 0. */
#define SEAT_OF_NOBODY offsetof(struct cq_queue, seats)

/* What a thread knows of itself. */
struct sitter {
    uintptr_t seat;   /* where its seat is in each handle; nobody's while a call of it is where its names matter */
    uintptr_t own;    /* the same, also meanwhile; 0: it has none */
    uint32_t looking; /* for one, under a signal handler */
    uint32_t misses;  /* times that it looked in vain */
};

#ifndef seat_me
/* Found without a call, which would cost more than what it is for. Only glibc keeps room for that in every library. */
#ifdef __GLIBC__
#define SEAT_NEAR __attribute__((tls_model("initial-exec")))
#else
#define SEAT_NEAR
#endif
extern __thread struct sitter seat_thread SEAT_NEAR;
static inline struct sitter *seat_me(void) { return &seat_thread; }
#endif

bool seat_find(struct sitter *me);
void seat_after_fork(void);

#endif
