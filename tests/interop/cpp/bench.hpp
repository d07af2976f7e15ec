/*
 * bench.hpp - the mode `bench` of the C++ worker.
 */
#ifndef BENCH_HPP
#define BENCH_HPP

#include "../c/options.h"

void bench_run(const options &given);

#endif
