/*
 * os.h - the seam to the operating system: all that the library asks of it, and what it must keep for the promise
 * of cqueue.h.
 *
 * It owns no state, and must not know what a queue is. os_linux.c and its neighbours answer for Linux; another
 * system, a simulated disk or injected faults come in here. Where a function returns an `int` and says nothing else,
 * that is 0 or an error number of <errno.h>. Functions marked (c) may be cancellation points: cancellation is off
 * when they are called. Those marked (s) may be called in a signal handler. None waits for another process unless it
 * says so.
 */
#ifndef CQ_OS_H
#define CQ_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- files ------------------------------------------------------------------------------------------- */

/* A file, whatever its name: no two files that exist have the same device and inode. */
struct os_status {
    uint64_t device, inode, size, memory; /* memory: what it takes of the file system, in bytes */
    uint64_t links;                       /* its names; 0: nobody can open it any more */
    uint32_t permissions, user, group;
    bool is_regular;
};

/* OS_MARKED: os_is_marked tells this description from others of the file. OS_FOLLOW: a last symbolic link is
   followed. */
enum os_open { OS_READ_ONLY = 1, OS_MARKED = 2, OS_FOLLOW = 4 };

/* A new description of the file, not inherited by other programs. Never waits, whatever the path leads to. (s) */
int os_open(const char *path, uint32_t flags, int *fd);
/* Another number for a new description, and its old one closed: one that open() gives nobody as long as a lower one is
   free. So who closes a number once too often, or all, and opens other files, gets others. The number itself if there
   is none. (s) */
int os_move_up(int fd);
/* What os_open or os_create_nameless opened; if the number is somebody else's by now, that is left alone. (s) */
void os_close(int fd);
int os_status(int fd, struct os_status *status);                                     /* (s) */
int os_status_at(const char *path, bool follow, struct os_status *status);           /* (s) */
bool os_is_marked(int fd);                                                           /* (s) */
int os_read(int fd, void *to, size_t size, uint64_t offset, size_t *got);            /* (c) */
int os_write(int fd, const void *from, size_t size, uint64_t offset);                /* (c) all of it, or an error */
/* EOPNOTSUPP: the file system is shared with other machines, or is known not to keep locks with mappings. */
int os_check_filesystem(int fd);

/* A file without a name in the directory, for its user alone. It is gone when its last description is. EOPNOTSUPP: this
   system or file system has none. Where stores would be made to a copy, they are made in place from now on, or it is
   EOPNOTSUPP. */
int os_create_nameless(const char *directory, int *fd);
/* May this process make a file that large? EFBIG: it may not, and trying would kill it. */
int os_check_size(uint64_t size);
/* Sparse: the file takes no memory for it. EOPNOTSUPP: not in this size of pages. */
int os_set_size(int fd, uint64_t size);
int os_set_permissions(int fd, uint32_t permissions);
/* Give a nameless file its name, in one step; EEXIST: there is such a file. EIO: not without /proc. */
int os_link(int fd, const char *path);
int os_unlink(const char *path);
/* The directory by a path that leads there whatever the working directory will be: for free(), or NULL. */
char *os_absolute(const char *directory);

/* ---- memory ------------------------------------------------------------------------------------------ */

uint64_t os_page_size(void);

/*
 * Memory (or blocks) for a part of a file, in whole pages, so that no store there fails later. What is there stays
 * as it is, and the file does not grow. ENOSPC, ENOMEM: there is none. EINTR: a signal came, and what was given may
 * be gone. os_populate does it through a mapping, and needs no descriptor; what it gives is never taken back.
 * ENOTSUP: it cannot; os_map_alive says whether it is worth asking. (s)
 */
int os_allocate(int fd, uint64_t offset, uint64_t size);
int os_populate(void *at, uint64_t size);
/* In which pieces, as large and as aligned, a part of the file must be given memory so that no store there fails,
   however the system keeps the file's pages. */
uint64_t os_granule(int fd);
/* Give the memory of a part of a mapping back to the file system; what is read there later is 0. Needs no descriptor.
   If it fails, some may be gone. (s) */
int os_punch(void *at, uint64_t size);
/* Let the file have its blocks for itself, that no copy (cp --reflink) shares: a store to a shared one needs another.
   ENOSPC: there is no room for them. EOPNOTSUPP: they are shared, and stay so. */
int os_own_blocks(int fd);
/* Has the first page of a mapping memory, and how much has the file's file system left? For a guess only: false, or
   UINT64_MAX, if it cannot be told. (s) */
bool os_is_resident(void *at);
uint64_t os_room(int fd);

/*
 * The whole file, shared, with addresses of its own and no memory before it is used, even in a process that locks all
 * memory that it will have. A child process does not get the mapping; and as long as the mapping is there its
 * description is open, with the locks made through it, whoever closes descriptors. Core dumps leave it out. Its first
 * page is a mapping of its own, as the kernel sees it. OS_MAP_TRY: as large, but for nothing.
 */
enum os_map { OS_MAP_TRY, OS_MAP_READ, OS_MAP_WRITE };
int os_map(int fd, uint64_t size, enum os_map use, void **at);
void os_unmap(void *at, uint64_t size);
/* Whole pages of a mapping may be used so from now on. With OS_MAP_TRY not at all, not even by the kernel. (s) */
int os_protect(void *at, uint64_t size, enum os_map use);
/* A page of this process's own, of 0; in a child process it is all 0 again before the child runs. Just before the
   mapping at `base`, if nothing is there. *populates: os_populate works here. */
int os_map_alive(void *base, void **at, bool *populates);
/* Is there a word of this value at `at`, where there need not be any memory? */
bool os_is_word(const void *at, uint32_t value);
/* A path that leads to the file of a mapping of this process, which only some processes may use. */
void os_path_of_mapping(const void *at, uint64_t size, char *path, size_t room);

/* ---- life and death ---------------------------------------------------------------------------------- */

/*
 * A lock on one byte of a file, far behind its end. It belongs to the description `fd`, not to the process, and to
 * the mapping made through that: it is gone when both are closed, and not before, however the process ends. This is
 * the only way in which the library learns that a process is dead: the system must not say so while that process
 * can still store through its mapping, and must say so soon afterwards. os_lock never waits. EAGAIN, EACCES:
 * somebody else's is in the way.
 */
enum os_lock { OS_UNLOCK, OS_LOCK_SHARED, OS_LOCK };
int os_lock(int fd, uint64_t byte, enum os_lock kind);
/* Would a lock of this kind be refused because of another description's? (s) */
int os_ask_lock(int fd, uint64_t byte, enum os_lock kind, bool *locked);

/* Has the process surely gone? A hint: numbers are used again, and mean something else in containers. (s) */
bool os_process_is_gone(uint32_t process);
uint32_t os_process(void); /* (s) */
uint32_t os_thread(void);  /* which thread this is (s) */
bool os_has_thread(uint32_t thread); /* is it one of this process? False: surely not (s) */
void os_program_name(char name[16]);
uint32_t os_user(void);

/* ---- sleeping words ---------------------------------------------------------------------------------- */

/*
 * Sleep while *word is `expected`, until a wake of one of these `kinds`, or `deadline` on OS_CLOCK. The word is
 * looked at and the sleep begun in one step. 0: woken. EAGAIN: the word is another. ETIMEDOUT, EINTR; or woken for
 * nothing, as 0. kinds 0: the word is this process's own, and there is no deadline. (s)
 */
int os_sleep(_Atomic uint32_t *word, uint32_t expected, int64_t deadline, uint32_t kinds);
/* Wake up to `count` of one of these kinds, in all processes that map the file. How many there were. (s) */
size_t os_wake(_Atomic uint32_t *word, size_t count, uint32_t kinds);

void os_yield(void); /* (s) */

/* In nanoseconds. The first two never go back; OS_CLOCK_COARSE may be some milliseconds late, and costs no system call.
   The dates are since 1970. (s) */
enum os_clock { OS_CLOCK, OS_CLOCK_COARSE, OS_DATE, OS_DATE_COARSE };
#define OS_CLOCK_STEP INT64_C(5000000) /* how late OS_CLOCK_COARSE usually is at most */
int64_t os_clock(enum os_clock clock);

/* Bytes that nobody can guess, and that no other call anywhere gets. Waits for the system's first entropy at most. */
int os_random(void *to, size_t size);

/* ---- descriptors for event loops --------------------------------------------------------------------- */

/*
 * A descriptor that polls readable while it is up. It is told from whatever else may have the number by its `key`,
 * which no other of the process has: os_event_set and os_event_close leave what it is not alone, at any moment. (s)
 */
int os_event_create(uint64_t key, int *fd);
bool os_event_is(int fd, uint64_t key);
void os_event_set(int fd, uint64_t key, bool up);
void os_event_close(int fd, uint64_t key);

/* ---- this process ------------------------------------------------------------------------------------ */

/* What is called around each fork of the process that is not a bare system call. One guard for the process: later
   calls, with the same one, return what the first did. */
struct os_guard {
    void (*before)(void), (*parent)(void), (*child)(void);
};
int os_guard_forks(const struct os_guard *guard);

struct os_signals {
    uint64_t words[16];
};
/* Of this thread: hold all signals back, and as it was before. (s) */
void os_hold_signals(struct os_signals *before);
void os_restore_signals(const struct os_signals *before);
/* Of this thread: may it be cancelled? */
int os_hold_cancellation(void);
void os_restore_cancellation(int before);

/* A thread that gets no signals. EAGAIN: the process may have no more. Joining waits for its end. (c) */
struct os_thread {
    uint64_t handle;
};
int os_start_thread(struct os_thread *thread, void *(*run)(void *), void *context);
void os_join_thread(struct os_thread thread);
/* Calls `run`, and returns when it has: in a thread whose descriptors are its own, so that no other thread can close or
   replace what it opens. It has none of the process's, and leaves none; mappings stay. Where there is no other thread,
   and where the system has no such threads, it is called as usual. (c) */
void os_run_apart(void (*run)(void *context), void *context);

/* ---- what explanations look at, and nothing depends on ----------------------------------------------- */

enum os_limit { OS_LIMIT_ADDRESS_SPACE, OS_LIMIT_FILE_SIZE, OS_LIMIT_DESCRIPTORS, OS_LIMIT_THREADS };
/* UINT64_MAX: none. False: cannot be told. */
bool os_limit(enum os_limit which, uint64_t *limit);
/* Of the file system: bytes, and whether it may have no more files. False: cannot be told. */
bool os_space(const char *directory, uint64_t *bytes, uint64_t *free_bytes, bool *no_more_files);
bool os_shares_blocks(const char *path); /* with a copy of the file */
/* May this process use it so? 4: read, 2: write, 1: enter. EROFS: the file system is mounted read-only. */
int os_may(const char *path, uint32_t use);
uint64_t os_address_space(void); /* of this process, in bytes; 0: cannot be told */
/* Can so many descriptors be had just now? EMFILE: not in this process; ENFILE: not in the whole system. (c) */
int os_try_descriptors(uint32_t count);

#endif
