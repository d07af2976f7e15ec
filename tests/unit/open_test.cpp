/* cq_open: creating, attaching, refusing to. */
#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"

namespace cqtest {
namespace {

[[gnu::noinline]] void leave_dirt_on_the_stack()
{
    volatile unsigned char dirt[65536];
    for (volatile unsigned char &byte : dirt)
        byte = 0xa5;
}

/* Whoever may read the file sees nothing of its creator's memory: between the words of the header and of the first node, all
   is 0, whatever was on the creator's stack before. */
TEST(Open, a_new_region_has_nothing_between_its_words)
{
    leave_dirt_on_the_stack();
    Queue queue(Config(4, 16));
    std::ifstream file(queue.path(), std::ios::binary);
    const auto read = [&](uint64_t from, size_t size) {
        std::string bytes(size, '#');
        EXPECT_TRUE(file.seekg(static_cast<std::streamoff>(from)).read(bytes.data(), static_cast<std::streamsize>(size)));
        return bytes;
    };
    uint64_t nodes = 0;
    std::memcpy(&nodes, read(112, sizeof nodes).data(), sizeof nodes);

    const auto expect_zero = [&](uint64_t from, uint64_t to) {
        EXPECT_EQ(read(from, to - from), std::string(to - from, 0)) << "from " << from;
    };
    for (const auto &[from, to] : {std::pair<uint64_t, uint64_t>{144, 256}, {264, 384}, {400, 512}, {528, 640}, {644, 768}, {772, 896}, {936, 1024}, {1052, 1280}, {1296, 4096}})
        expect_zero(from, to);
    for (const size_t word : {0u, 128u, 256u})
        expect_zero(nodes + word + 8, nodes + word + 128);
}

TEST(Open, create_attaches_to_what_exists)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    const Handle again(queue.name(), Config(0, 0, CQ_CREATE));
    EXPECT_EQ(again.dequeue(), "x");
}

TEST(Open, exclusive_refuses_what_exists)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    EXPECT_EQ(open_result(queue.name(), Config(4, 16, CQ_EXCLUSIVE)), CQ_EEXIST);
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST(Open, attach_refuses_what_does_not_exist)
{
    const std::string name = unique_name();
    EXPECT_EQ(open_result(name, Config(4, 16, CQ_ATTACH)), CQ_ENOENT);
    EXPECT_EQ(open_result(name, Config(4, 16, CQ_READ_ONLY)), CQ_ENOENT);
    EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_ENOENT) << "nothing may have been created";
}

TEST(Open, attach_with_zeros_takes_what_the_region_has)
{
    Queue queue(Config(123, 45));
    const Stats stats = queue.attach().stat();
    EXPECT_EQ(stats.capacity, 123u);
    EXPECT_EQ(stats.max_message_size, 45u);
}

TEST(Open, attach_with_the_same_numbers_is_fine)
{
    Queue queue(Config(123, 45));
    for (const int bits : {0 | CQ_CREATE, 0 | CQ_ATTACH, 0 | CQ_READ_ONLY, CQ_ATTACH | CQ_READ_ONLY}) {
        const auto flags = static_cast<uint32_t>(bits);
        EXPECT_EQ(open_result(queue.name(), Config(123, 45, flags)), CQ_OK) << flags;
        EXPECT_EQ(open_result(queue.name(), Config(123, 0, flags)), CQ_OK) << flags;
        EXPECT_EQ(open_result(queue.name(), Config(0, 45, flags)), CQ_OK) << flags;
    }
}

TEST(Open, attach_with_other_numbers_is_a_mismatch)
{
    Queue queue(Config(123, 45));
    for (const uint32_t flags : {CQ_CREATE, CQ_ATTACH, CQ_READ_ONLY}) {
        EXPECT_EQ(open_result(queue.name(), Config(124, 45, flags)), CQ_EMISMATCH) << flags;
        EXPECT_EQ(open_result(queue.name(), Config(122, 0, flags)), CQ_EMISMATCH) << flags;
        EXPECT_EQ(open_result(queue.name(), Config(123, 44, flags)), CQ_EMISMATCH) << flags;
        EXPECT_EQ(open_result(queue.name(), Config(0, 46, flags)), CQ_EMISMATCH) << flags;
    }
    EXPECT_EQ(queue.stat().participants, 1u);
}

TEST(Open, the_file_is_private_unless_permissions_say_otherwise)
{
    /* Whatever the umask is: the permissions are asked for explicitly. */
    for (const mode_t mask : {0000u, 0022u, 0077u}) {
        for (const uint32_t permissions : {0u, 0600u, 0640u, 0644u, 0660u, 0664u}) {
            const mode_t before = ::umask(mask);
            Config config(4, 16);
            config.permissions = permissions;
            Queue queue(config);
            ::umask(before);
            struct stat file;
            ASSERT_EQ(::stat(queue.path().c_str(), &file), 0);
            EXPECT_EQ(file.st_mode & 07777, permissions == 0 ? 0600 : permissions)
                << std::oct << "umask " << mask << " permissions " << permissions;
            EXPECT_TRUE(S_ISREG(file.st_mode));
        }
    }
}

TEST(Open, a_region_that_its_owner_opened_to_a_group_is_trusted_by_its_owner)
{
    Config shared(4, 16);
    shared.permissions = 0660;
    Queue queue(shared);
    Config attach(0, 0, CQ_ATTACH);
    for (const uint32_t permissions : {0u, 0600u, 0640u, 0660u}) {
        attach.permissions = permissions;
        EXPECT_EQ(open_result(queue.name(), attach), CQ_OK) << std::oct << permissions;
    }
}

TEST(Open, a_region_that_everybody_may_write_is_never_trusted)
{
    Queue queue(Config(4, 16));
    ASSERT_EQ(::chmod(queue.path().c_str(), 0666), 0);
    Config attach(0, 0, CQ_ATTACH);
    for (const uint32_t permissions : {0u, 0600u, 0660u, 0664u}) {
        attach.permissions = permissions;
        EXPECT_EQ(open_result(queue.name(), attach), CQ_EOWNER) << std::oct << permissions;
    }
}

TEST(Open, what_is_not_a_regular_file_is_refused)
{
    const Directory directory;
    Queue real(directory.in(Config(4, 16)), Shape(), "real");
    ASSERT_EQ(::mkdir(directory.file("directory").c_str(), 0700), 0);
    ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
    ASSERT_EQ(::symlink("cqueue.real", directory.file("link").c_str()), 0);
    ASSERT_EQ(::symlink("nowhere", directory.file("dangling").c_str()), 0);
    for (const char *name : {"directory", "fifo", "link", "dangling"})
        for (const uint32_t flags : {CQ_CREATE, CQ_ATTACH, CQ_READ_ONLY})
            EXPECT_EQ(open_result(name, directory.in(Config(0, 0, flags))), CQ_EACCESS) << name << flags;
    for (const char *name : {"directory", "fifo", "link", "dangling"})
        EXPECT_EQ(open_result(name, directory.in(Config(0, 0, CQ_EXCLUSIVE))), CQ_EEXIST) << name;
}

TEST(Open, a_file_of_something_else_is_refused_and_left_alone)
{
    const Directory directory;
    for (const size_t size : {0u, 1u, 100u, 4096u, 100000u}) {
        const std::string path = directory.file("foreign");
        const std::string contents = bytes(size, size);
        const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
        ASSERT_GE(fd, 0);
        ASSERT_EQ(::write(fd, contents.data(), size), static_cast<ssize_t>(size));
        for (const uint32_t flags : {CQ_CREATE, CQ_ATTACH, CQ_READ_ONLY})
            EXPECT_EQ(open_result("foreign", directory.in(Config(0, 0, flags))), CQ_ECORRUPT) << size;
        std::string after(size + 1, '\0');
        EXPECT_EQ(::pread(fd, after.data(), size + 1, 0), static_cast<ssize_t>(size));
        after.resize(size);
        EXPECT_EQ(after, contents);
        ::close(fd);
    }
}

TEST(Open, all_creators_at_once_get_the_same_queue)
{
    for (int round = 0; round < 10; ++round) {
        const std::string name = unique_name();
        std::atomic<int> ready{0};
        std::vector<int> results(6, 1);
        std::vector<Handle> handles(6);
        std::vector<std::thread> threads;
        for (size_t i = 0; i < 6; ++i) {
            threads.emplace_back([&, i] {
                const Config config(4, 16);
                cq_queue *queue = nullptr;
                ready.fetch_add(1);
                while (ready.load() < 6)
                    std::this_thread::yield();
                results[i] = cq_open(name.c_str(), &config, &queue);
                handles[i] = Handle(queue);
            });
        }
        for (std::thread &thread : threads)
            thread.join();
        EXPECT_EQ(results, std::vector<int>(6, CQ_OK));
        if (::testing::Test::HasFailure())
            break;
        handles[0].must_enqueue("x");
        EXPECT_EQ(handles[5].dequeue(), "x");
        EXPECT_EQ(handles[3].stat().participants, 6u);
        EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_OK);
    }
}

TEST(Open, of_exclusive_creators_at_once_one_succeeds)
{
    for (int round = 0; round < 10; ++round) {
        const std::string name = unique_name();
        std::atomic<int> ready{0}, created{0}, refused{0};
        std::vector<std::thread> threads;
        for (size_t i = 0; i < 6; ++i) {
            threads.emplace_back([&] {
                const Config config(4, 16, CQ_EXCLUSIVE);
                cq_queue *queue = nullptr;
                ready.fetch_add(1);
                while (ready.load() < 6)
                    std::this_thread::yield();
                const int result = cq_open(name.c_str(), &config, &queue);
                created += result == CQ_OK;
                refused += result == CQ_EEXIST;
                cq_close(queue);
            });
        }
        for (std::thread &thread : threads)
            thread.join();
        EXPECT_EQ(created, 1);
        EXPECT_EQ(refused, 5);
        EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_OK);
    }
}

TEST(Open, and_close_leave_no_descriptor_behind)
{
    const auto descriptors = [] { return entries("/proc/self/fd").size(); };
    Queue queue(Config(4, 16));
    const size_t before = descriptors();
    for (int i = 0; i < 20; ++i) {
        queue.attach().dequeue();
        open_result(queue.name(), Config(5, 16));
        open_result(queue.name(), Config(4, 16, CQ_EXCLUSIVE));
        open_result(unique_name(), Config(4, 16, CQ_ATTACH));
    }
    EXPECT_EQ(descriptors(), before);
}

} // namespace
} // namespace cqtest
