/* CQ_EPROCESS, CQ_ELIMIT, CQ_ENOMEM and CQ_EFILESIZE: what the process or the machine has no more of. Nothing may be left behind. */
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"
#include "support/sanitizers.hpp"

namespace cqtest {
namespace {

void set_limit(decltype(RLIMIT_NOFILE) which, rlim_t value)
{
    rlimit limit;
    ::getrlimit(which, &limit);
    limit.rlim_cur = value;
    if (::setrlimit(which, &limit) != 0)
        throw std::runtime_error("setrlimit");
}

/* Takes every descriptor that the process may still have. */
void use_up_descriptors()
{
    set_limit(RLIMIT_NOFILE, 64);
    while (::dup(STDERR_FILENO) >= 0)
        ;
}

TEST(Limits, open_without_a_descriptor_left)
{
    Queue queue(Config(4, 16));
    Child child([&](Channel &) {
        use_up_descriptors();
        const std::string fresh = unique_name();
        if (open_result(queue.name(), Config(0, 0, CQ_ATTACH)) != CQ_EPROCESS)
            return 1;
        if (open_result(fresh, Config(4, 16)) != CQ_EPROCESS)
            return 2;
        if (cq_unlink(fresh.c_str(), nullptr) != CQ_ENOENT)
            return 3;
        return 0;
    });
    EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(queue.stat().participants, 1u);
}

/* Whichever of the descriptors that open needs for a moment is the one too many. */
TEST(Limits, open_with_a_few_descriptors_left_works_or_says_so)
{
    Queue queue(Config(4, 16));
    Child child([&](Channel &) {
        use_up_descriptors();
        int worked = 0;
        for (int freed = 63; freed > 55; --freed) {
            ::close(freed);
            const int result = open_result(queue.name(), Config(0, 0, CQ_ATTACH));
            if (result != CQ_OK && result != CQ_EPROCESS)
                return 1;
            worked += result == CQ_OK;
        }
        return worked > 0 ? 0 : 2;
    });
    EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(queue.stat().participants, 1u);
}

TEST(Limits, fd_without_a_descriptor_left)
{
    Queue queue(Config(4, 16));
    Child child([&](Channel &) {
        const Handle handle = queue.attach();
        use_up_descriptors();
        int fd = 77;
        if (cq_fd(handle, &fd) != CQ_EPROCESS || cq_room_fd(handle, &fd) != CQ_EPROCESS)
            return 1;
        handle.must_enqueue("x");
        ::close(63);
        return cq_fd(handle, &fd) == CQ_OK && fd == 63 ? 0 : 2;
    });
    EXPECT_EQ(child.join().code, 0);
}

#ifndef CQTEST_SANITIZED
/* The sanitizers need more address space than any limit that would be felt. */
TEST(Limits, open_without_address_space)
{
    Queue queue(Config(1u << 20, 4096));
    Child child([&](Channel &) {
        set_limit(RLIMIT_AS, 256u << 20);
        const std::string fresh = unique_name();
        if (open_result(queue.name(), Config(0, 0, CQ_ATTACH)) != CQ_ENOMEM)
            return 1;
        if (open_result(fresh, Config(1u << 20, 4096)) != CQ_ENOMEM)
            return 2;
        return open_result(fresh, Config(0, 0, CQ_ATTACH)) == CQ_ENOENT ? 0 : 3; /* what cannot be mapped is not made */
    });
    EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(queue.stat().participants, 1u);
}

TEST(Limits, walk_without_memory_for_a_copy)
{
    /* So large that malloc must ask the system: a heap that a thread left has 64 MiB of address space at most. */
    constexpr size_t size = 65u << 20;
    if (std::filesystem::space("/dev/shm").available < 2 * size)
        GTEST_SKIP() << "containers often have 64 MiB in /dev/shm; this needs twice as much";
    Queue queue(Config(1, size));
    queue.must_enqueue(std::string(size, 'x'));
    Child child([&](Channel &) {
        const Handle handle = queue.attach();
        set_limit(RLIMIT_AS, 1u << 20);
        return cq_walk(
                   handle, [](const cq_message *, void *) { return 0; }, nullptr) == CQ_ENOMEM
                   ? 0
                   : 1;
    });
    EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(queue.walk().size(), 1u);
}
#endif

TEST(Limits, creating_a_file_larger_than_the_process_may_make)
{
    const Directory directory;
    Child child([&](Channel &) {
        set_limit(RLIMIT_FSIZE, 1u << 20);
        const Config config = directory.in(Config(1u << 20, 4096));
        cq_queue *queue = nullptr;
        return cq_open("large", &config, &queue) == CQ_EFILESIZE && queue == nullptr ? 0 : 1;
    });
    const End end = child.join();
    EXPECT_EQ(end.signal, 0) << "SIGXFSZ kills who does not expect it";
    EXPECT_EQ(end.code, 0);
    EXPECT_EQ(entries(directory.path()), std::vector<std::string>());
}

TEST(Limits, handles_of_one_queue)
{
    Queue queue(Config(4, 16));
    std::vector<Handle> handles;
    const size_t count = long_run() ? 4094 : 200;
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    set_limit(RLIMIT_NOFILE, limit.rlim_max);
    while (handles.size() + 1 < count)
        handles.push_back(queue.attach());
    EXPECT_EQ(queue.stat().participants, count);
    if (count == 4094) {
        EXPECT_EQ(open_result(queue.name(), Config(0, 0, CQ_ATTACH)), CQ_ELIMIT);
        EXPECT_EQ(open_result(queue.name(), Config(0, 0, CQ_READ_ONLY)), CQ_OK);
        handles.pop_back();
        EXPECT_EQ(open_result(queue.name(), Config(0, 0, CQ_ATTACH)), CQ_OK);
    }
    handles.front().must_enqueue("x");
    EXPECT_EQ(handles.back().dequeue(), "x");
    handles.clear();
    EXPECT_EQ(queue.stat().participants, 1u);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

} // namespace
} // namespace cqtest
