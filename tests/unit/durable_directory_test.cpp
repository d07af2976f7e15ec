/* The directory of a durable queue: it serves one region, and what is wrong with it is told. */
#include <sys/stat.h>

#include "unit/durable.hpp"

namespace cqtest {
namespace {

TEST_F(Durable, two_regions_never_serve_one_directory)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    cq_queue *other = nullptr;
    const cq_config how = config();
    EXPECT_EQ(cq_open((name_ + ".other").c_str(), &how, &other), CQ_EBUSY);
    EXPECT_EQ(other, nullptr);
    EXPECT_EQ(drain(), numbered(0, 5));
}

TEST_F(Durable, a_region_removed_under_living_users_is_told_to_the_next)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    ASSERT_EQ(cq_unlink(name_.c_str(), nullptr), CQ_OK);
    cq_queue *other = nullptr;
    EXPECT_EQ(try_open(&other), CQ_EBUSY);
    EXPECT_EQ(put("still works"), CQ_OK);
    EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
    close();
    open();
    EXPECT_EQ(drain().size(), 6u);
}

/* The region of a killed process; another was made from the directory since, elsewhere, as in a container. */
TEST_F(Durable, a_region_that_the_directory_has_left_is_refused)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    close();
    const std::string path = "/dev/shm/cqueue." + name_, aside = path + ".aside";
    std::filesystem::rename(path, aside);
    open();
    close();
    std::filesystem::rename(aside, path);
    cq_queue *other = nullptr;
    EXPECT_EQ(try_open(&other), CQ_EBUSY);
}

TEST_F(Durable, a_region_of_before_a_reboot_counts_as_none)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    ASSERT_EQ(put("not synced"), CQ_OK);
    close();
    faults->boot = 1;
    cq_config plain{};
    plain.struct_size = sizeof plain;
    plain.flags = CQ_ATTACH;
    cq_queue *other = nullptr;
    EXPECT_EQ(cq_open(name_.c_str(), &plain, &other), CQ_ENOENT);
    open(CQ_ATTACH);
    EXPECT_EQ(drain(), numbered(0, 5));
}

TEST_F(Durable, flags_mean_for_a_directory_what_they_mean_for_a_region)
{
    cq_queue *other = nullptr;
    EXPECT_EQ(try_open(&other, CQ_ATTACH), CQ_ENOENT);
    EXPECT_FALSE(std::filesystem::exists(home_));
    open();
    reboot();
    EXPECT_EQ(try_open(&other, CQ_EXCLUSIVE), CQ_EEXIST);
    capacity_ = 7;
    EXPECT_EQ(try_open(&other), CQ_EMISMATCH);
    capacity_ = 0;
    open(CQ_ATTACH);
    EXPECT_EQ(stat().capacity, 1000u);
}

TEST_F(Durable, who_attaches_need_not_know_that_it_is_durable)
{
    open();
    cq_config plain{};
    plain.struct_size = sizeof plain;
    plain.flags = CQ_ATTACH;
    cq_queue *other;
    ASSERT_EQ(cq_open(name_.c_str(), &plain, &other), CQ_OK);
    ASSERT_EQ(cq_enqueue(other, "x", 1), CQ_OK);
    ASSERT_EQ(cq_sync(other, -1), CQ_OK);
    char path[4096];
    ASSERT_EQ(cq_durable_directory(other, path, sizeof path), CQ_OK);
    EXPECT_EQ(path, home_);
    EXPECT_EQ(cq_durable_directory(other, path, 3), CQ_ETOOSMALL);
    EXPECT_EQ(std::string(path), home_.substr(0, 2));
    cq_close(other);
    reopen();
    EXPECT_EQ(drain(), std::vector<std::string>{"x"});
}

TEST_F(Durable, a_queue_that_is_not_says_so)
{
    cq_config plain{};
    plain.struct_size = sizeof plain;
    cq_queue *other;
    ASSERT_EQ(cq_open(name_.c_str(), &plain, &queue_), CQ_OK);
    EXPECT_EQ(cq_sync(queue_, 0), CQ_EINVAL);
    char path[4096];
    EXPECT_EQ(cq_durable_directory(queue_, path, sizeof path), CQ_EINVAL);
    EXPECT_EQ(stat().durable, 0u);
    capacity_ = message_ = 0;
    EXPECT_EQ(try_open(&other), CQ_EMISMATCH);
    EXPECT_EQ(try_open(&other, CQ_SYNC), CQ_EMISMATCH);
}

TEST_F(Durable, places_where_nothing_survives_are_refused)
{
    cq_queue *other = nullptr;
    disk_.check = disk_linux()->check;
    home_ = "/dev/shm/cqueue_durable." + std::to_string(::getpid());
    EXPECT_EQ(try_open(&other), CQ_EFILESYSTEM);
    EXPECT_FALSE(std::filesystem::exists(home_));
    cq_config how = config();
    how.durable_directory = nullptr; /* beside the region */
    EXPECT_EQ(cq_open(name_.c_str(), &how, &other), CQ_EFILESYSTEM);
    home_ = directory_ + "/missing/home";
    EXPECT_EQ(try_open(&other), CQ_ENOENT);
    home_ = "";
    EXPECT_EQ(try_open(&other), CQ_ENOENT);
    std::ofstream(directory_ + "/file");
    home_ = directory_ + "/file";
    EXPECT_EQ(try_open(&other), CQ_ENOENT);
}

TEST_F(Durable, a_directory_that_is_gone_or_another_is_told)
{
    open();
    put_all(numbered(0, 5));
    std::filesystem::rename(home_, home_ + ".moved");
    EXPECT_EQ(cq_sync(queue_, -1), CQ_ENOENT);
    std::filesystem::create_directory(home_);
    std::ofstream(home_ + "/lock") << "x";
    EXPECT_EQ(cq_sync(queue_, -1), CQ_EBUSY);
    std::filesystem::remove_all(home_);
    std::filesystem::rename(home_ + ".moved", home_);
    EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
    EXPECT_EQ(drain(), numbered(0, 5));
}

/* The segments of one directory say of what kind the queue is. Who may use it is no part of that, and may change. */
TEST_F(Durable, other_permissions_are_no_other_queue)
{
    open();
    put_all({"one"});
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    close();
    ASSERT_EQ(::chmod(("/dev/shm/cqueue." + name_).c_str(), 0640), 0);
    open();
    put_all({"two"});
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reboot();
    cq_config how = config();
    how.permissions = 0660;
    ASSERT_EQ(cq_open(name_.c_str(), &how, &queue_), CQ_OK);
    put_all({"three"});
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    EXPECT_EQ(drain(), (std::vector<std::string>{"one", "two", "three"}));
    struct stat file;
    ASSERT_EQ(::stat(("/dev/shm/cqueue." + name_).c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0660u) << "as it was asked for last";
}

/* The copy's lock file says the same as the original's: what is synced through one must not go into the other. */
TEST_F(Durable, a_copy_is_not_the_directory_of_the_region_that_is_there)
{
    open();
    put_all({"one"});
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    const std::string original = home_, copy = directory_ + "/copy";
    std::filesystem::copy(home_, copy, std::filesystem::copy_options::recursive);
    home_ = copy;
    cq_queue *other = nullptr;
    EXPECT_EQ(try_open(&other), CQ_EBUSY);
    cq_close(other);
    close();
    EXPECT_EQ(try_open(&other, CQ_ATTACH), CQ_EBUSY);
    cq_close(other);
    home_ = original;
    open();
    EXPECT_EQ(drain(), std::vector<std::string>{"one"});
}

/* Nobody has the region open: it may hold what was not synced, and whoever comes next expects it. */
TEST_F(Durable, a_directory_is_not_taken_away_from_a_region_that_is_there)
{
    open();
    put_all({"one"});
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    put_all({"two"});
    close();
    const cq_config how = config();
    cq_queue *other = nullptr;
    EXPECT_EQ(cq_open((name_ + ".other").c_str(), &how, &other), CQ_EBUSY);
    char text[512];
    cq_explain(CQ_EBUSY, (name_ + ".other").c_str(), &how, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("cqueue." + name_), std::string::npos) << text;
    cq_close(other);
    cq_unlink((name_ + ".other").c_str(), nullptr);
    open();
    EXPECT_EQ(drain(), (std::vector<std::string>{"one", "two"}));
    reboot();
    ASSERT_EQ(cq_open((name_ + ".other").c_str(), &how, &other), CQ_OK) << "it was removed";
    cq_close(other);
    cq_unlink((name_ + ".other").c_str(), nullptr);
}

TEST_F(Durable, a_sync_into_a_file_that_was_removed_is_no_success)
{
    open();
    put_all({"one"});
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    const auto before = segments();
    for (const std::string &path : before)
        std::filesystem::rename(path, directory_ + path.substr(home_.size()));
    put_all({"two"});
    EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
    EXPECT_EQ(segments().size(), 0u) << "they are somewhere else, and still written";
    for (const std::string &path : before)
        std::filesystem::remove(directory_ + path.substr(home_.size()));
    put_all({"three"});
    EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
    EXPECT_EQ(segments().size(), 1u) << "another file";
    std::filesystem::remove_all(home_);
    put_all({"four"});
    EXPECT_EQ(cq_sync(queue_, -1), CQ_ENOENT);
    EXPECT_EQ(cq_sync(queue_, -1), CQ_ENOENT);
    EXPECT_EQ(drain(), (std::vector<std::string>{"one", "two", "three", "four"}));
}

} // namespace
} // namespace cqtest
