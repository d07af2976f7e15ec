/* Durable queues: what survives beside the bytes of messages: headers, times, deliveries, where they came from, and what the
   queue was created with. */
#include <filesystem>
#include <fstream>
#include <map>

#include "support/shapes.hpp"

extern "C" {
#include "disk.h"
}

namespace cqtest {
namespace {

struct disk disk_here; /* as the real one, and shared memory is one */

/* The region is in shared memory; removing it is what a reboot does. */
class DurableFate : public testing::Test {
protected:
    DurableFate() : name_("fate." + std::to_string(::getpid())), letters_(name_ + ".letters")
    {
        char path[] = "/dev/shm/fate_test.XXXXXX";
        directory_ = mkdtemp(path);
        home_ = directory_ + "/home";
        letters_home_ = directory_ + "/letters";
        disk_here = *disk_linux();
        disk_here.check = [](int) { return 0; };
        cq_testing_disk = &disk_here;
        config_.struct_size = sizeof config_;
        config_.flags = CQ_DURABLE;
        config_.capacity = 100;
        config_.max_message_size = 56;
        config_.durable_directory = home_.c_str();
    }
    ~DurableFate() override
    {
        reboot();
        cq_testing = {};
        cq_testing_disk = nullptr;
        std::filesystem::remove_all(directory_);
    }

    void open(uint32_t flags = 0)
    {
        cq_config config = config_;
        config.flags |= flags;
        ASSERT_EQ(cq_open(name_.c_str(), &config, &queue_), CQ_OK);
    }
    /* Who recovers need not know more than where it is. */
    void open_plain(uint32_t flags = 0)
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.flags = CQ_DURABLE | CQ_ATTACH | flags;
        config.durable_directory = home_.c_str();
        ASSERT_EQ(cq_open(name_.c_str(), &config, &queue_), CQ_OK);
    }
    int asked_for(cq_config config) const
    {
        cq_queue *queue = nullptr;
        config.struct_size = sizeof config;
        config.flags |= CQ_DURABLE;
        config.durable_directory = home_.c_str();
        const int result = cq_open(name_.c_str(), &config, &queue);
        cq_close(queue);
        return result;
    }
    void open_letters(uint32_t flags = CQ_DURABLE)
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.flags = flags;
        config.capacity = 100;
        config.max_message_size = 56;
        config.max_headers = 300;
        config.durable_directory = flags & CQ_DURABLE ? letters_home_.c_str() : nullptr;
        ASSERT_EQ(cq_open(letters_.c_str(), &config, &dead_), CQ_OK);
    }
    void reboot()
    {
        cq_close(queue_);
        cq_close(dead_);
        queue_ = dead_ = nullptr;
        cq_unlink(name_.c_str(), nullptr);
        cq_unlink(letters_.c_str(), nullptr);
    }
    void reopen()
    {
        reboot();
        open_plain();
    }
    void sync() const { ASSERT_EQ(cq_sync(queue_, -1), CQ_OK); }
    int put(const std::string &text) const { return cq_enqueue(queue_, text.data(), text.size()); }
    int feed(const std::string &source, uint64_t number) const
    {
        const std::string text = source.substr(0, 20) + " " + std::to_string(number);
        cq_outgoing message{};
        message.struct_size = sizeof message;
        message.data = text.data();
        message.size = text.size();
        return cq_enqueue_from(queue_, &message, source.c_str(), number);
    }
    uint64_t source(const std::string &name) const
    {
        uint64_t number = 0;
        EXPECT_EQ(cq_source(queue_, name.c_str(), &number), CQ_OK);
        return number;
    }
    static std::string text_of(const cq_message &message)
    {
        return std::string(static_cast<char *>(message.data), message.size);
    }
    /* Each as "text deliveries". */
    static std::vector<std::string> drain(cq_queue *queue)
    {
        std::vector<std::string> all;
        cq_message message{};
        message.struct_size = sizeof message;
        while (cq_take(queue, &message) == CQ_OK) {
            all.push_back(text_of(message) + " " + std::to_string(message.deliveries));
            EXPECT_EQ(cq_release(queue, &message), CQ_OK);
        }
        return all;
    }
    cq_stats stat() const
    {
        cq_stats stats{};
        stats.struct_size = sizeof stats;
        EXPECT_EQ(cq_stat(queue_, &stats), CQ_OK);
        return stats;
    }
    /* It is delivered, and comes back. */
    void deliver_in_vain(int times) const
    {
        for (int i = 0; i < times; ++i) {
            cq_message message{};
            message.struct_size = sizeof message;
            ASSERT_EQ(cq_take(queue_, &message), CQ_OK);
            ASSERT_EQ(cq_return(queue_, &message), CQ_OK);
        }
    }

    std::string directory_, name_, letters_, home_, letters_home_;
    cq_config config_{};
    cq_queue *queue_ = nullptr, *dead_ = nullptr;
};

TEST_F(DurableFate, a_queue_is_made_anew_with_all_that_it_was_created_with)
{
    config_.max_headers = 123;
    config_.max_deliveries = 7;
    config_.dead_letter = letters_.c_str();
    config_.time_to_live = INT64_C(3600000000000);
    open(CQ_EXCLUSIVE_CONSUMER | CQ_ENQUEUE_TIMES);
    sync();
    reopen();
    const cq_stats stats = stat();
    EXPECT_EQ(stats.max_headers, 123u);
    EXPECT_EQ(stats.max_deliveries, 7u);
    EXPECT_EQ(stats.time_to_live, INT64_C(3600000000000));
    EXPECT_EQ(stats.dead_letter, letters_);
    EXPECT_EQ(stats.exclusive_consumer, 1u);
    EXPECT_EQ(stats.enqueue_times, 1u);
    reopen(); /* and once more */
    EXPECT_EQ(stat().dead_letter, letters_);

    reboot();
    cq_config other{};
    other.max_headers = 124;
    EXPECT_EQ(asked_for(other), CQ_EMISMATCH);
    other = {};
    other.max_deliveries = 8;
    other.dead_letter = letters_.c_str();
    EXPECT_EQ(asked_for(other), CQ_EMISMATCH);
    other = {};
    other.time_to_live = 1;
    EXPECT_EQ(asked_for(other), CQ_EMISMATCH);
    char text[1000];
    other.struct_size = sizeof other;
    other.flags = CQ_DURABLE;
    other.durable_directory = home_.c_str();
    cq_explain(CQ_EMISMATCH, name_.c_str(), &other, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("another property"), std::string::npos) << text;
}

TEST_F(DurableFate, what_was_not_created_so_is_refused_after_a_reboot)
{
    open();
    reboot();
    cq_config other{};
    other.flags = CQ_EXCLUSIVE_CONSUMER;
    EXPECT_EQ(asked_for(other), CQ_EMISMATCH);
    other.flags = CQ_ENQUEUE_TIMES;
    EXPECT_EQ(asked_for(other), CQ_EMISMATCH);
    other.flags = 0;
    EXPECT_EQ(asked_for(other), CQ_OK);
}

TEST_F(DurableFate, headers_and_times_survive_with_messages_of_all_sizes)
{
    for (const size_t most : {size_t{56}, size_t{1000}, size_t{40000}}) {
        SCOPED_TRACE(most);
        config_.max_message_size = most;
        config_.max_headers = 5000;
        open(CQ_ENQUEUE_TIMES);
        std::map<std::string, std::pair<std::string, int64_t>> sent; /* what goes with each */
        for (size_t n = 0; n < 12; ++n) {
            std::string text(n == 0 ? most : most * n / 13, static_cast<char>('a' + n)), value(n * n * 30, 'v');
            std::vector<unsigned char> headers(5000);
            size_t size = 0;
            if (n % 3 != 0) {
                ASSERT_EQ(cq_header_add(headers.data(), headers.size(), &size, "key", value.data(), value.size()), CQ_OK);
            }
            cq_outgoing message{};
            message.struct_size = sizeof message;
            message.data = text.data();
            message.size = text.size();
            message.headers = headers.data();
            message.headers_size = size;
            ASSERT_EQ(cq_enqueue_message(queue_, &message, 0), CQ_OK);
            sent[text] = {std::string(headers.begin(), headers.begin() + static_cast<std::ptrdiff_t>(size)), 0};
        }
        cq_walk(queue_, [](const cq_message *message, void *context) {
            auto *const self = static_cast<std::pair<cq_queue *, decltype(sent) *> *>(context);
            return cq_enqueue_time(self->first, message, &(*self->second)[text_of(*message)].second);
        }, std::make_unique<std::pair<cq_queue *, decltype(sent) *>>(queue_, &sent).get());
        sync();
        reopen();
        cq_message message{};
        message.struct_size = sizeof message;
        size_t found = 0;
        for (; cq_take(queue_, &message) == CQ_OK; ++found) {
            cq_slice headers{};
            int64_t when = 0;
            ASSERT_EQ(sent.count(text_of(message)), 1u);
            const auto &[expected, time] = sent[text_of(message)];
            ASSERT_EQ(cq_headers(queue_, &message, &headers), CQ_OK);
            EXPECT_EQ(std::string(static_cast<char *>(headers.data), headers.size), expected);
            ASSERT_EQ(cq_enqueue_time(queue_, &message, &when), CQ_OK);
            EXPECT_NE(when, 0);
            EXPECT_EQ(when, time);
            EXPECT_EQ(cq_release(queue_, &message), CQ_OK);
        }
        EXPECT_EQ(found, sent.size());
        reboot();
        std::filesystem::remove_all(home_);
    }
}

TEST_F(DurableFate, deliveries_that_were_synced_count_and_one_more_which_alone_gives_up_nothing)
{
    config_.max_deliveries = 3;
    config_.dead_letter = letters_.c_str();
    open();
    open_letters();
    ASSERT_EQ(put("never"), CQ_OK);
    sync();
    for (int reboots = 0; reboots < 4; ++reboots) {
        reopen();
        open_letters();
    }
    EXPECT_EQ(drain(queue_), (std::vector<std::string>{"never 3"}));
    ASSERT_EQ(put("twice"), CQ_OK);
    deliver_in_vain(2);
    sync();
    reopen();
    open_letters();
    cq_message message{};
    message.struct_size = sizeof message;
    ASSERT_EQ(cq_take(queue_, &message), CQ_OK);
    EXPECT_EQ(message.deliveries, 3u);
    ASSERT_EQ(cq_return(queue_, &message), CQ_OK);
    EXPECT_EQ(drain(queue_), std::vector<std::string>{});
    EXPECT_EQ(drain(dead_), (std::vector<std::string>{"twice 1"}));
}

TEST_F(DurableFate, with_one_delivery_what_may_have_had_it_goes_to_the_dead_letters)
{
    config_.max_deliveries = 1;
    config_.dead_letter = letters_.c_str();
    open();
    ASSERT_EQ(put("perhaps"), CQ_OK);
    sync();
    reopen();
    open_letters();
    EXPECT_EQ(drain(queue_), std::vector<std::string>{});
    EXPECT_EQ(drain(dead_), (std::vector<std::string>{"perhaps 1"}));
}

TEST_F(DurableFate, what_went_to_the_dead_letters_is_there_and_not_here_after_a_reboot_without_a_sync)
{
    config_.max_deliveries = 2;
    config_.max_headers = 100;
    config_.dead_letter = letters_.c_str();
    open();
    open_letters();
    ASSERT_EQ(put("bad"), CQ_OK);
    ASSERT_EQ(put("good"), CQ_OK);
    sync();
    deliver_in_vain(2);
    EXPECT_EQ(stat().dead_lettered, 1u);
    reopen();
    open_letters();
    EXPECT_EQ(drain(queue_), (std::vector<std::string>{"good 2"}));
    EXPECT_EQ(drain(dead_), (std::vector<std::string>{"bad 2"}));
    EXPECT_EQ(stat().dead_letter_result, CQ_OK);
}

TEST_F(DurableFate, dead_letters_go_to_a_queue_that_is_not_durable_too)
{
    config_.max_deliveries = 1;
    config_.dead_letter = letters_.c_str();
    open();
    open_letters(0);
    ASSERT_EQ(put("bad"), CQ_OK);
    deliver_in_vain(1);
    sync();
    EXPECT_EQ(drain(dead_), (std::vector<std::string>{"bad 1"}));
    reopen();
    EXPECT_EQ(drain(queue_), std::vector<std::string>{});
}

/* A copy knows less than the other queue got. */
TEST_F(DurableFate, no_letter_is_taken_for_one_that_went_over_before_the_copy_was_older)
{
    config_.max_deliveries = 2;
    config_.dead_letter = letters_.c_str();
    open();
    ASSERT_EQ(put("first"), CQ_OK);
    sync();
    std::filesystem::copy(home_, directory_ + "/copy");
    open_letters();
    deliver_in_vain(2);
    cq_close(queue_);
    queue_ = nullptr;
    cq_unlink(name_.c_str(), nullptr);
    std::filesystem::remove_all(home_);
    std::filesystem::rename(directory_ + "/copy", home_);
    std::ofstream(home_ + "/restored");
    open_plain();
    EXPECT_EQ(drain(queue_), (std::vector<std::string>{"first 2"}));
    ASSERT_EQ(put("second"), CQ_OK);
    deliver_in_vain(2);
    EXPECT_EQ(drain(dead_), (std::vector<std::string>{"first 1", "second 1"}));
}

TEST_F(DurableFate, a_message_is_too_old_after_a_reboot_too)
{
    config_.time_to_live = 20000000;
    open();
    ASSERT_EQ(put("old"), CQ_OK);
    sync();
    ::usleep(50000);
    reopen();
    ASSERT_EQ(stat().recovered, 1u);
    EXPECT_EQ(drain(queue_), std::vector<std::string>{});
    EXPECT_EQ(stat().expired, 1u);
}

TEST_F(DurableFate, the_only_consumer_is_whoever_comes_first_after_a_reboot)
{
    open(CQ_EXCLUSIVE_CONSUMER);
    ASSERT_EQ(put("one"), CQ_OK);
    sync();
    cq_message message{};
    message.struct_size = sizeof message;
    ASSERT_EQ(cq_take(queue_, &message), CQ_OK);
    reopen();
    EXPECT_EQ(drain(queue_), (std::vector<std::string>{"one 2"}));
    cq_queue *other = nullptr;
    cq_config config{};
    config.struct_size = sizeof config;
    config.flags = CQ_ATTACH;
    ASSERT_EQ(cq_open(name_.c_str(), &config, &other), CQ_OK);
    EXPECT_EQ(cq_take(other, &message), CQ_ECONSUMER);
    cq_close(other);
}

/* ---- sources ---- */

TEST_F(DurableFate, a_source_goes_on_where_its_messages_end)
{
    open();
    for (uint64_t n = 1; n <= 5; ++n)
        ASSERT_EQ(feed("orders/0", n), CQ_OK);
    ASSERT_EQ(cq_raise_source(queue_, "skipped", 77), CQ_OK);
    ASSERT_EQ(put("plain"), CQ_OK);
    sync();
    ASSERT_EQ(feed("orders/0", 6), CQ_OK); /* not synced */
    ASSERT_EQ(feed("orders/1", 1), CQ_OK);
    reopen();
    EXPECT_EQ(source("orders/0"), 5u);
    EXPECT_EQ(source("orders/1"), 0u);
    EXPECT_EQ(source("skipped"), 77u);
    EXPECT_EQ(feed("orders/0", 5), CQ_DUPLICATE);
    EXPECT_EQ(feed("orders/0", 6), CQ_OK);
    EXPECT_EQ(drain(queue_), (std::vector<std::string>{"orders/0 1 2", "orders/0 2 2", "orders/0 3 2", "orders/0 4 2",
                                                       "orders/0 5 2", "plain 2", "orders/0 6 1"}));
    EXPECT_EQ(stat().sources, 2u);
}

TEST_F(DurableFate, numbers_outlive_their_messages_and_the_files_that_had_them)
{
    cq_testing.generation_bytes = 1 << 17;
    open();
    for (uint64_t n = 1; n <= 300; ++n) {
        ASSERT_EQ(feed("far", n), CQ_OK);
        sync();
        EXPECT_EQ(drain(queue_).size(), 1u);
        for (int i = 0; i < 80; ++i)
            ASSERT_EQ(put(std::string(56, 'x')), CQ_OK);
        sync();
        EXPECT_EQ(drain(queue_).size(), 80u);
        if (n == 1) {
            ASSERT_EQ(cq_raise_source(queue_, "seldom", 3), CQ_OK);
        }
    }
    sync();
    for (const auto &file : std::filesystem::directory_iterator(home_)) {
        std::ifstream stream(file.path(), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
        EXPECT_EQ(bytes.find("far 1\0", 0, 6), std::string::npos) << "the file is not removed";
    }
    reopen();
    EXPECT_EQ(source("far"), 300u);
    EXPECT_EQ(source("seldom"), 3u);
    reopen(); /* and from what the recovery wrote */
    EXPECT_EQ(source("far"), 300u);
    EXPECT_EQ(feed("far", 300), CQ_DUPLICATE);
}

TEST_F(DurableFate, all_sources_survive_whatever_their_names)
{
    open();
    std::map<std::string, uint64_t> all;
    for (int i = 0; i < 64; ++i) {
        const std::string name = std::string(static_cast<size_t>(i == 0 ? 200 : i), 'n') + (i == 0 ? "" : std::to_string(i));
        all[name] = static_cast<uint64_t>(i) * 1000 + 1;
        ASSERT_EQ(feed(name, all[name]), CQ_OK);
    }
    sync();
    reopen();
    for (const auto &[name, number] : all)
        EXPECT_EQ(source(name), number) << name;
    EXPECT_EQ(drain(queue_).size(), 64u);
    EXPECT_EQ(feed("one too many", 1), CQ_ESOURCES);
}

/* One that somebody else has enqueued, and not synced. */
TEST_F(DurableFate, with_sync_a_duplicate_is_on_the_disk)
{
    open();
    ASSERT_EQ(feed("a", 1), CQ_OK);
    cq_queue *lazy = queue_;
    open(CQ_SYNC);
    EXPECT_EQ(feed("a", 1), CQ_DUPLICATE);
    cq_close(lazy);
    reopen();
    EXPECT_EQ(source("a"), 1u);
    EXPECT_EQ(drain(queue_), (std::vector<std::string>{"a 1 2"}));
}

/* The power went in the middle of the last flush: its STATE is there, and one of its messages is not. */
TEST_F(DurableFate, a_flush_that_was_torn_counts_for_no_source)
{
    open();
    ASSERT_EQ(feed("a", 1), CQ_OK);
    sync();
    for (uint64_t n = 2; n <= 4; ++n)
        ASSERT_EQ(feed("a", n), CQ_OK);
    ASSERT_EQ(put("plain"), CQ_OK);
    sync();
    reboot();
    for (const auto &entry : std::filesystem::directory_iterator(home_)) {
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        if (const size_t at = bytes.find("a 3"); at != std::string::npos) {
            file.seekp(static_cast<std::streamoff>(at));
            file << "b";
        }
    }
    open_plain();
    EXPECT_EQ(source("a"), 1u);
    EXPECT_EQ(drain(queue_), (std::vector<std::string>{"a 1 2", "plain 2"}));
}

} // namespace
} // namespace cqtest
