/*
 * results.h - the names that cqueue.h gives to results. For C and C++.
 */
#pragma once

#include <cqueue.h>

static inline const char *result_name(int result)
{
#define NAME(result) case result: return #result
    switch (result) {
        NAME(CQ_OK);
        NAME(CQ_EMPTY);
        NAME(CQ_FULL);
        NAME(CQ_TIMEOUT);
        NAME(CQ_EINVAL);
        NAME(CQ_ENAME);
        NAME(CQ_ENOENT);
        NAME(CQ_EEXIST);
        NAME(CQ_EMISMATCH);
        NAME(CQ_EVERSION);
        NAME(CQ_ECORRUPT);
        NAME(CQ_EACCESS);
        NAME(CQ_EOWNER);
        NAME(CQ_ENOSPACE);
        NAME(CQ_ENOMEM);
        NAME(CQ_ELIMIT);
        NAME(CQ_ETOOSMALL);
        NAME(CQ_ETOOBIG);
        NAME(CQ_EREADONLY);
        NAME(CQ_EFORK);
        NAME(CQ_ENOTHELD);
        NAME(CQ_EFILESYSTEM);
        NAME(CQ_ESYSTEM);
    }
#undef NAME
    return "a result without a name";
}
