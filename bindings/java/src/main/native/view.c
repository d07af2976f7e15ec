/* view.c - see view.h. */
#include "view.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The mapping that `address` lies in. */
static bool find_mapping(uintptr_t address, uintptr_t *begin, uintptr_t *end)
{
    char line[256];
    bool found = false, whole = true; /* whole: what was read last ended its line, so the next begins one */
    FILE *maps = fopen("/proc/self/maps", "re");

    while (maps && !found && fgets(line, sizeof line, maps)) {
        found = whole && sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", begin, end) == 2 && *begin <= address && address < *end;
        whole = strchr(line, '\n') != NULL;
    }
    if (maps)
        fclose(maps);
    return found;
}

int view_open(JNIEnv *jenv, void *data, jlongArray bounds)
{
    uintptr_t begin, end;

    if (!find_mapping((uintptr_t)data, &begin, &end))
        return CQ_ESYSTEM;
    /* From 0 bytes: a second mapping of the same pages, see mremap(2). */
    void *view = mremap((void *)begin, 0, end - begin, MREMAP_MAYMOVE);
    if (view == MAP_FAILED)
        return CQ_ENOMEM;
    jlong values[3] = {(jlong)begin, (jlong)(end - begin), (jlong)(uintptr_t)view};
    (*jenv)->SetLongArrayRegion(jenv, bounds, 0, 3, values);
    return CQ_OK;
}

int view_detach(void *view, size_t size)
{
    void *fresh = mmap(view, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return fresh == MAP_FAILED ? CQ_ENOMEM : CQ_OK;
}

void view_free(void *view, size_t size) { munmap(view, size); }

jobject view_buffer(JNIEnv *jenv, void *data, size_t size)
{
    return (*jenv)->NewDirectByteBuffer(jenv, data, (jlong)size);
}

void *view_address(JNIEnv *jenv, jobject buffer) { return (*jenv)->GetDirectBufferAddress(jenv, buffer); }
