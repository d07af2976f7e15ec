/*
 * bench.hpp - the mode `bench` of the C++ worker.
 */
#pragma once

#include "../c/options.h"

void bench_run(const options &given);
