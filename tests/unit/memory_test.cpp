/* Memory follows the messages: what a region takes of its file system, up and down, and its limits. */
#include <sys/mman.h>
#include <sys/stat.h>

#include "support/leftovers.hpp"
#include "support/queue.hpp"

namespace cqtest {
namespace {

constexpr uint64_t page = 4096, KiB = 1024, MiB = 1024 * KiB;

uint64_t memory(const Handle &handle) { return handle.stat().memory; }

/* Uses the queue as a consumer does that finds nothing, until it is as small as that. */
bool shrinks_to(const Handle &handle, uint64_t bytes)
{
    return eventually([&] {
        EXPECT_EQ(handle.dequeue(), std::nullopt);
        return memory(handle) <= bytes;
    });
}

void fill_with(const Handle &handle, uint64_t count, size_t size)
{
    const std::string text(size, 'm');
    for (uint64_t i = 0; i < count; ++i)
        handle.must_enqueue(text);
}

TEST(Memory, a_short_message_in_a_queue_of_large_ones_costs_a_page)
{
    for (const uint64_t most : {20 * KiB, 64 * KiB, 1 * MiB}) {
        Queue queue(Config(200, most));
        const uint64_t before = memory(queue);
        fill_with(queue, 100, 10);
        EXPECT_LE(memory(queue) - before, 100 * page + 16 * page) << most;
    }
}

TEST(Memory, a_message_costs_its_pages_once_and_the_slot_keeps_them)
{
    Queue queue(Config(1, 1 * MiB));
    for (int round = 0; round < 10; ++round) {
        for (const size_t size : {size_t{0}, size_t{3696}, size_t{3697}, size_t{100000}, size_t{1 * MiB}, size_t{5}}) {
            const std::string text = bytes(size + static_cast<size_t>(round), size);
            ASSERT_EQ(queue.enqueue(text), CQ_OK);
            ASSERT_EQ(queue.dequeue(), text);
        }
    }
    EXPECT_LE(memory(queue), 4 * MiB) << "two nodes are used in turn";
}

TEST(Memory, a_reservation_has_what_was_asked_for)
{
    Queue queue(Config(4, 1 * MiB));
    const uint64_t before = memory(queue);
    Message message;
    ASSERT_EQ(cq_reserve(queue, 200000, &message), CQ_OK);
    const uint64_t reserved = memory(queue);
    EXPECT_GE(reserved - before, 200000 - page);
    EXPECT_LE(reserved - before, 200000 + 8 * page);
    std::memset(message.data, 'r', 200000);
    EXPECT_EQ(memory(queue), reserved) << "writing takes nothing more";
    ASSERT_EQ(cq_commit(queue, &message, 150000), CQ_OK);
    EXPECT_EQ(queue.dequeue(), std::string(150000, 'r'));
}

TEST(Memory, a_batch_of_large_messages_of_many_sizes_arrives)
{
    Queue queue(Config(50, 100 * KiB));
    std::vector<std::string> texts;
    std::vector<cq_slice> slices;
    for (size_t i = 0; i < 50; ++i)
        texts.push_back(bytes(i, i * 2000));
    for (std::string &text : texts)
        slices.push_back({text.data(), text.size()});
    const uint64_t before = memory(queue);
    size_t done = 0;
    ASSERT_EQ(cq_enqueue_batch(queue, slices.data(), slices.size(), &done), CQ_OK);
    EXPECT_EQ(done, 50u);
    EXPECT_LE(memory(queue) - before, 49 * 50 / 2 * 2000 + 50 * 2 * page + 16 * page) << "each as much as it needs";
    EXPECT_EQ(queue.drain(), texts);
}

TEST(Memory, what_was_drained_goes_back)
{
    for (const size_t size : {size_t{8}, size_t{1000}, size_t{100000}}) {
        const uint64_t count = 20 * MiB / size;
        Queue queue(Config(count, size));
        fill_with(queue, count, size);
        EXPECT_GE(memory(queue), 20 * MiB);
        while (queue.dequeue())
            ;
        EXPECT_TRUE(shrinks_to(queue, MiB)) << size << ": " << memory(queue);
        EXPECT_GE(queue.stat().trimmed, 19 * MiB);
        EXPECT_EQ(queue.fill(), count) << "what went comes again, to the last message";
    }
}

TEST(Memory, a_waiting_consumer_gives_back_what_it_drained)
{
    Queue queue(Config(100000, 100));
    fill_with(queue, 100000, 100);
    Handle consumer = queue.attach();
    while (consumer.dequeue())
        ;
    char buffer[100];
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(cq_dequeue_wait(consumer, buffer, sizeof buffer, nullptr, 50000000), CQ_TIMEOUT);
        return memory(consumer) <= MiB;
    }));
}

TEST(Memory, a_queue_that_breathes_comes_to_rest)
{
    Queue queue(Config(10000, 200));
    /* It is empty for longer than it takes at first to give memory back. */
    const auto breathe = [&] {
        fill_with(queue, 10000, 200);
        while (queue.dequeue())
            ;
        for (const auto end = Clock::now() + milliseconds(500); Clock::now() < end;) {
            EXPECT_EQ(queue.dequeue(), std::nullopt);
            std::this_thread::sleep_for(milliseconds(5));
        }
    };
    breathe();
    EXPECT_TRUE(shrinks_to(queue, MiB)) << "it is not needed, as far as is known";
    /* However slowly this goes: the longer it takes, the more patience the queue learns. */
    EXPECT_TRUE(eventually([&] {
        const uint64_t trimmed = queue.stat().trimmed;
        breathe();
        breathe();
        return queue.stat().trimmed == trimmed;
    }));
}

TEST(Memory, trimming_gives_all_back_at_once_and_nothing_is_missed)
{
    for (const size_t size : {size_t{8}, size_t{56}, size_t{4096}, size_t{50000}}) {
        const uint64_t count = (size == 4096 ? 50 : 10) * MiB / size; /* more than is looked at in one piece, once */
        Queue queue(Config(count, size));
        Handle other = queue.attach();
        for (int round = 0; round < 3; ++round) {
            std::vector<std::string> texts;
            for (uint64_t i = 0; i < count; ++i) {
                texts.push_back(bytes(i, size));
                (i % 2 ? static_cast<const Handle &>(queue) : other).must_enqueue(texts.back());
            }
            Message held = other.take();
            uint64_t given = 0;
            ASSERT_EQ(cq_trim(queue, &given), CQ_OK);
            EXPECT_LT(given, 2 * MiB) << "what holds messages stays";
            for (uint64_t i = 1; i < count; ++i)
                ASSERT_EQ(queue.dequeue(), texts[i]);
            EXPECT_EQ(held.text(), texts[0]);
            ASSERT_EQ(cq_release(other, &held), CQ_OK);
            const uint64_t before = memory(queue);
            ASSERT_EQ(cq_trim(queue, &given), CQ_OK);
            EXPECT_EQ(memory(queue), before - given);
            EXPECT_LE(memory(queue), 400 * KiB);
            EXPECT_EQ(other.enqueue("again"), CQ_OK);
            EXPECT_EQ(queue.dequeue(), "again");
        }
    }
}

TEST(Memory, trimming_beside_producers_and_consumers_loses_nothing)
{
    Queue queue(Config(5000, 30));
    std::atomic<bool> over{false};
    std::thread trimmer([&] {
        Handle handle = queue.attach();
        while (!over)
            ASSERT_EQ(cq_trim(handle, nullptr), CQ_OK);
    });
    std::thread producer([&] {
        Handle handle = queue.attach();
        for (uint64_t i = 0; i < 100000; ++i) {
            const std::string text = bytes(i, 1 + i % 30);
            ASSERT_EQ(cq_enqueue_wait(handle, text.data(), text.size(), to_ns(patience)), CQ_OK);
        }
    });
    char buffer[30];
    size_t size = 0;
    for (uint64_t i = 0; i < 100000; ++i) {
        ASSERT_EQ(cq_dequeue_wait(queue, buffer, sizeof buffer, &size, to_ns(patience)), CQ_OK);
        ASSERT_EQ(std::string(buffer, size), bytes(i, 1 + i % 30)) << i;
    }
    producer.join();
    over = true;
    trimmer.join();
    EXPECT_EQ(queue.fill(), 5000u);
}

TEST(Memory, the_limit_is_kept_and_draining_makes_room)
{
    for (const size_t size : {size_t{8}, size_t{4096}, size_t{300000}}) {
        Config config(100 * MiB / size, size);
        config.max_memory = 8 * MiB;
        Queue queue(config);
        EXPECT_EQ(queue.stat().max_memory, 8 * MiB);
        const std::string text(size, 'l');
        for (int round = 0; round < 3; ++round) {
            uint64_t accepted = 0;
            int result;
            while ((result = queue.enqueue(text)) == CQ_OK)
                ++accepted;
            EXPECT_EQ(result, CQ_FULL) << "waiting cures it";
            EXPECT_LE(memory(queue), 8 * MiB) << size;
            EXPECT_GE(accepted * size, size == 8 ? 2 * MiB : 5 * MiB) << size;
            EXPECT_EQ(cq_enqueue_wait(queue, text.data(), size, 10000000), CQ_TIMEOUT);
            for (uint64_t i = 0; i < accepted; ++i)
                ASSERT_EQ(queue.dequeue(), text);
        }
    }
}

TEST(Memory, at_the_limit_free_slots_make_room_for_others)
{
    Config config(100, 1 * MiB);
    config.max_memory = 8 * MiB;
    Queue queue(config);
    while (queue.enqueue(std::string(1 * MiB, 'm')) == CQ_OK)
        ;
    const Message first = queue.take();
    while (queue.dequeue())
        ;
    EXPECT_GE(memory(queue), 7 * MiB);
    /* The memory is in the slots that were used, and the next messages come into others as well. */
    fill_with(queue, 50, 100);
    EXPECT_EQ(first.size, 1 * MiB);
    EXPECT_LE(memory(queue), 8 * MiB);
}

TEST(Memory, a_limit_that_no_queue_fits_into_is_refused_with_what_it_takes)
{
    Config config(1000, 1 * MiB);
    config.max_memory = 1 * MiB;
    cq_queue *queue = nullptr;
    const std::string name = unique_name();
    ASSERT_EQ(cq_open(name.c_str(), &config, &queue), CQ_EINVAL);
    char text[500];
    cq_explain(CQ_EINVAL, name.c_str(), &config, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("max_memory 1048576 is too little"), std::string::npos) << text;
    config.max_memory = 32 * MiB;
    config.reserve = 32 * MiB;
    ASSERT_EQ(cq_open(name.c_str(), &config, &queue), CQ_EINVAL);
    cq_explain(CQ_EINVAL, name.c_str(), &config, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("reserve less"), std::string::npos) << text;
}

TEST(Memory, a_full_queue_at_its_limit_says_so)
{
    Config config(1000000, 4096);
    config.max_memory = 2 * MiB;
    Queue queue(config);
    while (queue.enqueue("x") == CQ_OK)
        ;
    char text[500];
    cq_explain(CQ_FULL, queue.name().c_str(), &config, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("max_memory"), std::string::npos) << text;
}

TEST(Memory, a_reserve_is_there_from_the_beginning_and_stays)
{
    for (const size_t size : {size_t{8}, size_t{4096}, size_t{300000}}) {
        Config config(20 * MiB / size, size);
        config.reserve = 8 * MiB;
        Queue queue(config);
        const uint64_t before = memory(queue);
        EXPECT_GE(before, 8 * MiB);
        EXPECT_LE(before, 10 * MiB);
        EXPECT_EQ(queue.stat().reserve, 8 * MiB);
        fill_with(queue, (size == 8 ? 3 * MiB : 6 * MiB) / size, size);
        EXPECT_EQ(memory(queue), before) << size << ": nothing more is needed";
        while (queue.dequeue())
            ;
        ASSERT_EQ(cq_trim(queue, nullptr), CQ_OK);
        EXPECT_EQ(memory(queue), before);
        EXPECT_EQ(queue.fill(), 20 * MiB / size);
    }
}

TEST(Memory, a_process_that_locks_its_memory_takes_no_more_of_the_region)
{
    Queue queue;
    const uint64_t before = memory(queue);
    Child child([&](Channel &) {
        if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
            return 77;
        Handle handle = queue.attach();
        handle.must_enqueue("x");
        return 0;
    });
    const End end = child.join();
    if (end.code == 77)
        GTEST_SKIP() << "this process may not lock its memory";
    EXPECT_EQ(end.code, 0);
    EXPECT_LE(memory(queue), before + 4 * page);
}

/* In a child that locks all of its memory once it has opened the queue, as `how` says. */
template <class Body>
void once_all_is_locked(int how, const Queue &queue, Body body)
{
    const End end = Child([&](Channel &) {
                        Handle handle = queue.attach();
                        if (::mlockall(how) != 0)
                            return 77;
                        body(handle);
                        return testing::Test::HasFailure() ? 1 : 0;
                    }).join();
    if (end.code == 77)
        GTEST_SKIP() << "this process may not lock its memory";
    EXPECT_EQ(end.code, 0);
    EXPECT_EQ(end.signal, 0) << "11 is SIGSEGV: what it needs it must not touch";
}

/* The kernel touches each page that the process may touch itself. */
TEST(Memory, a_process_that_locks_all_it_has_takes_little_more_of_the_region)
{
    Queue queue;
    const uint64_t before = memory(queue);
    once_all_is_locked(MCL_CURRENT | MCL_FUTURE, queue, [&](const Handle &handle) {
        EXPECT_LE(memory(handle), before + 4 * MiB);
        fill_with(handle, 10000, 4096);
        Message message = handle.take();
        EXPECT_EQ(cq_return_after(handle, &message, CQ_TO_TAIL), CQ_OK);
        EXPECT_EQ(queue.attach(CQ_READ_ONLY).walk().size(), 10000u);
        EXPECT_EQ(handle.drain().size(), 10000u);
    });
}

TEST(Memory, that_is_locked_goes_back_when_it_is_drained)
{
    for (const int how : {MCL_CURRENT | MCL_FUTURE, MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT}) {
        Queue queue(Config(20000, 1000));
        once_all_is_locked(how, queue, [&](const Handle &handle) {
            fill_with(handle, 20000, 1000);
            EXPECT_GE(memory(handle), 20 * MiB);
            while (handle.dequeue())
                ;
            EXPECT_TRUE(shrinks_to(handle, 2 * MiB)) << memory(handle);
        });
    }
}

/* What a region had at its largest is there to be touched. */
TEST(Memory, that_only_a_lock_has_given_goes_back)
{
    Queue queue(Config(20000, 1000));
    fill_with(queue, 20000, 1000);
    while (queue.dequeue())
        ;
    ASSERT_EQ(cq_trim(queue, nullptr), CQ_OK);
    const End end = Child([&](Channel &) {
                        Handle handle = queue.attach();
                        handle.recover(); /* looks at all nodes */
                        return ::mlockall(MCL_CURRENT) == 0 ? 0 : 77;
                    }).join();
    if (end.code == 77)
        GTEST_SKIP() << "this process may not lock its memory";
    EXPECT_TRUE(shrinks_to(queue, 2 * MiB)) << memory(queue);
}

TEST(Memory, a_process_that_locks_later_what_it_uses_takes_no_more_of_the_region)
{
    Queue queue;
    const uint64_t before = memory(queue);
    Child child([&](Channel &) {
        Handle handle = queue.attach();
        if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
            return 77;
        handle.must_enqueue("x");
        return 0;
    });
    const End end = child.join();
    if (end.code == 77)
        GTEST_SKIP() << "this process may not lock its memory";
    EXPECT_EQ(end.code, 0);
    EXPECT_LE(memory(queue), before + 4 * page);
}

TEST(Memory, address_space_is_in_proportion_to_what_is_asked_for)
{
    EXPECT_LE(Queue(Config(10, 8)).stat().file_size, 8 * MiB);
    EXPECT_LE(Queue(Config(10, 64 * KiB)).stat().file_size, 24 * MiB);
    EXPECT_LE(Queue(Config(65536, 4096)).stat().file_size, 640 * MiB);
}

TEST(Memory, trimming_needs_a_handle_that_may_write)
{
    Queue queue(Config(10, 8));
    Handle reader = queue.attach(CQ_READ_ONLY);
    EXPECT_EQ(cq_trim(nullptr, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_trim(reader, nullptr), CQ_EREADONLY);
    uint64_t given = 1;
    EXPECT_EQ(cq_trim(queue, &given), CQ_OK);
    EXPECT_EQ(given, 0u);
}

} // namespace
} // namespace cqtest
