/* Messages that are given up: delivered too often, or too old. And the times at which they were enqueued. */
#include <thread>

#include "support/leftovers.hpp"
#include "support/outgoing.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Letters = OverShapes;
CQTEST_OVER_SHAPES(Letters);

using Texts = std::vector<std::string>;
constexpr int64_t ms = 1'000'000;

/* `letters` must outlive it. */
Config giving_up(const Queue &letters, uint64_t max_deliveries, int64_t time_to_live = 0)
{
    Config config(1000, 16);
    config.max_deliveries = max_deliveries;
    config.time_to_live = time_to_live;
    config.dead_letter = letters.name().c_str();
    return config;
}

void take_and_return(const Handle &queue, const std::string &text, uint32_t times)
{
    for (uint32_t i = 1; i <= times; ++i) {
        Message message = queue.take();
        ASSERT_EQ(message.text(), text);
        ASSERT_EQ(message.deliveries, i);
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    }
}

TEST_P(Letters, are_delivered_as_often_as_allowed)
{
    for (const uint32_t most : {1u, 2u, 5u}) {
        Queue letters(Config(1000, 16), GetParam()), queue(giving_up(letters, most), GetParam());
        for (int i = 0; i < 200; ++i)
            queue.must_enqueue("bad" + std::to_string(i));
        queue.must_enqueue("good");
        Texts expected;
        for (int i = 0; i < 200; ++i) {
            expected.push_back("bad" + std::to_string(i));
            take_and_return(queue, expected.back(), most);
        }
        EXPECT_EQ(queue.drain(), Texts{"good"});
        EXPECT_EQ(letters.drain(), expected);
        EXPECT_EQ(queue.stat().dead_lettered, 200u);
        EXPECT_EQ(queue.stat().dead_letter_result, CQ_OK);
        EXPECT_EQ(queue.stat().max_deliveries, most);
        EXPECT_EQ(std::string(queue.stat().dead_letter), letters.name());
    }
}

TEST_P(Letters, held_by_the_dead_are_given_up_too)
{
    Queue letters(Config(10, 16), GetParam()), queue(giving_up(letters, 2), GetParam());
    queue.must_enqueue("bad");
    for (int i = 0; i < 2; ++i)
        queue.attach().take(); /* and closed with it */
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(letters.drain(), Texts{"bad"});
}

TEST(LettersStay, while_the_other_queue_cannot_take_them)
{
    const std::string name = unique_name();
    Config config(10, 16);
    config.max_deliveries = 1;
    config.dead_letter = name.c_str();
    Queue queue(config);
    for (const char *text : {"a", "b", "c", "good"})
        queue.must_enqueue(text);
    for (int i = 0; i < 3; ++i) {
        Message message = queue.take();
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    }
    EXPECT_EQ(queue.stat().dead_letter_result, CQ_ENOENT);
    EXPECT_EQ(queue.stat().spent, 3u);
    EXPECT_EQ(queue.dequeue(), "good") << "no other message is held up";
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    {
        Queue letters(Config(2, 16), Shape(), name);
        const auto wait_for = [&](uint64_t moved) {
            EXPECT_TRUE(eventually([&] {
                EXPECT_EQ(queue.dequeue(), std::nullopt);
                return queue.stat().dead_lettered >= moved;
            }));
        };
        wait_for(2);
        std::this_thread::sleep_for(std::chrono::milliseconds(600));
        EXPECT_EQ(queue.dequeue(), std::nullopt);
        EXPECT_EQ(queue.stat().dead_letter_result, CQ_FULL);
        EXPECT_EQ(letters.drain(), (Texts{"a", "b"}));
        wait_for(3);
        EXPECT_EQ(letters.drain(), Texts{"c"});
    }
}

TEST(LettersWith, headers_say_why)
{
    Config with_headers(10, 16);
    with_headers.max_headers = 300;
    Queue letters(with_headers);
    Config config = giving_up(letters, 1);
    config.max_headers = 100;
    Queue queue(config);
    const std::string headers = headers_of({{"key", "value"}});
    const cq_outgoing message = outgoing("bad", headers);
    ASSERT_EQ(cq_enqueue_message(queue, &message, 0), CQ_OK);
    take_and_return(queue, "bad", 1);
    Message letter = letters.take();
    EXPECT_EQ(map_of(letters, letter), (Map{{"key", "value"}, {"cq-dead-letter", "deliveries"},
                                           {"cq-queue", queue.name()}, {"cq-deliveries", "1"}}));
}

TEST(Expired, messages_are_dropped_or_moved)
{
    Queue letters(Config(10, 16));
    Config dropping(10, 16);
    dropping.time_to_live = 50 * ms;
    Queue dropped(dropping), moved(giving_up(letters, 0, 50 * ms));
    for (const Queue *queue : {&dropped, &moved}) {
        queue->must_enqueue("old");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        queue->must_enqueue("new");
        Message message;
        ASSERT_EQ(cq_take(*queue, &message), CQ_OK);
        EXPECT_EQ(message.text(), "new");
        EXPECT_EQ(cq_release(*queue, &message), CQ_OK);
        EXPECT_EQ(queue->stat().expired, 1u);
        EXPECT_EQ(queue->length(), 0u);
    }
    EXPECT_EQ(letters.drain(), Texts{"old"});
}

TEST(EnqueueTimes, are_those_of_the_date)
{
    Queue plain(Config(10, 16)), queue(Config(10, 16, CQ_ENQUEUE_TIMES));
    EXPECT_EQ(plain.stat().enqueue_times, 0u);
    EXPECT_EQ(queue.stat().enqueue_times, 1u);
    EXPECT_EQ(queue.stat().oldest_age, 0);
    const auto now = [] {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    };
    const int64_t before = now() - 20 * ms;
    queue.must_enqueue("a");
    Message reserved = queue.reserve(1);
    ASSERT_EQ(cq_commit(queue, &reserved, 1), CQ_OK);
    const int64_t after = now();
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    EXPECT_GE(queue.stat().oldest_age, 40 * ms);
    for (int i = 0; i < 2; ++i) {
        Message message = queue.take();
        int64_t when = 0;
        ASSERT_EQ(cq_enqueue_time(queue, &message, &when), CQ_OK);
        EXPECT_GE(when, before);
        EXPECT_LE(when, after);
        ASSERT_EQ(i == 0 ? cq_return(queue, &message) : cq_release(queue, &message), CQ_OK);
    }
    EXPECT_EQ(open_result(plain.name(), Config(0, 0, CQ_ENQUEUE_TIMES)), CQ_EMISMATCH);
}

TEST(LettersConfig, that_contradicts_itself_is_refused)
{
    const auto result = [](uint64_t most, const char *letters, int64_t life) {
        Config config(10, 16, CQ_EXCLUSIVE);
        config.max_deliveries = most;
        config.dead_letter = letters;
        config.time_to_live = life;
        const std::string name = unique_name();
        if (letters && std::string(letters) == "itself")
            config.dead_letter = name.c_str();
        const int opened = open_result(name, config);
        cq_unlink(name.c_str(), nullptr);
        char text[400];
        cq_explain(CQ_EINVAL, name.c_str(), &config, 0, text, sizeof text);
        return opened == CQ_EINVAL ? std::string(text).substr(name.size() + 4) : std::to_string(opened);
    };
    EXPECT_EQ(result(1, nullptr, 0).substr(0, 42), "max_deliveries is 1, and dead_letter names");
    EXPECT_EQ(result(255, "x", 0), "max_deliveries 255 is more than 254, the maximum");
    EXPECT_EQ(result(0, "x", 0).substr(0, 47), "dead_letter is \"x\", and nothing sends messages ");
    EXPECT_EQ(result(1, "no/name", 0).substr(0, 37), "dead_letter \"no/name\" is no name of a");
    EXPECT_EQ(result(1, "itself", 0).substr(0, 32), "dead_letter is the queue itself,");
    EXPECT_EQ(result(0, nullptr, -1).substr(0, 27), "time_to_live -1 is negative");
    EXPECT_EQ(result(254, "x", 1), "0");
}

} // namespace
} // namespace cqtest
