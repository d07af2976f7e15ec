/*
 * Peers that only poll, and neither wait nor open nor recover: what a dead one holds comes back to them all the same. Each
 * does nothing but one call, again and again.
 */
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"

namespace {

using namespace cqtest;

/* A death that is in the way is found in a tenth of a second. This much on a machine that has other things to do. */
constexpr seconds soon{10};
constexpr uint64_t capacity = 8;

struct Poll {
    const char *name;
    int (*call)(cq_queue *queue, Message &message);
};

void PrintTo(const Poll &poll, std::ostream *out) { *out << poll.name; }

std::string poll_name(const ::testing::TestParamInfo<Poll> &info) { return info.param.name; }

/* What a call that is made every millisecond returns once it is neither full nor empty. */
int polled(const Poll &poll, cq_queue *queue, Message &message)
{
    int result = CQ_OK;
    eventually([&] {
        result = poll.call(queue, message);
        return result != CQ_FULL && result != CQ_EMPTY && result != CQ_TIMEOUT;
    }, soon);
    return result;
}

const Poll producers[] = {
    {"enqueue", [](cq_queue *queue, Message &) { return cq_enqueue(queue, "new", 3); }},
    {"enqueue_batch",
     [](cq_queue *queue, Message &) {
         const cq_slice slices[2] = {{const_cast<char *>("new"), 3}, {const_cast<char *>("newer"), 5}};
         size_t done = 0;
         return cq_enqueue_batch(queue, slices, 2, &done);
     }},
    {"enqueue_wait", [](cq_queue *queue, Message &) { return cq_enqueue_wait(queue, "new", 3, 0); }},
    {"reserve",
     [](cq_queue *queue, Message &) {
         Message message;
         return cq_reserve(queue, 3, &message);
     }},
    /* Of a reservation whose place was given up. */
    {"commit", [](cq_queue *queue, Message &message) { return cq_commit(queue, &message, 3); }},
};

class PollingProducer : public ::testing::TestWithParam<Poll> {};
INSTANTIATE_TEST_SUITE_P(, PollingProducer, ::testing::ValuesIn(producers), poll_name);

/* A reservation that a consumer went past. */
Message voided(const Queue &queue)
{
    Message message = queue.reserve(3);
    queue.must_enqueue("later");
    EXPECT_EQ(queue.dequeue(), "later");
    return message;
}

TEST_P(PollingProducer, gets_the_room_that_a_dead_producer_held)
{
    for (const uint64_t waiting : {UINT64_C(0), capacity / 2}) {
        SCOPED_TRACE(testing::Message() << waiting << " messages before what the dead one held");
        Queue queue(Config(capacity, 16));
        Message message = voided(queue);
        for (uint64_t i = 0; i < waiting; ++i)
            queue.must_enqueue("old");
        ASSERT_TRUE(dies_holding(queue, [&](const Handle &handle) {
            for (uint64_t i = waiting; i < capacity; ++i)
                handle.reserve(16);
        }));
        EXPECT_EQ(polled(GetParam(), queue, message), CQ_OK);
        EXPECT_EQ(queue.stat().reaped, 1u);
    }
}

const Poll consumers[] = {
    {"dequeue",
     [](cq_queue *queue, Message &message) {
         static char buffer[16];
         message.data = buffer;
         return cq_dequeue(queue, buffer, sizeof buffer, &message.size);
     }},
    {"dequeue_batch",
     [](cq_queue *queue, Message &message) {
         static char buffer[64];
         cq_slice slices[4];
         size_t done = 0;
         const int result = cq_dequeue_batch(queue, buffer, sizeof buffer, slices, 4, &done);
         message.data = slices[0].data;
         message.size = done == 1 ? slices[0].size : 0;
         return result;
     }},
    {"dequeue_wait",
     [](cq_queue *queue, Message &message) {
         static char buffer[16];
         message.data = buffer;
         return cq_dequeue_wait(queue, buffer, sizeof buffer, &message.size, 0);
     }},
    {"take", [](cq_queue *queue, Message &message) { return cq_take(queue, &message); }},
    {"take_wait", [](cq_queue *queue, Message &message) { return cq_take_wait(queue, &message, 0); }},
};

class PollingConsumer : public ::testing::TestWithParam<Poll> {};
INSTANTIATE_TEST_SUITE_P(, PollingConsumer, ::testing::ValuesIn(consumers), poll_name);

TEST_P(PollingConsumer, gets_the_message_that_a_dead_consumer_held)
{
    Queue queue(Config(1000, 16));
    queue.must_enqueue("precious");
    ASSERT_TRUE(dies_holding(queue, [](const Handle &handle) { handle.take(); }));
    Message message;
    ASSERT_EQ(polled(GetParam(), queue, message), CQ_OK);
    EXPECT_EQ(message.text(), "precious");
}

/* Empty because of claims that nobody will publish: producers may be waiting for just these. */
TEST_P(PollingConsumer, finds_a_dead_producer_that_is_in_the_way)
{
    Queue queue(Config(capacity, 16));
    Handle witness = queue.attach(CQ_READ_ONLY);
    ASSERT_TRUE(dies_holding(queue, [](const Handle &handle) {
        for (uint64_t i = 0; i < capacity; ++i)
            handle.reserve(16);
    }));
    EXPECT_TRUE(eventually([&] {
        Message message;
        EXPECT_NE(GetParam().call(queue, message), CQ_OK);
        return witness.stat().reaped == 1;
    }, soon));
    EXPECT_EQ(queue.fill(), capacity);
}

int found_one(uint64_t shown) { return shown == 1 ? CQ_OK : CQ_EMPTY; }

template <class Shown>
int count(const Shown *, void *context)
{
    ++*static_cast<uint64_t *>(context);
    return 0;
}

/* Those that only look on: OK once they show the message that waits, or no participant but this. */
const Poll onlookers[] = {
    {"length",
     [](cq_queue *queue, Message &) {
         uint64_t length = 0;
         EXPECT_EQ(cq_length(queue, &length), CQ_OK);
         return found_one(length);
     }},
    {"walk",
     [](cq_queue *queue, Message &) {
         uint64_t shown = 0;
         EXPECT_EQ(cq_walk(queue, count<cq_message>, &shown), CQ_OK);
         return found_one(shown);
     }},
    {"stat",
     [](cq_queue *queue, Message &) {
         cq_stats stats{};
         stats.struct_size = sizeof stats;
         EXPECT_EQ(cq_stat(queue, &stats), CQ_OK);
         return found_one(stats.length);
     }},
    {"participants",
     [](cq_queue *queue, Message &) {
         uint64_t shown = 0;
         EXPECT_EQ(cq_participants(queue, count<cq_participant>, &shown), CQ_OK);
         return found_one(shown);
     }},
};

class PollingOnlooker : public ::testing::TestWithParam<Poll> {};
INSTANTIATE_TEST_SUITE_P(, PollingOnlooker, ::testing::ValuesIn(onlookers), poll_name);

TEST_P(PollingOnlooker, sees_the_message_that_a_dead_consumer_held)
{
    Queue queue(Config(1000, 16));
    queue.must_enqueue("precious");
    ASSERT_TRUE(dies_holding(queue, [](const Handle &handle) { handle.take(); }));
    Message message;
    ASSERT_EQ(polled(GetParam(), queue, message), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "precious");
}

/* An event loop polls too, and calls nothing before there is something. */
TEST(PollingDescriptors, tell_of_what_dead_peers_held)
{
    const auto readable = [](int fd) {
        pollfd wanted{fd, POLLIN, 0};
        return ::poll(&wanted, 1, static_cast<int>(milliseconds(soon).count())) == 1;
    };
    Queue queue(Config(capacity, 16));
    int fd = -1;
    ASSERT_EQ(cq_fd(queue, &fd), CQ_OK);
    queue.must_enqueue("precious");
    ASSERT_TRUE(dies_holding(queue, [](const Handle &handle) { handle.take(); }));
    const auto end = Clock::now() + soon;
    std::optional<std::string> text;
    while (readable(fd) && !(text = queue.dequeue()) && Clock::now() < end)
        ;
    EXPECT_EQ(text, "precious");

    ASSERT_EQ(cq_room_fd(queue, &fd), CQ_OK);
    ASSERT_TRUE(dies_holding(queue, [](const Handle &handle) {
        for (uint64_t i = 0; i < capacity; ++i)
            handle.reserve(16);
    }));
    int result = CQ_FULL;
    const auto last = Clock::now() + soon;
    while (readable(fd) && (result = queue.enqueue("new")) == CQ_FULL && Clock::now() < last)
        ;
    EXPECT_EQ(result, CQ_OK);
}

} // namespace
