/*
 * A disk fills up while a queue grows, or before it is drained: an error that says so and never a SIGBUS, whatever pages
 * the page cache has, and all that is queued comes out. Each test has a disk of its own, a file of this machine's.
 */
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "faults/disks.hpp"
#include "support/leftovers.hpp"

namespace {

using namespace cqtest;

constexpr uint64_t MiB = 1024 * 1024;

const char *const kinds[] = {"ext4", "xfs", "btrfs"};
uint64_t size_of(const std::string &kind) { return kind == "ext4" ? 64 : kind == "xfs" ? 320 : 256; }

/* Leaves about so much room, or not a byte: some file systems keep a part of what they call free to themselves. */
void occupy(const Directory &directory, uint64_t leave)
{
    const int fd = ::open(directory.file("others").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    off_t at = 0;
    while (space(directory).f_bavail * space(directory).f_frsize > leave + MiB &&
           ::fallocate(fd, 0, at, static_cast<off_t>(MiB)) == 0)
        at += static_cast<off_t>(MiB);
    if (space(directory).f_bavail * space(directory).f_frsize < leave) /* btrfs thought that it had more */
        ::ftruncate(fd, at > static_cast<off_t>(leave) ? at - static_cast<off_t>(leave) : 0);
    ::close(fd);
    if (leave == 0)
        run("dd if=/dev/zero bs=64K of=" + directory.file("rest"));
}

class FullDisk : public testing::TestWithParam<const char *> {};
INSTANTIATE_TEST_SUITE_P(, FullDisk, testing::ValuesIn(kinds), [](const auto &info) { return std::string(info.param); });

/* Accepts until there is no room, with a reader of the file in between if `read`; how many. */
uint64_t fill(const Queue &queue, size_t size, bool read, const Complaints &complaints)
{
    const std::string text(size, 'f');
    uint64_t accepted = 0;
    int result;
    for (; (result = queue.enqueue(text)) == CQ_OK; ++accepted)
        if (read && accepted % 500 == 0)
            run("cat " + queue.path());
    if (result != CQ_ENOSPACE)
        complaints.add("%d at the end", result);
    return accepted;
}

void drain(const Queue &queue, uint64_t accepted, const Complaints &complaints)
{
    uint64_t drained = 0;
    while (queue.dequeue())
        ++drained;
    if (drained != accepted)
        complaints.add("%lu of %lu came out", drained, accepted);
}

TEST_P(FullDisk, is_an_error_and_what_is_queued_comes_out)
{
    for (const bool read : {false, true}) {
        if (read && GetParam() == std::string("btrfs"))
            continue; /* it takes long, as below */
        on_disk(GetParam(), size_of(GetParam()), [&](const Directory &directory, const Complaints &complaints) {
            occupy(directory, 12 * MiB);
            for (const size_t size : {read ? size_t{3900} : size_t{70000}}) {
                Queue queue(directory.in(Config(10000, size)), Shape(), "full");
                const uint64_t accepted = fill(queue, size, read, complaints);
                if (accepted < 4 * MiB / size)
                    complaints.add("only %lu of %zu bytes", accepted, size);
                if (queue.attach(CQ_READ_ONLY).stat().length != accepted)
                    complaints.add("the length is another");
                drain(queue, accepted, complaints);
                const uint64_t again = fill(queue, size, false, complaints);
                if (again == 0)
                    complaints.add("then %lu", again);
                drain(queue, again, complaints);
            }
        });
    }
}

TEST_P(FullDisk, that_others_fill_up_lets_everything_out)
{
    on_disk(GetParam(), size_of(GetParam()), [&](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(5000, 1000)), Shape(), "others");
        Handle producer = queue.attach();
        for (int i = 0; i < 3000; ++i)
            producer.must_enqueue(std::string(1000, 'o'));
        run("cat " + queue.path());
        run("sync " + queue.path());
        occupy(directory, 0);
        drain(queue, 3000, complaints);
        if (cq_trim(queue, nullptr) != CQ_OK)
            complaints.add("it cannot be trimmed");
        /* Blocks that were given back are somebody else's now. */
        run("dd if=/dev/zero bs=64K of=" + directory.file("more"));
        const int result = producer.enqueue("x");
        if (result != CQ_OK && result != CQ_ENOSPACE)
            complaints.add("%d after it", result);
    });
}

TEST_P(FullDisk, hurts_no_queue_that_reserved_its_blocks)
{
    on_disk(GetParam(), size_of(GetParam()), [&](const Directory &directory, const Complaints &complaints) {
        Config config(4000, 1000);
        config.reserve = 8 * MiB;
        Queue queue(directory.in(config), Shape(), "reserved");
        run("cat " + queue.path());
        occupy(directory, 0);
        /* A full btrfs thinks for a second about each page that is stored to for the first time. */
        const bool slow = GetParam() == std::string("btrfs");
        const uint64_t count = slow ? 3 : 4000;
        for (int round = 0; round < (slow ? 1 : 3); ++round) {
            for (uint64_t i = 0; i < count; ++i)
                if (queue.enqueue(std::string(1000, 'r')) != CQ_OK)
                    complaints.add("no room for %lu", i);
            drain(queue, count, complaints);
        }
    });
}

/* A queue of 3000 messages, and a copy of its file that shares the blocks; how to open either. */
Config copy_queue(const Directory &directory, const Complaints &complaints)
{
    Config config = directory.in(Config(5000, 1000));
    Handle original("original", config);
    for (int i = 0; i < 3000; ++i)
        original.must_enqueue(std::string(1000, 's'));
    if (!run("cp --reflink=always " + directory.file("original") + " " + directory.file("copy")))
        complaints.add("no copy was made");
    config.flags = CQ_ATTACH;
    return config;
}

/* A copy that shares its blocks, and its original, on a disk that is full: a store needs a block that is not there. */
TEST(SharedBlocks, are_refused_where_there_is_no_room_for_others)
{
    on_disk("xfs", 320, [&](const Directory &directory, const Complaints &complaints) {
        Config config = copy_queue(directory, complaints);
        occupy(directory, 0);
        for (const char *name : {"original", "copy"}) {
            cq_queue *queue = nullptr;
            const int result = cq_open(name, &config, &queue);
            char text[500];
            cq_explain(result, name, &config, 0, text, sizeof text);
            if (result != CQ_ENOSPACE || !std::strstr(text, "shares blocks with a copy"))
                complaints.add("%s: %d, %s", name, result, text);
            cq_close(queue);
        }
    });
}

TEST(SharedBlocks, are_no_longer_shared_once_the_queue_is_opened)
{
    on_disk("xfs", 320, [&](const Directory &directory, const Complaints &complaints) {
        Config config = copy_queue(directory, complaints);
        Handle original("original", config), copy("copy", config);
        occupy(directory, 0);
        for (const Handle *queue : {&original, &copy}) {
            uint64_t drained = 0;
            for (; queue->dequeue(); ++drained)
                if (const int result = queue->enqueue("x"); result != CQ_OK && result != CQ_ENOSPACE)
                    complaints.add("%d", result);
                else if (drained == 2000)
                    break;
            if (drained < 2000)
                complaints.add("%lu came out", drained);
        }
    });
}

TEST(CopyingDisk, is_told_to_write_in_place)
{
    on_disk("btrfs", 256, [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(1000, 100)), Shape(), "in_place");
        if (!run("lsattr " + queue.path() + " | cut -d' ' -f1 | grep -q C"))
            complaints.add("its blocks are copied");
    });
}

/* What a container has if nobody said otherwise. */
TEST(SmallMemory, of_64_mib_that_nothing_may_run_from_is_used_to_its_end)
{
    const auto use = [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config()), Shape(), "small"); /* 65536 messages of 4096 bytes: 4 times as much */
        const uint64_t accepted = fill(queue, 4096, false, complaints);
        if (accepted * 4096 < 56 * MiB)
            complaints.add("only %lu messages", accepted);
        if (queue.attach(CQ_READ_ONLY).stat().length != accepted)
            complaints.add("the length is another");
        drain(queue, accepted, complaints);
        cq_trim(queue, nullptr);
        if (queue.stat().memory > MiB)
            complaints.add("%lu bytes are kept", queue.stat().memory);
        drain(queue, fill(queue, 4096, false, complaints), complaints);
    };
    on_file_system("tmpfs", "size=64m", use, MS_NOEXEC | MS_NOSUID | MS_NODEV);
}

/* Each slot of a batch gets memory for its own message, whichever of a node's slots is the first to get none. */
TEST(FullMemory, ends_a_batch_of_large_messages_where_it_ends)
{
    for (const char *size : {"size=4000k", "size=4100k", "size=4200k", "size=4300k"})
        on_tmpfs(size, [](const Directory &directory, const Complaints &complaints) {
            Queue queue(directory.in(Config(100, 100000)), Shape(4), "batch");
            std::string text(90000, 'b');
            std::vector<cq_slice> slices;
            for (size_t i = 0; i < 100; ++i)
                slices.push_back({text.data(), i == 0 ? 1 : text.size()});
            size_t done = 0;
            const int result = cq_enqueue_batch(queue, slices.data(), slices.size(), &done);
            if (result != CQ_ENOSPACE || done < 20)
                complaints.add("%d after %zu", result, done);
            drain(queue, done, complaints);
        });
}

/* What was given back is somebody else's by now: who needs it again is told. */
TEST(FullMemory, is_an_error_where_it_was_given_back)
{
    for (const size_t size : {size_t{100}, size_t{4096}, size_t{60000}})
        on_tmpfs("size=16m", [size](const Directory &directory, const Complaints &complaints) {
            Queue queue(directory.in(Config(12 * MiB / size, size)), Shape(), "given");
            const uint64_t accepted = queue.fill(std::string(size, 'g'));
            drain(queue, accepted, complaints);
            if (cq_trim(queue, nullptr) != CQ_OK || queue.stat().memory > MiB)
                complaints.add("%lu bytes are left", queue.stat().memory);
            leave_room(directory, 2 * MiB);
            const uint64_t again = fill(queue, size, false, complaints);
            if (again == 0 || again > 4 * MiB / size)
                complaints.add("%lu of %zu bytes in 2 MiB", again, size);
            drain(queue, again, complaints);
        });
}

TEST(FullMemory, after_trimming_is_an_error_for_those_who_remember_a_node)
{
    on_tmpfs("size=16m", [](const Directory &directory, const Complaints &complaints) {
        Queue queue(directory.in(Config(100000, 100)), Shape(), "trimmed");
        Handle idle = queue.attach(), consumer = queue.attach();
        idle.must_enqueue("first");
        for (int i = 0; i < 50000; ++i)
            queue.must_enqueue("x");
        idle.must_enqueue("x");
        for (int i = 0; i < 20000; ++i)
            queue.must_enqueue("x");
        while (queue.dequeue())
            ;
        consumer.dequeue();
        for (int i = 0; i < 30000; ++i)
            queue.must_enqueue("x");
        while (queue.dequeue())
            ;
        cq_trim(queue, nullptr);
        leave_room(directory, 0);
        /* The nodes that these two used last are named, and have their memory. */
        if (consumer.dequeue())
            complaints.add("a message");
        const int result = idle.enqueue("late");
        if (result != CQ_OK && result != CQ_ENOSPACE)
            complaints.add("%d", result);
    });
}

} // namespace
