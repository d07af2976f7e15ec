// core.hpp - the core's headers, readable from C++, which has no _Atomic.
//
// Whoever includes this looks at the region between two steps of the only thread there is, so plain words will do; the
// core itself is compiled as C, with hooks.h.
#pragma once

#include <atomic>
#include <cstdint>

#define _STDATOMIC_H
#define _GLIBCXX_STDATOMIC_H
#define __CLANG_STDATOMIC_H
#define _Atomic
#define atomic_load_explicit(object, order) ((void)(order), *(object))
#define atomic_store_explicit(object, value, order) ((void)(order), (void)(*(object) = (value)))
#define atomic_fetch_add_explicit(object, value, order) ((void)(order), (void)(*(object) += (value)))
#define atomic_fetch_or_explicit(object, value, order) ((void)(order), (*(object) |= (value)))
#define sweep core_sweep // the tests have a function of that name

using std::atomic_thread_fence;
using std::memory_order;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

extern "C" {
#include "geometry.h"
#include "lookout.h"
#include "os.h"
#include "participant.h"
#include "node.h"
#include "orphan.h"
#include "reap.h"
#include "slot.h"
#include "source.h"
#include "supply.h"
#include "sweep.h"
#include "wait.h"
#include "watch.h"
}

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_or_explicit
#undef sweep
#undef _Atomic
