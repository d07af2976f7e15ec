/*
 * bench.h - the mode `bench` of the C worker.
 */
#ifndef BENCH_H
#define BENCH_H

#include "options.h"

void bench_run(const struct options *options);

#endif
