/*
 * outcome.h - a result and a number in one, where a call into C has both to say: result << 32 | number.
 *
 * The number: the message's size (what it needs, for CQ_ETOOSMALL), or how many messages were done.
 */
#ifndef CQUEUE_JAVA_OUTCOME_H
#define CQUEUE_JAVA_OUTCOME_H

#include <stddef.h>
#include <stdint.h>

typedef long long outcome;

#ifndef SWIG
static inline outcome outcome_of(int result, size_t number)
{
    return (outcome)((uint64_t)(uint32_t)result << 32 | (uint32_t)number);
}
#endif

#endif
