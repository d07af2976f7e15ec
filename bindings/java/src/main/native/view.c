/* view.c - see view.h. */
#include "view.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* A piece of a mapping, as /proc/self/maps has it: where it is in memory, and in which file. */
struct piece {
    uintptr_t begin, end;
    char protection[5], device[16];
    uint64_t offset, inode;
};

static bool goes_on(const struct piece *piece, const struct piece *next)
{
    return next->begin == piece->end && next->inode == piece->inode && strcmp(next->device, piece->device) == 0 &&
           next->offset == piece->offset + (piece->end - piece->begin);
}

/* The mapping that `address` lies in: all pieces of it, because the library does not let all of it be touched. */
static bool find_mapping(uintptr_t address, uintptr_t *begin, uintptr_t *end)
{
    char line[256];
    bool found = false, over = false, whole = true; /* whole: what was read last ended its line, so the next begins one */
    struct piece mapping = {0}, piece;
    FILE *maps = fopen("/proc/self/maps", "re");

    while (maps && !over && fgets(line, sizeof line, maps)) {
        if (whole && sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %15s %" SCNu64, &piece.begin, &piece.end,
                            piece.protection, &piece.offset, piece.device, &piece.inode) == 6) {
            if (goes_on(&mapping, &piece))
                mapping.end = piece.end;
            else if (!(over = found))
                mapping = piece;
            found = mapping.begin <= address && address < mapping.end;
        }
        whole = strchr(line, '\n') != NULL;
    }
    if (maps)
        fclose(maps);
    *begin = mapping.begin;
    *end = mapping.end;
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
