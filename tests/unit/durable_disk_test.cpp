/* Durable queues on a disk that fails, is full or was damaged; and files that nobody needs any more. */
#include <map>

#include <fcntl.h>
#include <sys/stat.h>

#include "unit/durable.hpp"

namespace cqtest {
namespace {

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

/* Records whose head is before the edge of what is written at a time, across it and behind it; with and without a disk that
   is full in the middle of them. */
TEST_F(Durable, what_is_written_in_pieces_survives_also_after_a_try_that_failed)
{
    constexpr int piece = 1 << 18, before = 632 + 32; /* what is in the file then, and the filler's head */
    message_ = 700000;
    capacity_ = 8;
    disk_.fill = [](int file, uint64_t begin, uint64_t end) {
        return faults->fill && end > 500000 ? faults->fill.load() : disk_linux()->fill(file, begin, end);
    };
    for (int turn = 0; turn < 34; ++turn) {
        const int edge = turn / 2 - 6;
        std::vector<std::string> texts{"first", std::string(static_cast<size_t>(piece - before - 8 * edge), 'f'),
                                       std::string(turn % 2 ? 600000 : 40, static_cast<char>('a' + turn)),
                                       std::string(turn % 2 ? 40 : 600000, 's')};
        reopen();
        ASSERT_EQ(put(texts[0]), CQ_OK);
        ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        for (size_t i = 1; i < texts.size(); ++i)
            ASSERT_EQ(put(texts[i]), CQ_OK);
        if (turn % 4 > 1) {
            faults->fill = ENOSPC;
            EXPECT_EQ(cq_sync(queue_, -1), CQ_ENOSPACE);
            faults->fill = 0;
        }
        ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        texts.push_back("fourth");
        ASSERT_EQ(put(texts.back()), CQ_OK);
        ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        reopen();
        EXPECT_TRUE(drain() == texts) << edge;
        ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    }
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

TEST_F(Durable, what_is_called_as_a_segment_and_is_no_file_is_refused)
{
    open();
    put_all(numbered(0, 20));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reboot();
    const std::string name = home_ + "/segment.0000000000000005." + std::string(32, 'a'), real = segments()[0];
    cq_queue *other = nullptr;
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    EXPECT_EQ(try_open(&other), CQ_ECORRUPT);
    ASSERT_EQ(::unlink(name.c_str()), 0);
    ASSERT_EQ(::mkdir(name.c_str(), 0700), 0);
    EXPECT_EQ(try_open(&other), CQ_ECORRUPT);
    ASSERT_EQ(::rmdir(name.c_str()), 0);
    std::filesystem::rename(real, directory_ + "/real");
    std::filesystem::create_symlink(directory_ + "/real", real);
    EXPECT_EQ(try_open(&other), CQ_ECORRUPT) << "it may be in use elsewhere";
    std::filesystem::remove(real);
    std::filesystem::rename(directory_ + "/real", real);
    open();
    EXPECT_EQ(drain(), numbered(0, 20));
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

/* Between the look at a number and the write there is an instant. What then went into another file was not synced. */
TEST_F(Durable, what_went_into_another_file_does_not_count)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    put_all(numbered(5, 5));
    const int other = ::open((directory_ + "/other").c_str(), O_RDWR | O_CREAT, 0600);
    faults->thief = other;
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    EXPECT_EQ(faults->thief, 0);
    ::close(other);
    reopen();
    EXPECT_EQ(drain(), numbered(0, 10));
}

/* Messages of all ages: most go at once, some stay long, some for ever. */
TEST_F(Durable, the_disk_has_at_most_twice_the_bytes_of_the_messages_and_a_constant)
{
    constexpr uint64_t generation = 1 << 17;
    constexpr uint64_t constant = 3 * generation + (1 << 20); /* and zeros that are ahead */
    cq_testing.generation_bytes = generation;
    message_ = 1000;
    capacity_ = 20000;
    uint32_t random = 1;
    const auto next = [&] { return (random = random * 1664525 + 1013904223) >> 8; };
    open();
    uint64_t live = 0;
    std::vector<cq_message> held;
    for (int i = 0; i < 8000; ++i) {
        const size_t size = 8 + next() % 900;
        ASSERT_EQ(put(std::string(size, 'x')), CQ_OK);
        live += 32 + (size + 7) / 8 * 8;
        if (i % 50 == 0) {
            ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        }
        cq_message message{};
        message.struct_size = sizeof message;
        ASSERT_EQ(cq_take(queue_, &message), CQ_OK);
        if (next() % 40 == 0) {
            held.push_back(message); /* as if forgotten */
            continue;
        }
        live -= 32 + (message.size + 7) / 8 * 8;
        ASSERT_EQ(cq_release(queue_, &message), CQ_OK);
        if (i % 50 == 49) {
            ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
            uint64_t bytes = 0;
            for (const std::string &path : segments())
                bytes += std::filesystem::file_size(path);
            ASSERT_LE(bytes, 2 * live + constant) << "after " << i << " messages";
        }
    }
    for (cq_message &message : held) { /* and when all of it goes at last */
        ASSERT_EQ(cq_release(queue_, &message), CQ_OK);
    }
    for (int i = 0; i < 400; ++i) {
        ASSERT_EQ(put(std::string(1000, 'x')), CQ_OK);
        ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        drain();
    }
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    uint64_t bytes = 0;
    for (const std::string &path : segments())
        bytes += std::filesystem::file_size(path);
    EXPECT_LE(bytes, constant);
}

} // namespace
} // namespace cqtest
