/* Durable queues: what was synced is there again when the region is gone; and a disk that fails, is full or is shared. */
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/shapes.hpp"

extern "C" {
#include "crc32c.h"
#include "disk.h"
}

namespace cqtest {
namespace {

/* ---- a disk that fails when it is told to ---- */

struct Faults {
    std::atomic<int> write{0}, flush{0}, fill{0}, create{0}, flush_directory{0}; /* the error to give */
    std::atomic<int> stop_in_flush{0};
    std::atomic<int> flushes{0};
    std::atomic<int> slow{0}; /* microseconds that a flush takes */
    std::atomic<int> boot{0}; /* how often the system was started since */
} *faults;

int fail_write(int file, const void *from, size_t size, uint64_t offset)
{
    return faults->write ? faults->write.load() : disk_linux()->write(file, from, size, offset);
}
int fail_fill(int file, uint64_t begin, uint64_t end)
{
    return faults->fill ? faults->fill.load() : disk_linux()->fill(file, begin, end);
}
int fail_flush(int file)
{
    if (faults->stop_in_flush == ::getpid())
        ::raise(SIGSTOP);
    ++faults->flushes;
    std::this_thread::sleep_for(std::chrono::microseconds(faults->slow));
    return faults->flush ? faults->flush.load() : disk_linux()->flush(file);
}
int fail_create(int directory, const char *name, uint32_t permissions, int *file)
{
    return faults->create ? faults->create.load() : disk_linux()->create(directory, name, permissions, file);
}
int fail_flush_directory(int directory)
{
    return faults->flush_directory ? faults->flush_directory.load() : disk_linux()->flush_directory(directory);
}
int another_boot(uint8_t id[16])
{
    const int error = disk_linux()->boot(id);
    id[0] = static_cast<uint8_t>(id[0] + faults->boot);
    return error;
}

/* ---- a queue ---- */

std::vector<std::string> numbered(int from, int count)
{
    std::vector<std::string> all;
    for (int i = from; i < from + count; ++i)
        all.push_back("message " + std::to_string(i));
    return all;
}

struct Taken {
    std::string text;
    uint64_t position;
    uint32_t deliveries;
};

/* A directory for each test. The region is in shared memory; removing it is what a reboot does. */
class Durable : public testing::Test {
protected:
    Durable() : name_("durable." + std::to_string(::getpid())), disk_(*disk_linux())
    {
        char path[] = "/dev/shm/durable_test.XXXXXX"; /* what disks do is tests/durable's */
        directory_ = mkdtemp(path);
        home_ = directory_ + "/home";
        faults = new (mmap(nullptr, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Faults;
        disk_.write = fail_write;
        disk_.fill = fail_fill;
        disk_.flush = fail_flush;
        disk_.create = fail_create;
        disk_.flush_directory = fail_flush_directory;
        disk_.boot = another_boot;
        disk_.check = [](int) { return 0; };
        cq_testing_disk = &disk_;
    }
    ~Durable() override
    {
        close();
        reboot();
        cq_testing = {};
        cq_testing_disk = nullptr;
        munmap(faults, sizeof *faults);
        std::filesystem::remove_all(directory_);
    }

    cq_config config(uint32_t flags = 0) const
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.flags = CQ_DURABLE | flags;
        config.capacity = capacity_;
        config.max_message_size = message_;
        config.durable_directory = home_.c_str();
        return config;
    }
    int try_open(cq_queue **queue, uint32_t flags = 0) const
    {
        const cq_config how = config(flags);
        return cq_open(name_.c_str(), &how, queue);
    }
    void open(uint32_t flags = 0)
    {
        close();
        ASSERT_EQ(try_open(&queue_, flags), CQ_OK);
    }
    void close()
    {
        cq_close(queue_);
        queue_ = nullptr;
    }
    /* The system is down: nobody has the region any more, and it is gone. */
    void reboot()
    {
        close();
        cq_unlink(name_.c_str(), nullptr);
    }
    void reopen(uint32_t flags = 0)
    {
        reboot();
        open(flags);
    }

    int put(const std::string &text) const { return cq_enqueue(queue_, text.data(), text.size()); }
    void put_all(const std::vector<std::string> &texts) const
    {
        for (const std::string &text : texts)
            ASSERT_EQ(put(text), CQ_OK) << text;
    }
    std::vector<Taken> take_all() const
    {
        std::vector<Taken> all;
        cq_message message{};
        message.struct_size = sizeof message;
        while (cq_take(queue_, &message) == CQ_OK) {
            all.push_back({std::string(static_cast<char *>(message.data), message.size), message.position,
                           message.deliveries});
            EXPECT_EQ(cq_release(queue_, &message), CQ_OK);
        }
        return all;
    }
    std::vector<std::string> drain() const
    {
        std::vector<std::string> texts;
        for (const Taken &taken : take_all())
            texts.push_back(taken.text);
        return texts;
    }
    cq_stats stat() const
    {
        cq_stats stats{};
        stats.struct_size = sizeof stats;
        EXPECT_EQ(cq_stat(queue_, &stats), CQ_OK);
        return stats;
    }
    std::vector<std::string> segments() const
    {
        std::vector<std::string> names;
        for (const auto &file : std::filesystem::directory_iterator(home_))
            if (file.path().filename().string().rfind("segment.", 0) == 0)
                names.push_back(file.path().string());
        return names;
    }

    std::string directory_, name_, home_;
    uint64_t capacity_ = 1000, message_ = 56;
    cq_queue *queue_ = nullptr;
    struct disk disk_;
};

/* ---- what survives ---- */

TEST_F(Durable, what_was_synced_is_there_again_in_order_marked_and_with_its_position)
{
    open();
    const auto sent = numbered(0, 300);
    std::vector<uint64_t> positions;
    for (const std::string &text : sent) {
        cq_message message{};
        message.struct_size = sizeof message;
        ASSERT_EQ(cq_reserve(queue_, text.size(), &message), CQ_OK);
        memcpy(message.data, text.data(), text.size());
        ASSERT_EQ(cq_commit(queue_, &message, text.size()), CQ_OK);
        positions.push_back(message.position);
    }
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    ASSERT_EQ(put("not synced"), CQ_OK);
    EXPECT_EQ(stat().unsynced, 1u);
    reopen();
    EXPECT_EQ(stat().recovered, 300u);
    EXPECT_EQ(stat().length, 300u);
    const auto taken = take_all();
    ASSERT_EQ(taken.size(), sent.size());
    for (size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(taken[i].text, sent[i]);
        EXPECT_EQ(taken[i].position, positions[i]);
        EXPECT_EQ(taken[i].deliveries, 2u);
    }
}

TEST_F(Durable, what_was_released_before_a_sync_does_not_come_back)
{
    open();
    put_all(numbered(0, 10));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    char buffer[64];
    size_t size;
    for (int i = 0; i < 4; ++i)
        ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK); /* not synced: for nothing */
    reopen();
    EXPECT_EQ(drain(), numbered(4, 6));
}

TEST_F(Durable, what_was_held_comes_back_with_its_deliveries)
{
    open();
    put_all(numbered(0, 3));
    cq_message first{}, second{};
    first.struct_size = second.struct_size = sizeof first;
    ASSERT_EQ(cq_take(queue_, &first), CQ_OK);
    ASSERT_EQ(cq_take(queue_, &second), CQ_OK);
    ASSERT_EQ(cq_return(queue_, &second), CQ_OK);
    ASSERT_EQ(cq_take(queue_, &second), CQ_OK); /* its second delivery */
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    const auto taken = take_all();
    ASSERT_EQ(taken.size(), 3u);
    EXPECT_EQ(taken[0].deliveries, 3u);
    EXPECT_EQ(taken[1].deliveries, 4u);
    EXPECT_EQ(taken[2].deliveries, 2u);
}

TEST_F(Durable, messages_of_all_sizes_survive)
{
    for (const uint64_t largest : {1u, 8u, 56u, 248u, 249u, 4096u, 12288u, 12289u, 700000u}) {
        message_ = largest;
        capacity_ = 20;
        home_ = directory_ + "/home" + std::to_string(largest);
        open();
        std::vector<std::string> sent;
        for (int i = 0; i < 20; ++i)
            sent.emplace_back(i == 0 ? largest : static_cast<size_t>(i) * 977 % (largest + 1), static_cast<char>('a' + i));
        put_all(sent);
        ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        reopen();
        EXPECT_EQ(drain(), sent) << largest;
        reboot();
    }
}

TEST_F(Durable, a_second_recovery_finds_the_same_and_positions_are_never_used_again)
{
    std::set<uint64_t> positions;
    std::map<std::string, uint64_t> alive;
    open();
    for (int round = 0; round < 60; ++round) {
        faults->boot = round; /* what was logged in another run of the system is not logged again */
        const std::string text = "round " + std::to_string(round);
        cq_message message{};
        message.struct_size = sizeof message;
        ASSERT_EQ(cq_reserve(queue_, text.size(), &message), CQ_OK);
        memcpy(message.data, text.data(), text.size());
        ASSERT_EQ(cq_commit(queue_, &message, text.size()), CQ_OK);
        EXPECT_TRUE(positions.insert(message.position).second) << message.position;
        if (round % 3 != 2) {
            ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
            alive[text] = message.position;
        }
        reopen();
        if (round % 2)
            reopen();
        ASSERT_EQ(stat().length, alive.size()) << round;
    }
    for (const Taken &taken : take_all())
        EXPECT_EQ(alive[taken.text], taken.position);
}

TEST_F(Durable, the_capacity_is_exact_after_a_recovery)
{
    capacity_ = 500;
    open();
    put_all(numbered(0, 500));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    put_all(numbered(500, 500)); /* those that are delivered again do not count */
    EXPECT_EQ(put("too much"), CQ_FULL);
    EXPECT_EQ(drain(), numbered(0, 1000));
}

/* Each in a node of its own, and more of these than the queue would have nodes for. */
TEST_F(Durable, all_that_survives_finds_room)
{
    cq_testing.slots_per_node = 4;
    cq_testing.spare_nodes = 300;
    cq_testing.hole_slots = 8;
    capacity_ = 8;
    open();
    std::vector<cq_message> held(250);
    for (int i = 0; i < 250; ++i) {
        put_all(numbered(4 * i, 4));
        char buffer[64];
        size_t size;
        held[static_cast<size_t>(i)].struct_size = sizeof(cq_message);
        ASSERT_EQ(cq_take(queue_, &held[static_cast<size_t>(i)]), CQ_OK);
        for (int k = 0; k < 3; ++k)
            ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    }
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    for (int round = 0; round < 3; ++round) {
        reopen();
        ASSERT_EQ(stat().recovered, 250u);
        put_all(numbered(0, 8));
        EXPECT_EQ(put("too much"), CQ_FULL);
    }
}

TEST_F(Durable, sequences_that_nobody_reserved_are_asked_for_and_never_come_again)
{
    cq_testing.slots_per_node = 1;
    capacity_ = 4;
    open();
    const uint64_t begun = stat().flushes_begun;
    char buffer[64];
    size_t size;
    for (int i = 0; i < (1 << 20) + 100; ++i) {
        ASSERT_EQ(put("x"), CQ_OK) << i;
        ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    }
    EXPECT_EQ(stat().flushes_begun, begun + 1);
    ASSERT_EQ(put("last"), CQ_OK);
    const uint64_t last = take_all()[0].position;
    reopen();
    ASSERT_EQ(put("after"), CQ_OK);
    EXPECT_GT(take_all()[0].position, last);
}

/* ---- sync by itself ---- */

TEST_F(Durable, with_sync_what_has_returned_is_on_the_disk)
{
    open(CQ_SYNC);
    put_all({"one", "two", "three", "four", "five"});
    char buffer[64];
    size_t size, done;
    ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    cq_message message{};
    message.struct_size = sizeof message;
    ASSERT_EQ(cq_take(queue_, &message), CQ_OK);
    ASSERT_EQ(cq_release(queue_, &message), CQ_OK);
    ASSERT_EQ(cq_reserve(queue_, 3, &message), CQ_OK);
    memcpy(message.data, "six", 3);
    ASSERT_EQ(cq_commit(queue_, &message, 3), CQ_OK);
    ASSERT_EQ(cq_enqueue_wait(queue_, "seven", 5, -1), CQ_OK);
    ASSERT_EQ(cq_dequeue_wait(queue_, buffer, sizeof buffer, &size, -1), CQ_OK);
    cq_slice batch[2] = {{const_cast<char *>("eight"), 5}, {const_cast<char *>("nine"), 4}};
    ASSERT_EQ(cq_enqueue_batch(queue_, batch, 2, &done), CQ_OK);
    ASSERT_EQ(cq_dequeue_batch(queue_, buffer, sizeof buffer, batch, 1, &done), CQ_OK);
    EXPECT_EQ(stat().unsynced, 0u);
    reopen();
    EXPECT_EQ(drain(), (std::vector<std::string>{"five", "six", "seven", "eight", "nine"}));
}

TEST_F(Durable, with_sync_a_failure_says_that_the_message_is_there_all_the_same)
{
    open(CQ_SYNC);
    faults->flush = ENOSPC;
    EXPECT_EQ(put("one"), CQ_EIO);
    faults->flush = 0;
    EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    EXPECT_EQ(drain(), std::vector<std::string>{"one"});
}

/* ---- a disk that fails ---- */

TEST_F(Durable, an_error_is_told_where_sync_was_asked_for_and_the_next_try_is_in_another_file)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    for (const auto &[error, result] : std::map<int, int>{{EIO, CQ_EIO}, {ENOSPC, CQ_ENOSPACE}, {EDQUOT, CQ_ENOSPACE},
                                                          {EROFS, CQ_EACCESS}}) {
        const size_t before = segments().size();
        ASSERT_EQ(put("another"), CQ_OK);
        faults->flush = error;
        EXPECT_EQ(cq_sync(queue_, -1), result) << error;
        EXPECT_EQ(stat().disk_error, result);
        EXPECT_EQ(stat().unsynced, 1u);
        faults->flush = 0;
        EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
        EXPECT_EQ(stat().disk_error, 0);
        EXPECT_EQ(stat().unsynced, 0u);
        EXPECT_EQ(segments().size(), before + 1);
    }
    reopen();
    EXPECT_EQ(drain().size(), 9u);
}

TEST_F(Durable, a_full_disk_takes_word_of_what_was_removed)
{
    cq_testing.generation_bytes = 1 << 17;
    message_ = 1000;
    open();
    const std::string text(1000, 'x');
    for (int i = 0; i < 400; ++i) {
        ASSERT_EQ(put(text), CQ_OK);
        if (i % 20 == 0) {
            ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        }
    }
    faults->fill = ENOSPC;
    int result = CQ_OK;
    for (int i = 0; i < 600 && result == CQ_OK; ++i) {
        ASSERT_EQ(put(text), CQ_OK);
        result = cq_sync(queue_, -1);
    }
    EXPECT_EQ(result, CQ_ENOSPACE);
    EXPECT_EQ(stat().disk_error, CQ_ENOSPACE);
    const size_t before = segments().size();
    drain();
    EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
    EXPECT_LT(segments().size(), before) << "and what nobody needs is removed";
    faults->fill = 0;
    reopen();
    EXPECT_EQ(drain().size(), 0u);
}

TEST_F(Durable, an_error_while_a_region_is_made_is_told_and_nothing_is_lost)
{
    open();
    put_all(numbered(0, 50));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reboot();
    cq_queue *queue;
    for (std::atomic<int> *fault : {&faults->flush, &faults->write, &faults->create, &faults->fill, &faults->flush_directory}) {
        *fault = EIO;
        EXPECT_EQ(try_open(&queue), CQ_EIO);
        *fault = 0;
    }
    open();
    EXPECT_EQ(drain(), numbered(0, 50));
}

TEST_F(Durable, a_damaged_message_is_absent_and_no_other)
{
    open();
    put_all(numbered(0, 20));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reboot();
    for (const std::string &path : segments()) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        const size_t at = bytes.find("message 7");
        if (at != std::string::npos) {
            file.seekp(static_cast<std::streamoff>(at));
            file << "massage";
        }
    }
    open();
    auto expected = numbered(0, 20);
    expected.erase(expected.begin() + 7);
    EXPECT_EQ(drain(), expected);
}

/* The head of a record is in its checksum: here the position, 16 bytes before the body. */
TEST_F(Durable, a_message_whose_position_is_damaged_is_absent)
{
    open();
    put_all(numbered(0, 20));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reboot();
    for (const std::string &path : segments()) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        const size_t at = bytes.find("message 7");
        if (at != std::string::npos) {
            file.seekp(static_cast<std::streamoff>(at - 16));
            file.put(static_cast<char>(bytes[at - 16] + 64));
        }
    }
    open();
    auto expected = numbered(0, 20);
    expected.erase(expected.begin() + 7);
    EXPECT_EQ(drain(), expected);
}

TEST_F(Durable, nothing_but_messages_is_kept_and_so_nothing_else_is_taken)
{
    open();
    cq_outgoing message{};
    message.struct_size = sizeof message;
    EXPECT_EQ(cq_enqueue_from(queue_, &message, "somewhere", 1), CQ_EFEATURE);
    uint64_t number = 0;
    EXPECT_EQ(cq_source(queue_, "somewhere", &number), CQ_EFEATURE);
    for (const uint32_t flag : {CQ_EXCLUSIVE_CONSUMER, CQ_ENQUEUE_TIMES})
        EXPECT_EQ(open_result("never-made", Config(4, 16, CQ_DURABLE | flag)), CQ_EINVAL);
    Config headers(4, 16, CQ_DURABLE);
    headers.max_headers = 10;
    EXPECT_EQ(open_result("never-made", headers), CQ_EINVAL);
    Config life(4, 16, CQ_DURABLE);
    life.time_to_live = 10;
    EXPECT_EQ(open_result("never-made", life), CQ_EINVAL);
}

/* ---- nobody waits ---- */

TEST_F(Durable, a_flusher_that_is_stopped_delays_nobody)
{
    open();
    put_all(numbered(0, 5));
    const pid_t child = fork();
    if (child == 0) {
        cq_queue *mine;
        if (try_open(&mine) != CQ_OK)
            _exit(2);
        faults->stop_in_flush = ::getpid();
        _exit(cq_sync(mine, -1) == CQ_OK ? 0 : 1);
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
    ASSERT_TRUE(WIFSTOPPED(status));
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(put("another"), CQ_OK);
        ASSERT_EQ(cq_sync(queue_, 30'000'000'000), CQ_OK);
    }
    faults->stop_in_flush = 0;
    kill(child, SIGCONT);
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "and goes on where it was";
    reopen();
    EXPECT_EQ(drain().size(), 10u);
}

TEST_F(Durable, many_callers_share_flushes)
{
    capacity_ = 100000;
    open();
    const int before = faults->flushes;
    faults->slow = 2000;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([this] {
            cq_queue *mine;
            ASSERT_EQ(try_open(&mine), CQ_OK);
            for (int i = 0; i < 50; ++i) {
                ASSERT_EQ(cq_enqueue(mine, "x", 1), CQ_OK);
                ASSERT_EQ(cq_sync(mine, -1), CQ_OK);
            }
            cq_close(mine);
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_LT(faults->flushes - before, 8 * 50) << "for 400 messages";
    reopen();
    EXPECT_EQ(drain().size(), 400u);
}

TEST_F(Durable, threads_of_one_handle_share_too)
{
    open(CQ_SYNC);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([this] {
            for (int i = 0; i < 50; ++i)
                ASSERT_EQ(put("x"), CQ_OK);
        });
    for (std::thread &thread : threads)
        thread.join();
    reopen();
    EXPECT_EQ(drain().size(), 200u);
}

TEST_F(Durable, who_does_not_sync_does_not_touch_the_disk)
{
    open();
    put_all(numbered(0, 5));
    faults->write = faults->flush = faults->create = faults->fill = EIO;
    const int before = faults->flushes;
    put_all(numbered(5, 900));
    EXPECT_EQ(drain(), numbered(0, 905));
    EXPECT_EQ(faults->flushes, before);
}

/* ---- one directory, one region ---- */

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

TEST_F(Durable, of_many_that_open_it_at_once_one_recovers_and_all_succeed)
{
    open();
    put_all(numbered(0, 100));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    for (int round = 0; round < 10; ++round) {
        reboot();
        std::vector<std::thread> threads;
        std::atomic<int> opened{0};
        for (int t = 0; t < 16; ++t)
            threads.emplace_back([&] {
                cq_queue *mine = nullptr;
                EXPECT_EQ(try_open(&mine), CQ_OK);
                ++opened;
                while (opened < 16)
                    std::this_thread::yield();
                cq_close(mine);
            });
        for (std::thread &thread : threads)
            thread.join();
    }
    open();
    EXPECT_EQ(drain(), numbered(0, 100));
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

/* ---- files ---- */

TEST_F(Durable, files_that_nobody_needs_are_removed)
{
    cq_testing.generation_bytes = 1 << 17;
    message_ = 1000;
    open();
    ASSERT_EQ(put("the first"), CQ_OK);
    cq_message held{};
    held.struct_size = sizeof held;
    ASSERT_EQ(cq_take(queue_, &held), CQ_OK); /* and pins what it is in */
    const std::string text(1000, 'x');
    char buffer[1000];
    size_t size;
    uint64_t most = 0;
    for (int i = 0; i < 4000; ++i) {
        ASSERT_EQ(put(text), CQ_OK);
        if (i % 10 == 0) {
            ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        }
        ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
        most = std::max<uint64_t>(most, stat().disk_bytes);
    }
    EXPECT_LT(most, UINT64_C(3000000)) << "of 400 messages of 1,000 bytes that were written, all but one are gone";
    EXPECT_LT(segments().size(), 12u);
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    EXPECT_EQ(drain(), std::vector<std::string>{"the first"});
}

TEST_F(Durable, a_handle_whose_descriptors_were_closed_harms_no_other_file)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    for (int fd = 3; fd < 256; ++fd)
        ::close(fd);
    std::vector<int> files;
    for (int i = 0; i < 20; ++i)
        files.push_back(::open((directory_ + "/victim").c_str(), O_RDWR | O_CREAT, 0600));
    put_all(numbered(5, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    EXPECT_EQ(std::filesystem::file_size(directory_ + "/victim"), 0u);
    for (const int fd : files)
        ::close(fd);
    reopen();
    EXPECT_EQ(drain(), numbered(0, 10));
}

TEST_F(Durable, a_copy_of_the_directory_is_a_backup)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    const std::string copy = directory_ + "/copy";
    std::filesystem::copy(home_, copy, std::filesystem::copy_options::recursive);
    std::ofstream(copy + "/restored");
    put_all(numbered(5, 5)); /* the original goes on */
    const auto originals = take_all();
    reboot();
    home_ = copy;
    open();
    EXPECT_FALSE(std::filesystem::exists(copy + "/restored"));
    EXPECT_EQ(drain(), numbered(0, 5));
    ASSERT_EQ(put("new"), CQ_OK);
    EXPECT_GT(take_all()[0].position, originals.back().position + 1000);
}

TEST(Crc32c, is_that_of_iscsi)
{
    struct crc32c crc;
    crc32c_prepare(&crc);
    EXPECT_EQ(crc32c_add(&crc, 0, "123456789", 9), 0xe3069283u);
    EXPECT_EQ(crc32c_add(&crc, crc32c_add(&crc, 0, "1234", 4), "56789", 5), 0xe3069283u);
    EXPECT_EQ(crc32c_add(&crc, 0, std::string(32, '\0').data(), 32), 0x8a9136aau);
}

} // namespace
} // namespace cqtest
