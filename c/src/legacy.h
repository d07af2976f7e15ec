/* legacy.h - what a durable directory has of a queue. */
#ifndef CQ_LEGACY_H
#define CQ_LEGACY_H

#include "state.h"

/* A message that is to be there again. */
struct survivor {
    uint64_t position, offset; /* of its record, in the file of that index */
    struct layout_feed feed;   /* as in its slot; source 0: it was not fed */
    uint32_t size, file, deliveries;
    uint32_t node;             /* revive.c's */
};

struct legacy_file {
    char name[DISK_NAME];
    uint64_t generation, size;
};

struct legacy {
    struct crc32c crc;
    uint8_t boot[FACTS_ID];      /* of this run of the system; to be set, as crc, before legacy_read */
    struct legacy_file *files;   /* the segments */
    size_t file_count, file_room;
    bool exists;                 /* there is a queue: */
    struct facts_head head;      /* of its newest segment */
    bool same_boot;              /* some of it was written in this run: what is read need not be on the disk */
    bool restored;               /* the directory is a copy */
    struct statement truth;          /* the STATE that decides; but for sources, for which an older one may */
    uint64_t truth_ticket;       /* its; 0: there is none */
    uint64_t sources_ticket;
    struct statement read;       /* the STATE that is just looked at */
    struct survivor *survivors;  /* the oldest first */
    size_t survivor_count, survivor_room;
    uint64_t reserve;            /* the furthest of any STATE, a sequence; 0: none */
    uint64_t newest;             /* the highest ticket */
    uint64_t generation;         /* the highest */
    const char *culprit;         /* the file that was refused */
};

int legacy_read(int directory, struct legacy *legacy);
int legacy_load(int directory, const struct legacy *legacy, size_t file, unsigned char **bytes);
int legacy_flush(int directory, const struct legacy *legacy);
int legacy_by_file(struct legacy *legacy);
void legacy_free(struct legacy *legacy);

#endif
