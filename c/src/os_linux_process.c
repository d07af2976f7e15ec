/*
 * os_linux_process.c - os.h on Linux: descriptors for event loops, threads, signals and forks of this process, and what
 * explanations look at. See os_linux.c.
 */
#include "os.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* Linux 5.9 */
#endif
#define UNSHARE_AND_CLOSE 2u       /* CLOSE_RANGE_UNSHARE */
#define EVENT_TRIES 100
#define APART_STACK ((size_t)1 << 18) /* where all memory is locked, all of it is given memory */

static_assert(sizeof(sigset_t) <= sizeof(struct os_signals), "what os_hold_signals gives");
static_assert(sizeof(pthread_t) <= sizeof(struct os_thread), "what os_start_thread gives");

/* ---- descriptors for event loops --------------------------------------------------------------------- */

/*
 * A timer: readable once its moment came (up: it is set to one long ago), unreadable when it is set to none. The
 * library only ever *sets* the number, which the kernel refuses for anything but a timer, and only if its period is
 * the one of the key: so nothing else can be written, read, blocked on or closed when the descriptor was closed and
 * the number is another file's. (An eventfd cannot be told from others, and what can is read and written by
 * functions that would also read and write what is not ours.)
 */
static struct timespec period_of(uint64_t key)
{
    /* Some 150 years, which no other timer has. */
    uint64_t ns = (UINT64_C(1) << 62) + key % (UINT64_C(1) << 61);
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

static bool has_period(const struct itimerspec *timer, struct timespec period)
{
    return timer->it_interval.tv_sec == period.tv_sec && timer->it_interval.tv_nsec == period.tv_nsec;
}

/* Set the timer, which has the period `expected` still. In the moment since that was looked at the number may have
   become somebody else's timer; that one gets back what it had. None of this blocks. */
static bool set_timer(int fd, uint64_t key, struct timespec expected, bool up)
{
    struct itimerspec when = {.it_interval = period_of(key), .it_value = {.tv_sec = 0, .tv_nsec = up ? 1 : 0}}, before;

    if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, &before) != 0)
        return false;
    if (has_period(&before, expected))
        return true;
    timerfd_settime(fd, 0, &before, NULL);
    return false;
}

int os_event_create(uint64_t key, int *fd)
{
    /* Another thread may close or replace what was just made: then another one. */
    for (int tries = 0; tries < EVENT_TRIES; ++tries) {
        *fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (*fd < 0)
            return errno;
        if (set_timer(*fd, key, (struct timespec){0}, false))
            return 0;
    }
    return EIO;
}

bool os_event_is(int fd, uint64_t key)
{
    struct itimerspec found;
    return fd >= 0 && timerfd_gettime(fd, &found) == 0 && has_period(&found, period_of(key));
}

void os_event_set(int fd, uint64_t key, bool up)
{
    if (os_event_is(fd, key))
        set_timer(fd, key, period_of(key), up);
}

void os_event_close(int fd, uint64_t key)
{
    if (os_event_is(fd, key))
        close(fd);
}

/* ---- this process ------------------------------------------------------------------------------------ */

static pthread_once_t guarded = PTHREAD_ONCE_INIT;
static const struct os_guard *_Atomic guard;
static int guard_error;

static void guard_forks(void)
{
    const struct os_guard *wanted = atomic_load_explicit(&guard, memory_order_relaxed); /* pthread_once orders */
    guard_error = pthread_atfork(wanted->before, wanted->parent, wanted->child);
}

int os_guard_forks(const struct os_guard *wanted)
{
    atomic_store_explicit(&guard, wanted, memory_order_relaxed); /* the same for all callers */
    pthread_once(&guarded, guard_forks);
    return guard_error;
}

void os_hold_signals(struct os_signals *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, (sigset_t *)(void *)before);
}

void os_restore_signals(const struct os_signals *before)
{
    pthread_sigmask(SIG_SETMASK, (const sigset_t *)(const void *)before, NULL);
}

int os_hold_cancellation(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

void os_restore_cancellation(int before) { pthread_setcancelstate(before, NULL); }

int os_start_thread(struct os_thread *thread, void *(*run)(void *), void *context)
{
    struct os_signals before;
    pthread_t made;

    os_hold_signals(&before); /* the thread begins with what its maker has */
    int error = pthread_create(&made, NULL, run, context);
    os_restore_signals(&before);
    if (error == 0)
        memcpy(&thread->handle, &made, sizeof made);
    return error;
}

void os_join_thread(struct os_thread thread)
{
    pthread_t made;
    memcpy(&made, &thread.handle, sizeof made);
    pthread_join(made, NULL);
}

struct apart {
    void (*run)(void *context);
    void *context;
    bool done;
};

/* The kernel gives this thread a table of descriptors of its own, without any of the process's. */
static void *begin_apart(void *context)
{
    struct apart *apart = context;

    if (syscall(SYS_close_range, 0u, ~0u, UNSHARE_AND_CLOSE) == 0) {
        apart->run(apart->context);
        apart->done = true;
    }
    return NULL;
}

static bool is_only_thread(void)
{
    struct stat threads; /* a directory has two links and one for each directory in it */
    return stat("/proc/self/task", &threads) == 0 && threads.st_nlink == 3;
}

void os_run_apart(void (*run)(void *context), void *context)
{
    struct apart apart = {run, context, false};
    struct os_signals before;
    pthread_attr_t small;
    pthread_t made;

    if (!is_only_thread() && pthread_attr_init(&small) == 0) {
        pthread_attr_setstacksize(&small, APART_STACK);
        os_hold_signals(&before);
        int error = pthread_create(&made, &small, begin_apart, &apart);
        os_restore_signals(&before);
        pthread_attr_destroy(&small);
        if (error == 0)
            pthread_join(made, NULL);
    }
    if (!apart.done)
        run(context);
}

/* ---- what explanations look at ----------------------------------------------------------------------- */

static int get_limit(enum os_limit which, struct rlimit *found)
{
    switch (which) {
    case OS_LIMIT_ADDRESS_SPACE: return getrlimit(RLIMIT_AS, found);
    case OS_LIMIT_FILE_SIZE: return getrlimit(RLIMIT_FSIZE, found);
    case OS_LIMIT_DESCRIPTORS: return getrlimit(RLIMIT_NOFILE, found);
    case OS_LIMIT_THREADS: return getrlimit(RLIMIT_NPROC, found);
    }
    return -1;
}

bool os_limit(enum os_limit which, uint64_t *limit)
{
    struct rlimit found;

    if (get_limit(which, &found) != 0)
        return false;
    *limit = found.rlim_cur == RLIM_INFINITY ? UINT64_MAX : found.rlim_cur;
    return true;
}

bool os_space(const char *directory, uint64_t *bytes, uint64_t *free_bytes, bool *no_more_files)
{
    struct statvfs found;

    if (statvfs(directory, &found) != 0)
        return false;
    uint64_t unit = found.f_frsize ? found.f_frsize : found.f_bsize;
    *bytes = found.f_blocks * unit;
    *free_bytes = found.f_bavail * unit;
    *no_more_files = found.f_files > 0 && found.f_favail == 0;
    return true;
}

int os_may(const char *path, uint32_t use)
{
    return faccessat(AT_FDCWD, path, (int)use, AT_EACCESS) == 0 ? 0 : errno;
}

uint64_t os_address_space(void)
{
    unsigned long long pages = 0;
    FILE *used = fopen("/proc/self/statm", "re");

    if (used && fscanf(used, "%llu", &pages) != 1)
        pages = 0;
    if (used)
        fclose(used);
    return pages * os_page_size();
}

int os_try_descriptors(uint32_t count)
{
    int fd = -1;

    if (count == 0)
        return 0;
    int error = os_open("/dev/null", OS_READ_ONLY, &fd);
    if (error != 0)
        return error;
    error = os_try_descriptors(count - 1);
    os_close(fd);
    return error;
}
