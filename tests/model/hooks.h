/*
 * hooks.h - force-included before every file of the core that the model runs: each access to shared memory is announced
 * first, so that the scheduler may let any other process go in between, or kill this one there.
 *
 * It owns nothing but the macros. The access itself always finds what was stored last; with which order the code asks for it
 * is announced too, and a weak world (memory.hpp) may answer a load with something older.
 */
#ifndef CQ_MODEL_HOOKS_H
#define CQ_MODEL_HOOKS_H

#include "access.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_thread_fence

/* clang's builtins for _Atomic objects have names of their own. A weak exchange never fails for nothing here. */
#ifdef __clang__
#define MODEL_ATOMIC(name) __c11_atomic_##name
#define MODEL_LOAD_OF(object) __c11_atomic_load(object, memory_order_seq_cst)
#define MODEL_STORE_TO(object, value) __c11_atomic_store(object, value, memory_order_seq_cst)
#define MODEL_EXCHANGE_OF(object, expected, value) \
    __c11_atomic_compare_exchange_strong(object, expected, value, memory_order_seq_cst, memory_order_seq_cst)
#else
#define MODEL_ATOMIC(name) __atomic_##name
#define MODEL_LOAD_OF(object) __atomic_load_n(object, memory_order_seq_cst)
#define MODEL_STORE_TO(object, value) __atomic_store_n(object, value, memory_order_seq_cst)
#define MODEL_EXCHANGE_OF(object, expected, value) \
    __atomic_compare_exchange_n(object, expected, value, 0, memory_order_seq_cst, memory_order_seq_cst)
#endif

#define atomic_load_explicit(object, order) \
    (model_step(MODEL_LOAD, (object), __func__), \
     (__typeof__(MODEL_LOAD_OF(object)))model_load((object), (uint64_t)MODEL_LOAD_OF(object), (int)(order)))
#define atomic_store_explicit(object, value, order) \
    (model_step(MODEL_STORE, (object), __func__), MODEL_STORE_TO(object, value), model_changed((object), (int)(order)))
#define atomic_compare_exchange_strong_explicit(object, expected, value, success, failure) \
    (model_step(MODEL_EXCHANGE, (object), __func__), \
     !model_differs((object), (expected), (int)(failure)) && \
         (MODEL_EXCHANGE_OF(object, expected, value) ? (model_changed((object), (int)(success)), 1) : 0))
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
#define MODEL_FETCH(operation, name, object, value, order) \
    (model_step(operation, (object), __func__), \
     model_fetched((object), MODEL_ATOMIC(name)(object, value, memory_order_seq_cst), (int)(order)))
#define atomic_fetch_add_explicit(object, value, order) MODEL_FETCH(MODEL_ADD, fetch_add, object, value, order)
#define atomic_fetch_sub_explicit(object, value, order) MODEL_FETCH(MODEL_ADD, fetch_sub, object, value, order)
#define atomic_fetch_or_explicit(object, value, order) MODEL_FETCH(MODEL_OR, fetch_or, object, value, order)
#define atomic_fetch_and_explicit(object, value, order) MODEL_FETCH(MODEL_AND, fetch_and, object, value, order)
#define atomic_thread_fence(order) model_fence((int)(order))

/* A process that is killed frees nothing: its memory is the world's. */
#define malloc(size) model_allocate(size)
#define free(memory) ((void)(memory))

/* Each process of the model is a thread, all on one stack after the other of a real one. */
#define seat_me() model_sitter()

/* Payload is shared memory too. */
#define memcpy(to, from, size) model_copy((to), (from), (size), __func__)

#endif
