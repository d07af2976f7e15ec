/*
 * Durable queues on real disks: killed processes, power cuts, failing and full disks, bits that flip. A power cut is the
 * shutdown of the mounted file system (ext4, xfs), which forgets all that it has not written, or a copy of the device's
 * file while the file system is in use; then it is mounted again. tests/durable has the same on a simulated disk.
 */
#include <fstream>
#include <random>

#include <sys/ioctl.h>

#include "faults/disks.hpp"
#include "support/deadline.hpp"
#include "support/leftovers.hpp"

namespace {

using namespace cqtest;

constexpr uint64_t MiB = 1024 * 1024;
constexpr unsigned long shutdown_request = _IOR('X', 125, uint32_t); // FS_IOC_SHUTDOWN
constexpr uint32_t without_flushing_the_log = 2;

/* What the writer was told, where its death does not take it along. */
struct Told {
    std::atomic<uint64_t> synced, released; // numbers up to this one
};

std::string text(uint64_t number) { return std::to_string(number) + std::string(number * 7 % 90, 'm'); }

class DurableQueue {
public:
    /* The region in `memory`, the durable directory on the disk. */
    DurableQueue(const Directory &memory, std::string home) : memory_(memory), home_(std::move(home)) {}

    int open(cq_queue **queue, uint32_t flags = 0) const
    {
        Config config(2000, 100, CQ_DURABLE | flags);
        config.directory = memory_.path();
        config.durable_directory = home_.c_str();
        return cq_open("disk", &config, queue);
    }
    std::string explained(int result) const
    {
        Config config(0, 0, CQ_DURABLE | CQ_ATTACH);
        config.directory = memory_.path();
        config.durable_directory = home_.c_str();
        char said[600];
        cq_explain(result, "disk", &config, 0, said, sizeof said);
        return said;
    }
    /* As a reboot does. */
    void lose_region() const { ::unlink(memory_.file("disk").c_str()); }

    /* Numbers from `next` on, three to a sync, until it is killed; each time the oldest are released. */
    [[noreturn]] void write(Told &told, uint64_t next, const Complaints &complaints) const
    {
        cq_queue *queue;
        char buffer[100];
        size_t size;
        if (const int result = open(&queue); result != CQ_OK)
            complaints.add("the writer: %s", cq_strerror(result));
        for (;;) {
            for (int i = 0; i < 3; ++i, ++next)
                if (const std::string message = text(next); cq_enqueue(queue, message.data(), message.size()) != CQ_OK)
                    complaints.add("enqueue");
            uint64_t oldest = told.released;
            if (next % 2)
                for (int i = 0; i < 3 && cq_dequeue(queue, buffer, sizeof buffer, &size) == CQ_OK; ++i)
                    oldest = std::strtoull(buffer, nullptr, 10);
            if (cq_sync(queue, -1) != CQ_OK)
                ::pause(); // the disk has gone
            told.released = oldest;
            told.synced = next - 1;
        }
    }

    /* Everything synced is there, nothing released, each whole, in order. The number behind the last. */
    uint64_t check(const Told &told, const Complaints &complaints, bool may_have_gone_on = true) const
    {
        cq_queue *queue;
        if (const int result = open(&queue, CQ_ATTACH); result != CQ_OK) {
            complaints.add("after it: %s", cq_strerror(result));
            return 0;
        }
        uint64_t expected = 0, last = 0;
        Message message;
        int count = 0;
        for (; cq_take(queue, &message) == CQ_OK; ++count) {
            const uint64_t number = std::strtoull(message.text().c_str(), nullptr, 10);
            if (message.text() != text(number))
                complaints.add("other bytes: %s", message.text().c_str());
            if (message.deliveries < 2)
                complaints.add("%lu is not marked", number);
            if (count == 0 ? number <= told.released || number > told.released + 4 : number != expected)
                complaints.add("%lu in place %d, %lu expected; released up to %lu", number, count, expected,
                               told.released.load());
            expected = (last = number) + 1;
            cq_release(queue, &message);
        }
        if (last < told.synced || (!may_have_gone_on && last != told.synced))
            complaints.add("%lu is the last, %lu was synced", last, told.synced.load());
        cq_sync(queue, -1);
        cq_close(queue);
        return last + 1;
    }

private:
    const Directory &memory_;
    const std::string home_;
};

/* A writer that has been told some things is killed, in the middle of whatever it does. */
void write_and_kill(const DurableQueue &queue, Told &told, uint64_t next, const Complaints &complaints)
{
    Child writer([&](Channel &) { queue.write(told, next, complaints); });
    const uint64_t enough = told.synced + 20 + next % 13;
    if (!eventually([&] { return told.synced >= enough; }))
        complaints.add("nothing is synced");
    writer.kill();
}

TEST(Fault44, a_process_killed_while_it_syncs_takes_nothing_along)
{
    const Directory memory, disk("/var/tmp");
    const DurableQueue queue(memory, disk.path() + std::string("/home"));
    const Complaints complaints;
    Shared<Told> told;
    uint64_t next = 1;

    for (int round = 0; round < 10; ++round) {
        write_and_kill(queue, *told, next, complaints);
        queue.lose_region();
        next = queue.check(*told, complaints);
        queue.lose_region();
        told->released = told->synced = next - 1;
        ASSERT_EQ(complaints.text(), std::string()) << "in round " << round;
    }
}

class Fault45 : public ::testing::TestWithParam<const char *> {};
class Fault46 : public ::testing::TestWithParam<const char *> {};
class Fault47 : public ::testing::TestWithParam<const char *> {};

uint64_t mebibytes(const std::string &kind) { return kind == "ext4" ? 64 : kind == "xfs" ? 320 : 256; }

/* The power goes: false if this file system cannot be shut down. */
bool shut_down(const Directory &mounted)
{
    uint32_t how = without_flushing_the_log;
    const int fd = ::open(mounted.path(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = ::ioctl(fd, shutdown_request, &how) == 0;
    ::close(fd);
    return done;
}

/* The loop device of before may go a little later than its mount. */
bool mount_again(const Directory &mounted, const std::string &image)
{
    return eventually([&] { return run("mount -o loop " + image + " " + mounted.path()); }, seconds(10));
}

/* body(mount point, image file) with a mounted disk of this kind, which may be unmounted and mounted again meanwhile. */
template <class Body>
void with_disk(const std::string &kind, Body body)
{
    const Directory images("/var/tmp");
    const std::string image = images.file("disk");
    if (!run("truncate -s " + std::to_string(mebibytes(kind)) + "M " + image) || !run("mkfs." + kind + " -q " + image))
        GTEST_SKIP() << "there is no mkfs." << kind << " here";
    const Complaints complaints;
    const End end = Child([&](Channel &) {
                        return with_own_mounts([&] {
                            const Directory mounted;
                            if (!run("mount -o loop " + image + " " + mounted.path()))
                                return not_allowed;
                            body(mounted, image, complaints);
                            ::umount2(mounted.path(), MNT_DETACH);
                            return 0;
                        });
                    }).join();
    if (end.code == not_allowed)
        GTEST_SKIP() << "no loop device, or no " << kind << ": " << why_skipped;
    EXPECT_EQ(complaints.text(), "") << "on " << kind;
    EXPECT_EQ(end.signal, 0);
    EXPECT_EQ(end.code, 0);
}

TEST_P(Fault45, a_power_cut_leaves_what_was_synced)
{
    with_disk(GetParam(), [](const Directory &mounted, const std::string &image, const Complaints &complaints) {
        const Directory memory;
        const DurableQueue queue(memory, mounted.path() + std::string("/home"));
        Shared<Told> told;
        uint64_t next = 1;

        for (int round = 0; round < 4; ++round) {
            write_and_kill(queue, *told, next, complaints);
            const bool shut = shut_down(mounted);
            if (!shut && !run("cp --sparse=always " + image + " " + image + ".cut"))
                complaints.add("the image cannot be copied");
            if (!run(std::string("umount ") + mounted.path()))
                complaints.add("it cannot be unmounted");
            if (!shut)
                run("mv " + image + ".cut " + image);
            if (!mount_again(mounted, image))
                complaints.add("it cannot be mounted again");
            queue.lose_region();
            next = queue.check(*told, complaints);
            queue.lose_region();
            told->released = told->synced = next - 1;
        }
    });
}

TEST_P(Fault46, a_disk_that_fails_is_told_and_what_was_synced_stays)
{
    with_disk(GetParam(), [](const Directory &mounted, const std::string &image, const Complaints &complaints) {
        const Directory memory;
        const DurableQueue queue(memory, mounted.path() + std::string("/home"));
        Shared<Told> told;
        const size_t descriptors = entries("/proc/self/fd").size();
        [&] {
            cq_queue *handle;
            if (queue.open(&handle) != CQ_OK)
                return complaints.add("it cannot be opened");
            const auto send = [&](uint64_t number) {
                return cq_enqueue(handle, text(number).data(), text(number).size());
            };
            for (uint64_t number = 1; number <= 10; ++number)
                send(number);
            if (cq_sync(handle, -1) != CQ_OK)
                complaints.add("it cannot be synced");
            told->synced = 10;
            if (!shut_down(mounted)) // all writes and flushes fail from now on; what a shutdown is not, is a full disk
                return cq_close(handle), void();
            for (int again = 0; again < 3; ++again) {
                if (send(11) != CQ_OK)
                    complaints.add("memory takes no more");
                if (const int result = cq_sync(handle, -1); result != CQ_EIO)
                    complaints.add("a sync without a disk: %s", cq_strerror(result));
            }
            Message message;
            for (uint64_t number = 1; number <= 13; ++number) {
                if (cq_take(handle, &message) != CQ_OK || message.text() != text(number <= 10 ? number : 11))
                    complaints.add("%lu does not come out of memory", number);
                cq_return(handle, &message);
                if (cq_take(handle, &message) == CQ_OK)
                    cq_release(handle, &message);
            }
            cq_close(handle);
        }();
        // xfs tells of no descriptor whose it is then; and while one is open, it cannot be unmounted.
        if (entries("/proc/self/fd").size() != descriptors)
            complaints.add("descriptors are left open");
        queue.lose_region();
        if (!run(std::string("umount ") + mounted.path()) || !mount_again(mounted, image))
            complaints.add("it cannot be mounted again");
        queue.check(*told, complaints, false);
        queue.lose_region();
    });
}

TEST_P(Fault47, a_full_disk_is_told_and_what_was_synced_stays)
{
    with_disk(GetParam(), [](const Directory &mounted, const std::string &image, const Complaints &complaints) {
        const Directory memory;
        const DurableQueue queue(memory, mounted.path() + std::string("/home"));
        Shared<Told> told;
        cq_queue *handle;
        if (queue.open(&handle) != CQ_OK)
            return complaints.add("it cannot be opened");
        uint64_t number = 0;
        const auto send = [&] {
            ++number;
            return cq_enqueue(handle, text(number).data(), text(number).size()) == CQ_OK;
        };
        const std::string ballast = mounted.file("ballast");
        int result = CQ_OK;
        for (int i = 0; i < 10; ++i)
            send();
        if (cq_sync(handle, -1) != CQ_OK)
            complaints.add("it cannot be synced");
        told->synced = number;
        run("dd if=/dev/zero bs=64K of=" + ballast + " 2>/dev/null; dd if=/dev/zero bs=512 of=" + ballast + ".2 2>/dev/null; sync -f " +
            mounted.path());
        while (result == CQ_OK && number < 1900 && send())
            if ((result = cq_sync(handle, -1)) == CQ_OK)
                told->synced = number;
        if (result != CQ_ENOSPACE && result != CQ_OK) // as much as was filled ahead may have sufficed
            complaints.add("on a full disk: %s", cq_strerror(result));
        if (const std::string said = queue.explained(result); result == CQ_ENOSPACE && said.find(mounted.path()) == said.npos)
            complaints.add("a full disk is explained as: %s", said.c_str());
        ::unlink(ballast.c_str());
        ::unlink((ballast + ".2").c_str());
        run(std::string("sync -f ") + mounted.path());
        if (send(); cq_sync(handle, -1) != CQ_OK)
            complaints.add("there is room again, and it cannot be synced");
        told->synced = number;
        cq_close(handle);
        queue.lose_region();
        if (!run(std::string("mount -o remount,ro ") + mounted.path()))
            complaints.add("it cannot be made read-only");
        if (result = queue.open(&handle, CQ_ATTACH); result == CQ_OK || result == CQ_ENOENT || result == CQ_ECORRUPT)
            complaints.add("on a disk that is read-only: %s", cq_strerror(result));
        if (const std::string said = queue.explained(result); said.find("read-only") == said.npos)
            complaints.add("a disk that is read-only is explained as: %s", said.c_str());
        run(std::string("mount -o remount,rw ") + mounted.path());
        queue.check(*told, complaints, false);
        queue.lose_region();
        (void)image;
    });
}

INSTANTIATE_TEST_SUITE_P(Kinds, Fault45, ::testing::Values("ext4", "xfs", "btrfs"));
INSTANTIATE_TEST_SUITE_P(Kinds, Fault46, ::testing::Values("ext4", "xfs"));
INSTANTIATE_TEST_SUITE_P(Kinds, Fault47, ::testing::Values("ext4", "xfs"));

} // namespace
