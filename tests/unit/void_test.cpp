/*
 * A reservation left open while later messages wait: consumers give its place up, and its commit moves it behind. So do
 * producers of other handles, when reservations are all that fills the queue.
 */
#include <algorithm>
#include <atomic>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Void = OverShapes;
CQTEST_OVER_SHAPES(Void);

using Texts = std::vector<std::string>;

TEST_P(Void, nothing_is_given_up_while_no_later_message_is_there)
{
    Queue queue(Config(4, 16), GetParam());
    Message first = queue.reserve(1);
    Message second = queue.reserve(1);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().voided, 0u);
    ASSERT_EQ(commit(queue, first, "1"), CQ_OK);
    ASSERT_EQ(commit(queue, second, "2"), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"1", "2"}));
}

TEST_P(Void, a_later_message_is_delivered_past_it)
{
    Queue queue(Config(4, 16), GetParam());
    Message late = queue.reserve(4);
    queue.must_enqueue("pass");
    EXPECT_EQ(queue.dequeue(), "pass");
    EXPECT_EQ(queue.stat().voided, 1u);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    ASSERT_EQ(commit(queue, late, "late"), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "late");
}

TEST_P(Void, its_commit_moves_it_behind_what_is_waiting)
{
    Queue queue(Config(8, 16), GetParam());
    Message late = queue.reserve(4);
    for (const char *text : {"a", "b", "c"})
        queue.must_enqueue(text);
    EXPECT_EQ(queue.dequeue(), "a");
    ASSERT_EQ(commit(queue, late, "late"), CQ_OK);
    queue.must_enqueue("d");
    EXPECT_EQ(queue.drain(), (Texts{"b", "c", "late", "d"}));
}

TEST_P(Void, its_contents_move_with_it)
{
    Queue queue(Config(4, 1000), GetParam());
    for (const size_t size : {0u, 1u, 999u, 1000u}) {
        const std::string text = bytes(size, size);
        Message late = queue.reserve(1000);
        queue.must_enqueue("pass");
        ASSERT_EQ(queue.dequeue(), "pass");
        ASSERT_EQ(commit(queue, late, text), CQ_OK);
        EXPECT_EQ(queue.dequeue(), text) << size;
    }
}

TEST_P(Void, its_final_position_is_that_of_its_new_place)
{
    Queue queue(Config(4, 16), GetParam());
    Message late = queue.reserve(4);
    const uint64_t reserved_at = late.position;
    queue.must_enqueue("pass");
    ASSERT_EQ(queue.dequeue(), "pass");
    ASSERT_EQ(commit(queue, late, "late"), CQ_OK);
    EXPECT_NE(late.position, reserved_at);
    Message taken = queue.take();
    EXPECT_EQ(taken.position, late.position);
    EXPECT_EQ(taken.deliveries, 1u);
    EXPECT_EQ(cq_release(queue, &taken), CQ_OK);
}

TEST_P(Void, commit_on_a_queue_that_is_full_by_now_keeps_the_reservation)
{
    Queue queue(Config(2, 16), GetParam());
    Message late = queue.reserve(4);
    std::memcpy(late.data, "late", 4);
    queue.must_enqueue("a");
    ASSERT_EQ(queue.dequeue(), "a");
    queue.must_enqueue("b");
    queue.must_enqueue("c");
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(cq_commit(queue, &late, 4), CQ_FULL);
    ASSERT_NE(late.data, nullptr);
    EXPECT_EQ(late.text(), "late");
    EXPECT_EQ(queue.dequeue(), "b");
    EXPECT_EQ(cq_commit(queue, &late, 4), CQ_OK);
    EXPECT_EQ(cq_commit(queue, &late, 4), CQ_ENOTHELD);
    EXPECT_EQ(queue.drain(), (Texts{"c", "late"}));
}

TEST_P(Void, a_commit_refused_as_full_may_be_repeated_with_another_size)
{
    Queue queue(Config(2, 16), GetParam());
    Message late = queue.reserve(16);
    std::memcpy(late.data, "0123456789abcdef", 16);
    queue.must_enqueue("a");
    ASSERT_EQ(queue.dequeue(), "a");
    ASSERT_EQ(queue.fill("f"), 2u);
    for (size_t size = 0; size <= 16; ++size) {
        ASSERT_EQ(cq_commit(queue, &late, size), CQ_FULL);
        ASSERT_EQ(late.text(), "0123456789abcdef") << "the reservation must stay as it was, size " << size;
    }
    queue.drain();
    ASSERT_EQ(cq_commit(queue, &late, 16), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "0123456789abcdef");
}

TEST_P(Void, a_message_to_be_redelivered_is_not_a_later_one)
{
    Queue queue(Config(1, 16), GetParam());
    queue.must_enqueue("a");
    Message taken = queue.take();
    Message held = queue.reserve(4);
    ASSERT_EQ(cq_return(queue, &taken), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "a");
    EXPECT_EQ(queue.stat().voided, 0u);
    const uint64_t reserved_at = held.position;
    ASSERT_EQ(commit(queue, held, "held"), CQ_OK);
    EXPECT_EQ(held.position, reserved_at);
    EXPECT_EQ(queue.dequeue(), "held");
}

TEST_P(Void, abort_of_a_voided_reservation_leaves_nothing)
{
    Queue queue(Config(2, 16), GetParam());
    for (uint64_t i = 0; i < 2 * k() + 2; ++i) {
        Message late = queue.reserve(4);
        queue.must_enqueue("pass");
        ASSERT_EQ(queue.dequeue(), "pass");
        ASSERT_EQ(cq_abort(queue, &late), CQ_OK);
        ASSERT_EQ(cq_abort(queue, &late), CQ_ENOTHELD);
        ASSERT_EQ(queue.dequeue(), std::nullopt);
    }
    EXPECT_EQ(queue.fill(), 2u);
}

TEST_P(Void, abort_after_a_commit_was_refused_as_full)
{
    Queue queue(Config(2, 16), GetParam());
    Message late = queue.reserve(4);
    queue.must_enqueue("a");
    ASSERT_EQ(queue.dequeue(), "a");
    ASSERT_EQ(queue.fill("f"), 2u);
    ASSERT_EQ(cq_commit(queue, &late, 4), CQ_FULL);
    EXPECT_EQ(cq_abort(queue, &late), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"f", "f"}));
    EXPECT_EQ(queue.fill(), 2u);
}

TEST_P(Void, several_in_a_row_are_all_given_up)
{
    const uint64_t count = std::min<uint64_t>(2 * k() + 1, 20);
    Queue queue(Config(count + 1, 16), GetParam());
    std::vector<Message> late;
    for (uint64_t i = 0; i < count; ++i)
        late.push_back(queue.reserve(8));
    queue.must_enqueue("pass");
    EXPECT_EQ(queue.dequeue(), "pass");
    EXPECT_EQ(queue.stat().voided, count);
    /* They move in the order of their commits. */
    Texts expected;
    for (uint64_t i = count; i-- > 0;) {
        expected.push_back(std::to_string(i));
        ASSERT_EQ(commit(queue, late[i], expected.back()), CQ_OK);
    }
    EXPECT_EQ(queue.drain(), expected);
    EXPECT_EQ(queue.fill(), count + 1);
}

TEST_P(Void, only_what_is_in_front_of_a_message_is_given_up)
{
    Queue queue(Config(6, 16), GetParam());
    Message first = queue.reserve(5);
    queue.must_enqueue("a");
    Message second = queue.reserve(6);
    ASSERT_EQ(queue.dequeue(), "a");
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().voided, 1u);
    ASSERT_EQ(commit(queue, first, "first"), CQ_OK);
    ASSERT_EQ(commit(queue, second, "second"), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"second", "first"}));
}

TEST_P(Void, take_and_batches_pass_it_as_well)
{
    Queue queue(Config(6, 16), GetParam());
    Message late = queue.reserve(4);
    queue.must_enqueue("a");
    Message taken = queue.take();
    EXPECT_EQ(taken.text(), "a");
    ASSERT_EQ(cq_release(queue, &taken), CQ_OK);
    ASSERT_EQ(cq_abort(queue, &late), CQ_OK);

    late = queue.reserve(4);
    queue.must_enqueue("b");
    char buffer[16];
    cq_slice slices[2];
    size_t done = 0;
    EXPECT_EQ(cq_dequeue_batch(queue, buffer, sizeof buffer, slices, 2, &done), CQ_OK);
    EXPECT_EQ(done, 1u);
    EXPECT_EQ(std::string(buffer, 1), "b");
    ASSERT_EQ(cq_abort(queue, &late), CQ_OK);
    EXPECT_EQ(queue.stat().voided, 2u);
}

TEST_P(Void, a_walk_gives_nothing_up)
{
    Queue queue(Config(4, 16), GetParam());
    Message held = queue.reserve(4);
    queue.must_enqueue("behind");
    EXPECT_EQ(queue.walk(), Texts{"behind"});
    EXPECT_EQ(queue.stat().voided, 0u);
    ASSERT_EQ(commit(queue, held, "here"), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"here", "behind"}));
}

TEST_P(Void, nodes_with_a_voided_reservation_serve_again_when_it_is_over)
{
    Queue queue(Config(4, 16), GetParam());
    for (uint64_t round = 0; round < 5 * k() + 5; ++round) {
        Message late = queue.reserve(4);
        queue.must_enqueue("pass");
        ASSERT_EQ(queue.dequeue(), "pass");
        for (int i = 0; i < 6; ++i) {
            queue.must_enqueue("more");
            ASSERT_EQ(queue.dequeue(), "more");
        }
        ASSERT_EQ(commit(queue, late, "late"), CQ_OK) << round;
        ASSERT_EQ(queue.dequeue(), "late");
    }
    EXPECT_EQ(queue.fill(), 4u);
}

TEST_P(Void, another_handles_reservations_do_not_keep_the_queue_full)
{
    for (const uint64_t capacity : {uint64_t{1}, uint64_t{3}, k() + 1}) {
        Queue queue(Config(capacity, 16), GetParam());
        const Handle other = queue.attach();
        std::vector<Message> open;
        for (uint64_t i = 0; i < capacity; ++i)
            open.push_back(other.reserve(8));
        EXPECT_EQ(queue.dequeue(), std::nullopt);
        ASSERT_EQ(queue.enqueue("a"), CQ_OK) << capacity;
        EXPECT_EQ(queue.stat().voided, 1u) << "no more than was needed";
        EXPECT_EQ(queue.enqueue("b"), CQ_FULL) << "there is a message that consumers may take";
        EXPECT_EQ(commit(other, open[0], "late"), CQ_FULL);
        EXPECT_EQ(queue.dequeue(), "a");
        Texts expected;
        for (uint64_t i = 0; i < capacity; ++i) {
            expected.push_back(std::to_string(i));
            ASSERT_EQ(commit(other, open[i], expected.back()), CQ_OK) << i;
        }
        EXPECT_EQ(queue.drain(), expected);
        EXPECT_EQ(queue.fill(), capacity);
    }
}

TEST_P(Void, every_way_to_enqueue_passes_them)
{
    Queue queue(Config(2, 16), GetParam());
    const Handle other = queue.attach();
    const auto fill_up = [&] { return std::vector<Message>{other.reserve(4), other.reserve(4)}; };
    const auto clear = [&](std::vector<Message> open) {
        EXPECT_TRUE(queue.dequeue().has_value());
        for (Message &message : open)
            EXPECT_EQ(cq_abort(other, &message), CQ_OK);
        EXPECT_EQ(queue.dequeue(), std::nullopt);
    };

    std::vector<Message> open = fill_up();
    EXPECT_EQ(cq_enqueue_wait(queue, "a", 1, 0), CQ_OK);
    clear(open);

    open = fill_up();
    const cq_slice batch[] = {{const_cast<char *>("a"), 1}, {const_cast<char *>("b"), 1}};
    size_t done = 0;
    EXPECT_EQ(cq_enqueue_batch(queue, batch, 2, &done), CQ_FULL);
    EXPECT_EQ(done, 1u);
    clear(open);

    open = fill_up();
    Message mine = queue.reserve(1);
    ASSERT_EQ(commit(queue, mine, "a"), CQ_OK);
    clear(open);

    /* A reservation that was voided itself. */
    mine = queue.reserve(1);
    Message first = other.reserve(4);
    ASSERT_EQ(other.enqueue("x"), CQ_OK);
    ASSERT_EQ(queue.dequeue(), "x");
    ASSERT_EQ(cq_abort(other, &first), CQ_OK);
    open = fill_up();
    ASSERT_EQ(commit(queue, mine, "a"), CQ_OK);
    clear(open);
    EXPECT_EQ(queue.fill(), 2u);
}

TEST_P(Void, a_handles_own_reservations_do_keep_it_full)
{
    Queue queue(Config(1, 16), GetParam());
    Message open = queue.reserve(4);
    Message second;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(queue.enqueue("x"), CQ_FULL);
        EXPECT_EQ(cq_reserve(queue, 1, &second), CQ_FULL);
    }
    EXPECT_EQ(queue.stat().voided, 0u);
    const uint64_t reserved_at = open.position;
    ASSERT_EQ(commit(queue, open, "open"), CQ_OK);
    EXPECT_EQ(open.position, reserved_at);
    EXPECT_EQ(queue.dequeue(), "open");
}

TEST_P(Void, room_fd_is_readable_behind_anothers_reservation_only)
{
    Queue queue(Config(1, 16), GetParam());
    int fd = -1;
    ASSERT_EQ(cq_room_fd(queue, &fd), CQ_OK);
    const auto readable = [&](int milliseconds) {
        pollfd ready{fd, POLLIN, 0};
        return ::poll(&ready, 1, milliseconds) == 1;
    };
    Message open = queue.reserve(4);
    EXPECT_EQ(queue.enqueue("x"), CQ_FULL);
    EXPECT_FALSE(readable(250)) << "nothing makes room but the handle itself";
    ASSERT_EQ(cq_abort(queue, &open), CQ_OK);
    EXPECT_TRUE(readable(60000));
    const Handle other = queue.attach();
    open = other.reserve(4);
    EXPECT_TRUE(readable(60000));
    EXPECT_EQ(queue.enqueue("x"), CQ_OK);
    EXPECT_EQ(queue.enqueue("y"), CQ_FULL);
    EXPECT_FALSE(readable(0));
    EXPECT_EQ(cq_abort(other, &open), CQ_OK);
}

} // namespace
} // namespace cqtest
