/* Names of queues: what is allowed, what is not, and that nothing else is ever touched. */
#include <gtest/gtest.h>

#include "support/leftovers.hpp"

namespace cqtest {
namespace {

int open_and_close(const Directory &directory, const std::string &name, uint32_t flags = CQ_CREATE)
{
    return open_result(name, directory.in(Config(4, 16, flags)));
}

int unlink(const Directory &directory, const std::string &name)
{
    const Config config = directory.in(Config());
    return cq_unlink(name.c_str(), &config);
}

TEST(Names, of_one_to_200_characters_are_allowed)
{
    const Directory directory;
    for (const std::string &name : {std::string("a"), std::string("Z"), std::string("0"), std::string("a.b-c_d"),
                                    std::string("9..--__"), std::string("x."), std::string(200, 'n')}) {
        EXPECT_EQ(open_and_close(directory, name), CQ_OK) << name;
        EXPECT_EQ(entries(directory.path()), std::vector<std::string>{"cqueue." + name});
        EXPECT_EQ(unlink(directory, name), CQ_OK) << name;
        EXPECT_EQ(entries(directory.path()), std::vector<std::string>());
    }
}

TEST(Names, every_character_that_is_not_allowed_is_refused_everywhere)
{
    const Directory directory;
    const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (int code = 1; code < 256; ++code) {
        const char c = static_cast<char>(code);
        const bool good = allowed.find(c) != std::string::npos;
        const std::string name = std::string("a") + c + "b";
        EXPECT_EQ(open_and_close(directory, name), good ? CQ_OK : CQ_ENAME) << code;
        EXPECT_EQ(unlink(directory, name), good ? CQ_OK : CQ_ENAME) << code;
    }
    EXPECT_EQ(entries(directory.path()), std::vector<std::string>());
}

TEST(Names, must_begin_with_a_letter_or_digit)
{
    const Directory directory;
    for (const char *name : {".", "..", ".a", "-a", "_a", "-", "_", "/", "/a", "../a", "a/../b", "a/b", ""}) {
        EXPECT_EQ(open_and_close(directory, name), CQ_ENAME) << name;
        EXPECT_EQ(unlink(directory, name), CQ_ENAME) << name;
    }
    EXPECT_EQ(entries(directory.path()), std::vector<std::string>());
}

TEST(Names, of_more_than_200_characters_are_refused)
{
    const Directory directory;
    for (const size_t length : {201u, 255u, 256u, 5000u}) {
        EXPECT_EQ(open_and_close(directory, std::string(length, 'n')), CQ_ENAME) << length;
        EXPECT_EQ(unlink(directory, std::string(length, 'n')), CQ_ENAME) << length;
    }
}

TEST(Names, no_name_at_all)
{
    cq_queue *queue = nullptr;
    const int result = cq_open(nullptr, nullptr, &queue);
    EXPECT_TRUE(result == CQ_EINVAL || result == CQ_ENAME) << result;
    EXPECT_EQ(queue, nullptr);
    EXPECT_EQ(cq_unlink(nullptr, nullptr), result);
}

TEST(Names, that_differ_only_in_case_are_different)
{
    const Directory directory;
    Queue lower(directory.in(Config(4, 16)), Shape(), "name");
    Queue upper(directory.in(Config(4, 16)), Shape(), "NAME");
    lower.must_enqueue("x");
    EXPECT_EQ(upper.dequeue(), std::nullopt);
    EXPECT_EQ(lower.dequeue(), "x");
}

TEST(Names, the_same_in_different_directories_are_different_queues)
{
    const Directory one, two;
    Queue first(one.in(Config(4, 16)), Shape(), "name");
    Queue second(two.in(Config(4, 16)), Shape(), "name");
    first.must_enqueue("x");
    EXPECT_EQ(second.dequeue(), std::nullopt);
    EXPECT_EQ(first.dequeue(), "x");
}

TEST(Names, default_directory_is_the_shared_memory)
{
    Queue queue(Config(4, 16));
    EXPECT_EQ(entries("/dev/shm", "cqueue." + queue.name()).size(), 1u);
}

TEST(Names, a_directory_that_does_not_exist)
{
    const Directory directory;
    Config config(4, 16);
    const std::string missing = directory.path() + std::string("/missing");
    config.directory = missing.c_str();
    cq_queue *queue = nullptr;
    for (const uint32_t flags : {CQ_CREATE, CQ_EXCLUSIVE, CQ_ATTACH, CQ_READ_ONLY}) {
        config.flags = flags;
        EXPECT_EQ(cq_open("name", &config, &queue), CQ_ENOENT) << flags;
    }
    EXPECT_EQ(cq_unlink("name", &config), CQ_ENOENT);
}

TEST(Names, a_directory_that_is_a_file)
{
    const Directory directory;
    Queue file(directory.in(Config(4, 16)), Shape(), "file");
    const std::string path = file.path();
    Config config(4, 16);
    config.directory = path.c_str();
    cq_queue *queue = nullptr;
    EXPECT_EQ(cq_open("name", &config, &queue), CQ_ENOENT);
    EXPECT_EQ(cq_unlink("name", &config), CQ_ENOENT);
}

TEST(Names, a_directory_may_end_in_a_slash_and_be_very_long)
{
    Directory directory;
    std::string path = directory.path();
    for (int i = 0; i < 12; ++i)
        path += "/" + std::string(200, 'd');
    std::filesystem::create_directories(path);
    path += "/";
    Config config(4, 16);
    config.directory = path.c_str();
    const std::string name(200, 'n');
    cq_queue *opened = nullptr;
    ASSERT_EQ(cq_open(name.c_str(), &config, &opened), CQ_OK);
    const Handle handle(opened);
    handle.must_enqueue("x");
    EXPECT_EQ(cq_unlink(name.c_str(), &config), CQ_OK);
    EXPECT_EQ(handle.dequeue(), "x");
}

} // namespace
} // namespace cqtest
