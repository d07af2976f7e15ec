/* cq_walk: copies of the waiting messages in the order of delivery. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Walk = OverShapes;
CQTEST_OVER_SHAPES(Walk);

using Texts = std::vector<std::string>;

TEST_P(Walk, of_an_empty_queue_shows_nothing)
{
    Queue queue(Config(4, 16), GetParam());
    EXPECT_TRUE(queue.walk().empty());
    queue.must_enqueue("x");
    queue.dequeue();
    EXPECT_TRUE(queue.walk().empty());
}

TEST_P(Walk, shows_every_message_and_takes_none)
{
    const uint64_t count = 3 * k() + 2;
    Queue queue(Config(count, 300), GetParam());
    Texts sent;
    for (uint64_t i = 0; i < count; ++i) {
        sent.push_back(bytes(i, i % 301));
        queue.must_enqueue(sent.back());
    }
    EXPECT_EQ(queue.walk(), sent);
    EXPECT_EQ(queue.walk(), sent);
    EXPECT_EQ(queue.stat().length, count);
    EXPECT_EQ(queue.drain(), sent);
}

TEST_P(Walk, begins_where_consumers_are)
{
    Queue queue(Config(3 * k() + 3, 16), GetParam());
    for (uint64_t i = 0; i < 3 * k() + 3; ++i)
        queue.must_enqueue(std::to_string(i));
    for (uint64_t taken = 0; taken < 3 * k() + 3; ++taken) {
        const Texts rest = queue.walk();
        ASSERT_EQ(rest.size(), 3 * k() + 3 - taken);
        ASSERT_EQ(rest.front(), std::to_string(taken));
        ASSERT_EQ(queue.dequeue(), rest.front());
        if (k() > 8 && taken % k() == 1) /* the middle of a node is all alike */
            for (; taken % k() < k() - 2; ++taken)
                queue.dequeue();
    }
}

struct Counted {
    int calls = 0;
    int stop_at = 0;
};

int count_and_stop(const cq_message *, void *context)
{
    auto *counted = static_cast<Counted *>(context);
    return ++counted->calls == counted->stop_at ? 7 : 0;
}

TEST_P(Walk, stops_when_the_visitor_says_so)
{
    Queue queue(Config(5, 16), GetParam());
    ASSERT_EQ(queue.fill(), 5u);
    for (int stop_at = 1; stop_at <= 5; ++stop_at) {
        Counted counted{0, stop_at};
        EXPECT_EQ(cq_walk(queue, count_and_stop, &counted), CQ_OK);
        EXPECT_EQ(counted.calls, stop_at);
    }
}

TEST_P(Walk, stops_in_messages_to_be_redelivered_as_well)
{
    Queue queue(Config(5, 16), GetParam());
    ASSERT_EQ(queue.fill(), 5u);
    Message a = queue.take();
    Message b = queue.take();
    ASSERT_EQ(cq_return(queue, &a), CQ_OK);
    ASSERT_EQ(cq_return(queue, &b), CQ_OK);
    Counted counted{0, 1};
    EXPECT_EQ(cq_walk(queue, count_and_stop, &counted), CQ_OK);
    EXPECT_EQ(counted.calls, 1);
}

int overwrite(const cq_message *message, void *)
{
    std::memset(message->data, '#', message->size);
    return 0;
}

TEST_P(Walk, shows_copies)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("safe");
    ASSERT_EQ(cq_walk(queue, overwrite, nullptr), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "safe");
}

int note(const cq_message *message, void *context)
{
    static_cast<std::vector<cq_message> *>(context)->push_back(*message);
    return 0;
}

TEST_P(Walk, tells_position_and_deliveries_that_a_take_would)
{
    Queue queue(Config(4, 16), GetParam());
    for (const char *text : {"a", "b", "c"})
        queue.must_enqueue(text);
    Message message = queue.take();
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    std::vector<cq_message> seen;
    ASSERT_EQ(cq_walk(queue, note, &seen), CQ_OK);
    ASSERT_EQ(seen.size(), 3u);
    const uint32_t deliveries[] = {2, 1, 1};
    for (size_t i = 0; i < 3; ++i) {
        message = queue.take();
        EXPECT_EQ(seen[i].position, message.position);
        EXPECT_EQ(message.deliveries, deliveries[i]);
        EXPECT_EQ(seen[i].deliveries, deliveries[i]);
        EXPECT_EQ(seen[i].size, 1u);
        EXPECT_EQ(seen[i].struct_size, sizeof(cq_message));
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    }
}

TEST_P(Walk, tells_no_more_than_255_deliveries)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("a");
    for (int i = 0; i < 260; ++i) {
        Message message = queue.take();
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    }
    std::vector<cq_message> seen;
    ASSERT_EQ(cq_walk(queue, note, &seen), CQ_OK);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].deliveries, 255u);
}

int release_shown(const cq_message *message, void *context)
{
    cq_message copy = *message;
    return cq_release(*static_cast<Handle *>(context), &copy) == CQ_ENOTHELD ? 0 : 1;
}

TEST_P(Walk, does_not_hand_over_what_it_shows)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    EXPECT_EQ(cq_walk(queue, release_shown, static_cast<Handle *>(&queue)), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST_P(Walk, shows_messages_to_be_redelivered_first)
{
    Queue queue(Config(6, 16), GetParam());
    for (const char *text : {"a", "b", "c", "d"})
        queue.must_enqueue(text);
    Message a = queue.take();
    Message b = queue.take();
    Message c = queue.take();
    ASSERT_EQ(cq_return(queue, &c), CQ_OK);
    ASSERT_EQ(cq_return(queue, &a), CQ_OK);
    queue.must_enqueue("e");
    EXPECT_EQ(queue.walk(), (Texts{"a", "c", "d", "e"})) << "b is held";
    ASSERT_EQ(cq_release(queue, &b), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"a", "c", "d", "e"}));
}

TEST_P(Walk, skips_places_without_a_message)
{
    Queue queue(Config(6, 16), GetParam());
    queue.must_enqueue("a");
    Message open = queue.reserve(4);
    Message given_up = queue.reserve(4);
    queue.must_enqueue("b");
    ASSERT_EQ(cq_abort(queue, &given_up), CQ_OK);
    EXPECT_EQ(queue.walk(), (Texts{"a", "b"}));
    ASSERT_EQ(cq_abort(queue, &open), CQ_OK);
}

/* The visitor may use the queue, even the very messages that are walked. */
int dequeue_while_walking(const cq_message *, void *context)
{
    auto *queue = static_cast<Handle *>(context);
    return queue->dequeue() && queue->enqueue("new") == CQ_OK ? 0 : 1;
}

TEST_P(Walk, ends_although_the_queue_changes_under_it)
{
    Shape few_nodes = GetParam(); // a walk may go on for as many nodes as there are
    few_nodes.hole_slots = 16;
    few_nodes.spare_nodes = 16;
    Queue queue(Config(2 * k() + 2, 16), few_nodes);
    const uint64_t count = queue.fill();
    EXPECT_EQ(cq_walk(queue, dequeue_while_walking, static_cast<Handle *>(&queue)), CQ_OK);
    EXPECT_EQ(queue.drain().size(), count);
}

} // namespace
} // namespace cqtest
