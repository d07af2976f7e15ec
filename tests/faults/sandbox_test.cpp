/*
 * System calls that a sandbox refuses, and a system without /proc: what can do without them works as ever, and what cannot
 * says that the system refused something, and not that a file, a right or an argument was wrong.
 */
#include <cerrno>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "faults/mounts.hpp"
#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"

namespace {

using namespace cqtest;

void refuse(long number, int error)
{
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof filter / sizeof *filter, filter};
    must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

struct Refused {
    const char *name;
    long number;
    bool needed;
};

const Refused all_refused[] = {
    {"madvise", SYS_madvise, false},     {"mincore", SYS_mincore, false},     {"munlock", SYS_munlock, false},
    {"kill", SYS_kill, false},           {"yield", SYS_sched_yield, false},   {"limits", SYS_prlimit64, false},
    {"fallocate", SYS_fallocate, true},  {"mremap", SYS_mremap, true},        {"ftruncate", SYS_ftruncate, true},
    {"fchmod", SYS_fchmod, true},        {"fstatfs", SYS_fstatfs, true},      {"timer", SYS_timerfd_create, true},
};

std::ostream &operator<<(std::ostream &out, const Refused &refused) { return out << refused.name; }

class Sandbox : public testing::TestWithParam<Refused> {};
INSTANTIATE_TEST_SUITE_P(, Sandbox, testing::ValuesIn(all_refused), [](const auto &info) { return std::string(info.param.name); });

/* Makes a queue, fills it and empties it. The first result that is not CQ_OK. */
int use_a_queue(const Config &config)
{
    cq_queue *made = nullptr;
    int fd = -1;
    int result = cq_open("q", &config, &made);
    if (result != CQ_OK)
        return result;
    Handle queue(made);
    if ((result = cq_fd(queue, &fd)) != CQ_OK)
        return result;
    if (queue.fill() != config.capacity || queue.drain().size() != config.capacity)
        throw std::runtime_error("not all fits");
    return CQ_OK;
}

TEST_P(Sandbox, refusing_a_call_is_told_as_that)
{
    for (const int error : {EPERM, ENOSYS, EACCES, EINVAL}) {
        const Directory directory;
        const Config config = directory.in(Config(300, 64));
        const End end = Child([&](Channel &) {
                            refuse(GetParam().number, error);
                            return -use_a_queue(config);
                        }).join();
        EXPECT_EQ(end.signal, 0);
        const bool may_be_the_file_system = GetParam().number == SYS_ftruncate && error == EINVAL; /* of huge pages */
        EXPECT_EQ(-end.code, !GetParam().needed ? CQ_OK : may_be_the_file_system ? CQ_EFILESYSTEM : CQ_ESYSTEM)
            << cq_strerror(-end.code) << " where " << GetParam().name << " fails with " << std::strerror(error);
    }
}

TEST(SandboxWords, name_what_may_be_the_cause)
{
    char text[400];
    cq_explain(CQ_ESYSTEM, "q", nullptr, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("sandbox"), std::string::npos) << text;
}

/* Where the kernel lets a file without a name be linked by its descriptor alone; older ones want a right for that. */
TEST(WithoutProc, queues_are_made_and_used_or_the_reason_is_told)
{
    for (const bool by_descriptor : {true, false}) {
        const Directory directory;
        const Config config = directory.in(Config(300, 64));
        const End end = Child([&](Channel &) {
                            try {
                                own_namespace(CLONE_NEWNS, "a mount namespace");
                                must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "MS_PRIVATE");
                                must(::umount2("/proc", MNT_DETACH) == 0, "umount /proc");
                            } catch (const NotAllowed &) {
                                ::_exit(not_allowed);
                            }
                            if (!by_descriptor)
                                refuse(SYS_linkat, ENOENT);
                            const int result = use_a_queue(config);
                            char text[400];
                            cq_explain(CQ_ESYSTEM, "q", nullptr, 0, text, sizeof text);
                            return std::string(text).find("there is no /proc here") == std::string::npos ? 100 : -result;
                        }).join();
        if (end.code == not_allowed)
            GTEST_SKIP() << why_skipped;
        if (by_descriptor && end.code == 0)
            continue;
        EXPECT_EQ(end.code, -CQ_ESYSTEM) << cq_strerror(-end.code);
    }
}

} // namespace
