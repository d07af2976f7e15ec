// core.hpp - the core's headers, readable from C++, which has no _Atomic.
//
// Whoever includes this looks at the region between two steps of the only thread there is, so plain words will do; the
// core itself is compiled as C, with hooks.h.
#pragma once

#include "access.h"

#include <atomic>
#include <cstdint>

#define _STDATOMIC_H
#define _GLIBCXX_STDATOMIC_H
#define __CLANG_STDATOMIC_H
#define _Atomic
#define atomic_load_explicit(object, order) ((void)(order), *(object))
#define atomic_store_explicit(object, value, order) ((void)(order), (void)(*(object) = (value)))
#define atomic_fetch_add_explicit(object, value, order) ((void)(order), (void)(*(object) += (value)))
#define atomic_compare_exchange_strong_explicit(object, expected, value, success, failure) \
    ((void)(success), *(object) == *(expected) ? (*(object) = (value), true) : (*(expected) = *(object), false))
#define atomic_fetch_sub_explicit(object, value, order) ((void)(order), (void)(*(object) -= (value)))
#define atomic_fetch_and_explicit(object, value, order) ((void)(order), (*(object) &= (value)))
#define atomic_fetch_or_explicit(object, value, order) ((void)(order), (*(object) |= (value)))
#define sweep core_sweep // the tests have functions of these names
#define trim core_trim

#define seat_me() model_sitter()

using std::atomic_signal_fence;
using std::atomic_thread_fence;
using std::memory_order;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

extern "C" {
#include "geometry.h"
#include "look.h"
#include "lookout.h"
#include "os.h"
#include "participant.h"
#include "node.h"
#include "orphan.h"
#include "pin.h"
#include "reap.h"
#include "slot.h"
#include "source.h"
#include "supply.h"
#include "sweep.h"
#include "trim.h"
#include "wait.h"
#include "watch.h"
}

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_and_explicit
#undef seat_me
#undef atomic_fetch_add_explicit
#undef atomic_fetch_or_explicit
#undef sweep
#undef trim
#undef _Atomic
