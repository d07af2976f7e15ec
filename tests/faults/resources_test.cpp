/*
 * The file system has no room, or no inode, or no second page size: an error that says so, nothing left of the attempt,
 * and what was in the queue is still in it. Each test has a small file system of its own. What a process runs out of
 * (descriptors, address space, file size) is in tests/unit/limits_test.cpp, each system call that may fail in
 * system_calls_test.cpp.
 */
#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include "faults/file_systems.hpp"
#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

int open_result(const Directory &directory, const std::string &name, Config config, cq_queue **queue)
{
    const Config there = directory.in(config);
    return cq_open(name.c_str(), &there, queue);
}

TEST(Fault21, a_queue_that_cannot_grow_says_so_and_loses_nothing)
{
    on_tmpfs("size=1m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(100000, 200)), Shape(4), "full");
        Handle reader = queue.attach(CQ_READ_ONLY);
        std::vector<std::string> accepted;
        int result = CQ_OK;
        for (int i = 0; i < 100000; ++i) {
            std::string text = bytes(static_cast<uint64_t>(i), 200);
            if ((result = queue.enqueue(text)) != CQ_OK)
                break;
            accepted.push_back(std::move(text));
        }
        if (result != CQ_ENOSPACE || accepted.size() < 1000)
            complaints.add("%zu accepted, then %d", accepted.size(), result);
        Message message;
        size_t done = 0;
        cq_slice slice{const_cast<char *>("x"), 1};
        const int others[] = {cq_enqueue_wait(queue, "x", 1, to_ns(a_while)), cq_reserve(queue, 1, &message),
                              cq_enqueue_batch(queue, &slice, 1, &done)};
        for (const int other : others)
            if (other != CQ_ENOSPACE)
                complaints.add("%d from another way to enqueue", other);
        /* Whoever looks must not touch what has no memory either. */
        if (queue.walk() != accepted || reader.walk() != accepted || reader.stat().length != accepted.size() ||
            queue.recover().participants != 0)
            complaints.add("looking shows something else");
        if (queue.attach().drain() != accepted)
            complaints.add("something else came out than went in");
        /* The memory it has serves again. */
        for (const std::string &text : accepted)
            if ((result = queue.enqueue(text)) != CQ_OK)
                complaints.add("%d in the second round", result);
        if (queue.drain() != accepted)
            complaints.add("something else came out in the second round");
    });
}

TEST(Fault21, a_queue_grows_on_when_there_is_room_again)
{
    on_tmpfs("size=4m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(5000, 200)), Shape(4), "later");
        leave_room(directory, 65536);
        int result = CQ_OK;
        uint64_t count = 0;
        while ((result = queue.enqueue("x")) == CQ_OK)
            ++count;
        if (result != CQ_ENOSPACE)
            complaints.add("%d instead of no room", result);
        give_room(directory);
        count += queue.fill();
        if (count != 5000)
            complaints.add("%u messages instead of 5000", static_cast<unsigned>(count));
    });
}

/* An event loop that would enqueue sleeps while there is no memory, and goes on when there is. */
TEST(Fault21, the_descriptor_for_room_is_down_while_there_is_no_memory)
{
    on_tmpfs("size=2m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(100000, 4096)), Shape(1), "q");
        leave_room(directory, 40960);
        const auto readable = [](int fd, int limit) {
            pollfd wanted{fd, POLLIN, 0};
            return ::poll(&wanted, 1, limit) == 1;
        };
        int fd = -1;
        if (cq_room_fd(queue, &fd) != CQ_OK || !readable(fd, 60000))
            return complaints.add("no room to begin with");
        const std::string text(4096, 'x');
        int result;
        while ((result = queue.enqueue(text)) == CQ_OK)
            ;
        if (result != CQ_ENOSPACE)
            complaints.add("%d without memory", result);
        /* What the helper was about to do when the call came back, it has done after a moment. */
        if (!eventually([&] { return queue.enqueue(text) == CQ_ENOSPACE && !readable(fd, 250); }))
            complaints.add("readable, though there is no memory");
        ::unlink((std::string(directory.path()) + "/ballast").c_str());
        if (!readable(fd, 60000))
            complaints.add("unreadable, though there is memory again");
        if (queue.enqueue(text) != CQ_OK)
            complaints.add("readable, and no room");
    });
}

/* From no room at all to just enough, in pages: an error and not a byte gone, or a queue that works. */
TEST(Fault21, creating_without_room_leaves_not_a_byte)
{
    on_tmpfs("size=1m", [](const Directory &directory, const Complaints &complaints) {
        int refused = 0;
        bool made = false;
        for (uint64_t pages = 0; pages < 200 && !made; ++pages) {
            leave_room(directory, pages * 4096);
            const struct statvfs before = space(directory);
            cq_queue *queue = nullptr;
            const int result = open_result(directory, "new", Config(1000, 200), &queue);
            Handle handle(queue);
            if (result == CQ_OK) {
                /* What it was given is there, to the last byte: a store elsewhere would be the end. */
                uint64_t count = 0;
                while (handle.enqueue(std::string(200, 'x')) == CQ_OK)
                    ++count;
                made = count >= handle.stat().slots_per_node && handle.drain().size() == count;
            } else {
                const struct statvfs after = space(directory);
                ++refused;
                if (result != CQ_ENOSPACE || queue != nullptr)
                    complaints.add("%d with %u pages left", result, static_cast<unsigned>(pages));
                if (after.f_bfree != before.f_bfree || after.f_ffree != before.f_ffree)
                    complaints.add("pages or inodes gone after a failure with %u pages left", static_cast<unsigned>(pages));
                if (!entries(directory.path(), "cqueue").empty())
                    complaints.add("a file was left");
            }
            give_room(directory);
        }
        if (!made || refused < 5)
            complaints.add("made: %d, refused %d times", made, refused);
    });
}

TEST(Fault22, creating_without_an_inode_says_so)
{
    on_tmpfs("size=4m,nr_inodes=2", [](const Directory &directory, const Complaints &complaints) {
        Queue first(directory.in(Config(10, 64)), Shape(), "first");
        cq_queue *queue = nullptr;
        const int result = open_result(directory, "second", Config(10, 64), &queue);
        if (result != CQ_ENOSPACE || queue != nullptr)
            complaints.add("%d", result);
        first.must_enqueue("goes on");
        if (first.attach().dequeue() != "goes on")
            complaints.add("the first queue does not work any more");
    });
}

/* Who made the file had the right to; growing it asks for no more. */
TEST(Fault22, the_limit_on_file_sizes_does_not_kill_who_only_attaches)
{
    Queue queue(Config(1000, 4096), Shape(1));
    const End end = Child([&](Channel &) {
                        const rlimit limit{4096, 4096};
                        ::setrlimit(RLIMIT_FSIZE, &limit);
                        Handle handle = queue.attach();
                        return handle.fill(std::string(4096, 'x')) == 1000 ? 0 : 1;
                    }).join();
    EXPECT_EQ(end.signal, 0) << "25 is SIGXFSZ";
    EXPECT_EQ(end.code, 0);
}

/* The kernel is asked for a slot's memory once. */
TEST(SlotMemory, is_asked_for_when_a_message_first_reaches_there)
{
    Queue queue(Config(1, 1 << 20));
    const std::string text(1 << 20, 'l');
    const auto asked = [&](size_t size) {
        TracedChild traced([&] { return queue.attach(); },
                           [&](Handle &handle) { return cq_enqueue(handle, text.data(), size); },
                           [&](Handle &handle, int result, Channel &) { return result == CQ_OK && handle.dequeue() ? 0 : 1; });
        unsigned count = 0;
        traced.run([&](const TracedChild::Call &call) {
            count += call.number == SYS_madvise || call.number == SYS_fallocate;
            return 0;
        });
        EXPECT_EQ(traced.child().join().code, 0);
        return count;
    };
    unsigned first = 0;
    for (int i = 0; i < 4; ++i) /* nodes are used in turn */
        first += asked(text.size());
    EXPECT_GT(first, 0u);
    for (const size_t size : {text.size(), size_t{10}, size_t{500000}, text.size()})
        EXPECT_EQ(asked(size), 0u) << size;
}

/* Pages of 2 MiB of their own kind, of which the machine has set none aside. */
TEST(Fault29, a_file_system_of_huge_pages_is_refused_and_nothing_left_on_it)
{
    on_file_system("hugetlbfs", "", [](const Directory &directory, Complaints &complaints) {
        cq_queue *queue = nullptr;
        for (const uint32_t flags : {CQ_CREATE, CQ_ANY_FILESYSTEM}) {
            const int result = open_result(directory, "huge", Config(1000, 64, flags), &queue);
            if (result != CQ_EFILESYSTEM)
                complaints.add("%d (%s) with flags %u", result, cq_strerror(result), flags);
        }
        if (queue != nullptr || !entries(directory.path()).empty())
            complaints.add("something was left");
    });
}

} // namespace
