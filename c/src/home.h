/* home.h - the durable directory: where it is, and which region it serves. */
#ifndef CQ_HOME_H
#define CQ_HOME_H

#include "facts.h"
#include "handle.h"

/* A hold on a directory. */
struct home {
    char path[LAYOUT_DIRECTORY];
    int directory, lock; /* descriptors, while the hold is being had */
    void *held;          /* what keeps the lock afterwards */
    struct disk_identity identity; /* of the lock file */
};

int home_path(const char *region, const cq_config *config, char path[LAYOUT_DIRECTORY]);
int home_join(struct home *home, const uint8_t incarnation[FACTS_ID]);
int home_seize(struct home *home, bool create, uint32_t permissions, const cq_config *config);
bool home_read(const struct home *home, struct facts_lock *lock);
int home_describe(const struct home *home, const struct facts_lock *lock);
int home_result(int error);
int home_open(const struct home *home, int *directory);
void home_share(struct home *home);
void home_let_go(struct home *home);

#endif
