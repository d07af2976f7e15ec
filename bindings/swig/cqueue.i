/*
 * cqueue.i - the C interface for Java and Python, read from cqueue.h itself so that nothing is retyped.
 *
 * It owns what both languages have in common. How a C type looks in one of them is that language's file: java.i, python.i. The
 * module's name comes from the command line (swig -module), where each language's build knows it.
 */
%module cqueue

%{
#include "cqueue.h"
%}

#define CQ_API

#if defined(SWIGJAVA)
%include "java.i"
#elif defined(SWIGPYTHON)
%include "python.i"
#else
#error "cqueue.i: no typemaps for this language"
#endif

%include "cqueue.h"
