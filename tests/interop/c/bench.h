/*
 * bench.h - the mode `bench` of the C worker.
 */
#pragma once

#include "options.h"

void bench_run(const struct options *options);
