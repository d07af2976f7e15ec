/*
 * Whom and what to trust: whose file it is, who may write it, what else may be found under its name, on which file system.
 */
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "faults/file_systems.hpp"
#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/user.hpp"

namespace {

using namespace cqtest;

Config with(Config config, uint32_t permissions)
{
    config.permissions = permissions;
    return config;
}

mode_t mode_of(const std::string &path)
{
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST(Fault23, what_the_system_refuses_is_access_refused)
{
    if (::geteuid() == 0) { /* whom the system refuses nothing */
        if (!may_become_nobody())
            GTEST_SKIP() << why_no_other_user;
        Queue queue(Config(10, 64));
        const End end = Child([&](Channel &) {
                            return !become_nobody() ||
                                   open_result(queue.name(), Config(0, 0, CQ_ATTACH)) != CQ_EACCESS ||
                                   open_result(queue.name(), Config(0, 0, CQ_READ_ONLY)) != CQ_EACCESS;
                        }).join();
        EXPECT_EQ(end.code, 0);
        return;
    }
    Queue queue(Config(10, 64));
    ASSERT_EQ(::chmod(queue.path().c_str(), 0), 0);
    EXPECT_EQ(open_result(queue.name(), Config(0, 0, CQ_ATTACH)), CQ_EACCESS);
}

TEST(Fault23, a_foreign_file_is_not_trusted_unless_asked)
{
    if (!may_become_nobody()) { /* nor give files away: one of root's that everybody may read */
        Directory directory;
        ASSERT_EQ(::symlink("/etc/passwd", directory.file("foreign").c_str()), 0);
        EXPECT_EQ(open_result("foreign", directory.in(Config(0, 0, CQ_READ_ONLY))), CQ_EACCESS);
        return;
    }
    Queue queue(with(Config(10, 64), 0660));
    ASSERT_EQ(::chown(queue.path().c_str(), nobody, 0), 0);
    EXPECT_EQ(open_result(queue.name(), Config(0, 0, CQ_ATTACH)), CQ_EOWNER);
    EXPECT_EQ(open_result(queue.name(), Config()), CQ_EOWNER);
    EXPECT_EQ(open_result(queue.name(), Config(0, 0, CQ_READ_ONLY)), CQ_EOWNER);
    EXPECT_EQ(open_result(queue.name(), with(Config(0, 0, CQ_ATTACH), 0640)), CQ_EOWNER);
    EXPECT_EQ(open_result(queue.name(), with(Config(0, 0, CQ_ATTACH), 0660)), CQ_OK);
    char text[500];
    const Config asked;
    cq_explain(CQ_EOWNER, queue.name().c_str(), &asked, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("belongs to user 65534 and group 0 with permissions 0660, this process is user 0"),
              std::string::npos)
        << text;
    EXPECT_NE(std::string(text).find("CQ_TRUST"), std::string::npos) << text;
}

/* As the sentence advises. */
TEST(Fault23, a_foreign_file_is_trusted_by_who_says_so)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can give files away";
    Queue queue(Config(10, 64));
    for (const mode_t mode : {0600u, 0660u, 0644u, 0664u}) {
        ASSERT_EQ(::chown(queue.path().c_str(), nobody, 0), 0);
        ASSERT_EQ(::chmod(queue.path().c_str(), mode), 0);
        for (const uint32_t flags : {uint32_t{CQ_CREATE}, uint32_t{CQ_ATTACH}, uint32_t{CQ_READ_ONLY}}) {
            EXPECT_EQ(open_result(queue.name(), Config(0, 0, flags)), CQ_EOWNER) << std::oct << mode;
            EXPECT_EQ(open_result(queue.name(), Config(0, 0, flags | CQ_TRUST)), CQ_OK) << std::oct << mode;
        }
    }
    ASSERT_EQ(::chmod(queue.path().c_str(), 0602), 0);
    EXPECT_EQ(open_result(queue.name(), Config(0, 0, CQ_ATTACH | CQ_TRUST)), CQ_EOWNER) << "anybody may write it";
}

/* Two users and a group: the owner says nothing again, a member says that he trusts, a stranger is told what is missing. */
TEST(Fault23, a_queue_of_a_group_is_used_by_its_members)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can be two users";
    constexpr gid_t group = 54321;
    Queue queue(with(Config(10, 64), 0660));
    ASSERT_EQ(::chown(queue.path().c_str(), nobody, group), 0);
    const auto as = [&](uid_t user, std::vector<gid_t> groups, const auto &body) {
        return Child([&](Channel &) {
                   return ::setgroups(groups.size(), groups.data()) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0 || body();
               }).join().code;
    };
    const Config plain(0, 0, CQ_ATTACH), trusting(0, 0, CQ_ATTACH | CQ_TRUST);
    EXPECT_EQ(as(nobody, {}, [&] { return open_result(queue.name(), plain) != CQ_OK; }), 0) << "its owner";
    EXPECT_EQ(as(1, {group}, [&] { return open_result(queue.name(), plain) != CQ_EOWNER; }), 0) << "a member";
    EXPECT_EQ(as(1, {group}, [&] { return open_result(queue.name(), trusting) != CQ_OK; }), 0) << "a member who trusts";
    EXPECT_EQ(as(1, {},
                 [&] {
                     char text[1000];
                     const int result = open_result(queue.name(), trusting);
                     cq_explain(result, queue.name().c_str(), &trusting, 0, text, sizeof text);
                     return result != CQ_EACCESS || std::string(text).find("not in group 54321") == std::string::npos;
                 }),
              0)
        << "a stranger";
}

TEST(Fault23, a_file_of_ones_own_is_as_open_to_its_group_as_one_made_it)
{
    Queue queue(Config(10, 64));
    for (const mode_t mode : {0660u, 0620u, 0664u}) {
        ASSERT_EQ(::chmod(queue.path().c_str(), mode), 0);
        for (const uint32_t permissions : {0u, 0640u, 0660u})
            EXPECT_EQ(open_result(queue.name(), with(Config(0, 0, CQ_ATTACH), permissions)), CQ_OK) << std::oct << mode;
    }
}

/* Somebody watches the directory as closely as can be while regions are made in it. */
TEST(Fault24, permissions_are_never_wider_than_asked_not_even_briefly)
{
    const mode_t before = ::umask(0); /* which is what would make the difference */
    Directory directory;
    ASSERT_EQ(::chmod(directory.path(), 0755), 0);
    Shared<std::atomic<bool>> done;
    Shared<std::atomic<int>> seen;
    const std::string path = directory.file("watched");
    Child watcher([&](Channel &) {
        while (!*done) {
            const mode_t mode = mode_of(path);
            if (mode != 0 && mode != 0600 && mode != 0640)
                return 1;
            *seen += mode != 0;
        }
        return 0;
    });
    const auto end = Clock::now() + patience;
    for (int i = 0; (i < 1000 || *seen < 100) && Clock::now() < end; ++i) {
        const uint32_t permissions = i % 2 ? 0640 : 0;
        ASSERT_EQ(open_result("watched", with(directory.in(Config(10, 64)), permissions)), CQ_OK);
        ASSERT_EQ(mode_of(path), i % 2 ? 0640u : 0600u);
        ASSERT_EQ(entries(directory.path()), std::vector<std::string>{"cqueue.watched"});
        ASSERT_EQ(::unlink(path.c_str()), 0);
    }
    *done = true;
    EXPECT_EQ(watcher.join().code, 0) << "wider than it should be";
    EXPECT_GE(*seen, 100);
    ::umask(before);
}

TEST(Fault25, a_file_that_everybody_may_write_is_never_trusted_nor_made)
{
    Queue queue(Config(10, 64));
    for (const mode_t mode : {0666u, 0602u, 0622u}) {
        ASSERT_EQ(::chmod(queue.path().c_str(), mode), 0);
        for (const uint32_t asked : {0u, 0600u, 0660u, 0664u})
            EXPECT_EQ(open_result(queue.name(), with(Config(0, 0, CQ_ATTACH), asked)), CQ_EOWNER) << std::oct << mode;
    }
    for (const uint32_t asked : {0666u, 0602u, 0777u, 0060u, 01600u, 0400u})
        EXPECT_EQ(open_result(unique_name(), with(Config(10, 64), asked)), CQ_EINVAL) << std::oct << asked;
}

TEST(Fault26, a_name_that_is_a_path_or_none_is_refused_before_anything_is_touched)
{
    Directory directory;
    const std::vector<std::string> bad{"", ".", "..", "/", "a/b", "../a", "/a", ".hidden", "-a", "_a", "a b", "a\n", "\xc3\xa4",
                                       "a\\b", "a*", std::string(201, 'a'), std::string(100000, 'a')};
    for (const std::string &name : bad) {
        EXPECT_EQ(open_result(name, directory.in(Config(10, 64))), CQ_ENAME) << name.substr(0, 20);
        EXPECT_EQ(open_result(name, Config(0, 0, CQ_READ_ONLY)), CQ_ENAME) << name.substr(0, 20);
        EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_ENAME) << name.substr(0, 20);
    }
    EXPECT_EQ(entries(directory.path()), std::vector<std::string>());
    EXPECT_EQ(open_result(std::string(200, 'a'), directory.in(Config(10, 64))), CQ_OK) << "the longest name";
}

/* What is planted is neither followed, nor opened for long, nor changed. */
TEST(Fault27, what_is_planted_under_the_name_is_refused)
{
    Directory directory;
    const std::string path = directory.file("planted");
    Queue target(directory.in(Config(10, 64)), Shape(), "target");
    const auto plant_and_open = [&](const char *what, bool planted) {
        ASSERT_TRUE(planted) << what;
        struct stat before {}, after {};
        ASSERT_EQ(::lstat(path.c_str(), &before), 0);
        for (const uint32_t flags : {CQ_CREATE, CQ_ATTACH, CQ_READ_ONLY})
            EXPECT_EQ(open_result("planted", directory.in(Config(0, 0, flags))), CQ_EACCESS) << what << flags;
        EXPECT_EQ(open_result("planted", directory.in(Config(10, 64, CQ_EXCLUSIVE))), CQ_EEXIST) << what;
        ASSERT_EQ(::lstat(path.c_str(), &after), 0) << what;
        EXPECT_EQ(after.st_ino, before.st_ino) << what;
        EXPECT_EQ(after.st_mode, before.st_mode) << what;
        std::filesystem::remove_all(path);
    };
    plant_and_open("link to a queue", ::symlink(target.path().c_str(), path.c_str()) == 0);
    plant_and_open("link to nothing", ::symlink("nothing", path.c_str()) == 0);
    plant_and_open("link to itself", ::symlink(path.c_str(), path.c_str()) == 0);
    plant_and_open("FIFO", ::mkfifo(path.c_str(), 0600) == 0);
    plant_and_open("directory", ::mkdir(path.c_str(), 0700) == 0);
    if (::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0) /* zeros without end; root may make them, if anybody */
        plant_and_open("device", true);
    EXPECT_EQ(entries(directory.path()), std::vector<std::string>{"cqueue.target"});
}

/* Also a hard link to a queue is that queue: it is the same file, and has the same owner. */
TEST(Fault27, a_second_name_of_a_queue_is_that_queue)
{
    Directory directory;
    Queue queue(directory.in(Config(10, 64)), Shape(), "one");
    ASSERT_EQ(::link(queue.path().c_str(), directory.file("two").c_str()), 0);
    Handle second("two", directory.in(Config(0, 0, CQ_ATTACH)));
    second.must_enqueue("hello");
    EXPECT_EQ(queue.dequeue(), "hello");
}

TEST(Fault28, an_overlay_is_refused_and_nothing_left_on_it)
{
    on_tmpfs("size=16m", [](const Directory &directory, Complaints &complaints) {
        const std::string merged = mount_overlay(directory.path());
        Config config(10, 64);
        config.directory = merged.c_str();
        if (const int plain = open_result("here", config); plain != CQ_EFILESYSTEM)
            complaints.add("%d instead of CQ_EFILESYSTEM", plain);
        /* Forced, it is tried; it works only where the kernel keeps locks with mappings. */
        config.flags = CQ_ANY_FILESYSTEM;
        const int forced = open_result("here", config);
        if (forced != CQ_OK && (forced != CQ_EFILESYSTEM || !entries(merged).empty()))
            complaints.add("forced: %d", forced);
    });
}

/* One that only knows message queues of another kind; of those there are none in an IPC namespace of its own. */
TEST(Fault28, a_file_system_without_nameless_files_is_refused)
{
    on_tmpfs("size=16m", [](const Directory &directory, Complaints &complaints) {
        own_namespace(CLONE_NEWIPC, "an IPC namespace");
        mount_at(directory.path(), "mqueue", "");
        const int result = open_result("here", directory.in(Config(10, 64)));
        if (result != CQ_EFILESYSTEM || !entries(directory.path()).empty())
            complaints.add("%d instead of CQ_EFILESYSTEM, or something was left", result);
        ::umount2(directory.path(), MNT_DETACH);
    });
}

/* The layout counts in 4 KiB wherever it is, and asks for no particular page. */
TEST(Fault29, the_layout_is_the_same_on_huge_pages)
{
    Shared<std::atomic<uint64_t>> sizes[2];
    for (const bool huge : {false, true})
        on_tmpfs(huge ? "size=64m,huge=always" : "size=64m,huge=never",
                 [&](const Directory &directory, Complaints &complaints) {
                     Queue queue(directory.in(Config(1000, 64)), Shape(), "pages");
                     *sizes[huge] = queue.stat().file_size;
                     if (queue.fill() != 1000 || queue.drain().size() != 1000)
                         complaints.add("it does not hold its capacity");
                 });
    if (testing::Test::IsSkipped())
        return;
    EXPECT_GT(sizes[0]->load(), 0u);
    EXPECT_EQ(sizes[0]->load(), sizes[1]->load());
}

} // namespace
