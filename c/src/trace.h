/*
 * trace.h - static probes (USDT) for bpftrace, perf, gdb and SystemTap.
 *
 * It owns how a probe is made; which there are, and with which arguments, DESIGN.md has. A probe is one instruction
 * that does nothing, and a note in the file that says where it is and where its arguments are: a tracer puts a
 * breakpoint there. So what is traced must be at hand, and nothing may be worked out for it. Where there is no
 * <sys/sdt.h>, there are no probes.
 */
#ifndef CQ_TRACE_H
#define CQ_TRACE_H

#ifdef __has_include
#if __has_include(<sys/sdt.h>)
#define SDT_USE_VARIADIC
#define STAP_SDT_ARG_CONSTRAINT nr /* not in memory: some compilers would store them there first */
#include <sys/sdt.h>
#endif
#endif

#ifdef __clang__ /* which would have the header's macros be pedantic too */
_Pragma("clang diagnostic ignored \"-Wgnu-zero-variadic-macro-arguments\"")
#endif

/* TRACE(name, queue, more arguments...) */
#ifdef STAP_PROBEV
#define TRACE(...) STAP_PROBEV(cqueue, __VA_ARGS__)
#else
__attribute__((unused)) static inline int trace_nothing(const void *queue, ...) { return queue != 0; } /* not called */
#define TRACE(name, ...) ((void)sizeof(trace_nothing(__VA_ARGS__)))
#endif

#endif
