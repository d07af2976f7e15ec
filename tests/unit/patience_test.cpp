/*
 * How long a reservation that is in the way is waited for, and what a poll looks at: many cost no more than one.
 */
#include <atomic>
#include <csignal>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

/* How often this program yields: once for each time that it is patient. */
static std::atomic<uint64_t> yields{0};
extern "C" int sched_yield() noexcept
{
    ++yields;
    return static_cast<int>(::syscall(SYS_sched_yield));
}

namespace cqtest {
namespace {

using Waited = OverShapes;
CQTEST_OVER_SHAPES(Waited);

using Texts = std::vector<std::string>;

TEST_P(Waited, many_in_a_row_are_waited_for_once)
{
    Queue queue(Config(1000, 16), GetParam());
    const Handle stopped = queue.attach();
    std::vector<Message> late;
    for (uint64_t i = 0; i < 900; ++i)
        late.push_back(stopped.reserve(8));
    queue.must_enqueue("pass");
    const uint64_t before = yields;
    EXPECT_EQ(queue.dequeue(), "pass");
    EXPECT_EQ(yields - before, 1u);
    EXPECT_EQ(queue.stat().voided, 900u);
    Texts expected;
    for (uint64_t i = 0; i < 900; ++i) {
        expected.push_back(std::to_string(i));
        ASSERT_EQ(commit(stopped, late[i], expected.back()), CQ_OK);
    }
    EXPECT_EQ(queue.drain(), expected);
    EXPECT_EQ(queue.fill(), 1000u);
}

TEST_P(Waited, many_between_messages_are_waited_for_once)
{
    Queue queue(Config(1000, 16), GetParam());
    Handle stopped = queue.attach();
    for (uint64_t i = 0; i < 450; ++i) {
        stopped.reserve(8);
        queue.must_enqueue("pass");
    }
    const uint64_t before = yields;
    std::vector<char> buffer(450 * 16);
    std::vector<cq_slice> slices(450);
    size_t done = 0;
    EXPECT_EQ(cq_dequeue_batch(queue, buffer.data(), buffer.size(), slices.data(), slices.size(), &done), CQ_OK);
    EXPECT_EQ(done, 450u);
    EXPECT_EQ(yields - before, 1u);
    EXPECT_EQ(queue.stat().voided, 450u);
    stopped.close();
    EXPECT_EQ(queue.fill(), 1000u);
}

TEST_P(Waited, a_poll_looks_at_no_more_than_4096_of_them)
{
    const uint64_t count = 6000;
    Queue queue(Config(count, 16), GetParam());
    const Handle other = queue.attach();
    std::vector<Message> open;
    for (uint64_t i = 0; i < count; ++i)
        open.push_back(other.reserve(8));
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().voided, 4096u);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().voided, 4096u) << "the others keep their places";
    EXPECT_EQ(queue.fill(), 4096u);
    EXPECT_EQ(queue.drain().size(), 4096u);
    EXPECT_EQ(queue.stat().voided, count) << "but not in front of a message";
    Texts expected;
    for (uint64_t i = 0; i < count; ++i)
        expected.push_back(std::to_string(i));
    for (uint64_t i = 0; i < count; ++i)
        ASSERT_EQ(commit(other, open[i], expected[i]), CQ_OK) << i;
    EXPECT_EQ(queue.drain(), expected);

    for (Message &message : open)
        message = other.reserve(8);
    ASSERT_EQ(queue.enqueue("x"), CQ_OK) << "a producer makes room in front of a row of any length";
    EXPECT_EQ(queue.dequeue(), "x");
    for (Message &message : open)
        ASSERT_EQ(cq_abort(other, &message), CQ_OK);
    EXPECT_EQ(queue.fill(), count);
}

/* Where a copy meets memory that it may not read, in the middle of cq_enqueue. */
struct Unreadable {
    static constexpr size_t size = 1 << 20;
    void *memory;
    int region; /* the queue's file */
    uint64_t state;
};
Unreadable unreadable;

void look_at_the_first_slot(int)
{
    uint64_t nodes = 0;
    if (::pread(unreadable.region, &nodes, sizeof nodes, 112) != sizeof nodes ||
        ::pread(unreadable.region, &unreadable.state, sizeof unreadable.state, static_cast<off_t>(nodes) + 384) !=
            sizeof unreadable.state ||
        ::mprotect(unreadable.memory, Unreadable::size, PROT_READ) != 0)
        ::_exit(1);
}

TEST(Patience, is_asked_for_by_large_messages)
{
    const struct {
        size_t size;
        uint64_t record; /* deliveries, phase and owner of the first slot during the copy; 0: it is untouched */
    } examples[] = {{8, 0}, {16384, 0}, {16385, 0x11001}, {65536, 0x21001}, {1 << 20, 0x61001}};

    for (const auto &example : examples) {
        Queue queue(Config(4, Unreadable::size), Shape(1));
        unreadable.memory = ::mmap(nullptr, Unreadable::size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(unreadable.memory, MAP_FAILED);
        unreadable.region = ::open(queue.path().c_str(), O_RDONLY | O_CLOEXEC);
        struct sigaction look = {}, before;
        look.sa_handler = look_at_the_first_slot;
        ::sigaction(SIGSEGV, &look, &before);
        unreadable.state = 1;
        EXPECT_EQ(cq_enqueue(queue, unreadable.memory, example.size), CQ_OK);
        ::sigaction(SIGSEGV, &before, nullptr);
        EXPECT_EQ(unreadable.state & 0xffffff, example.record) << example.size;
        ::close(unreadable.region);
        ::munmap(unreadable.memory, Unreadable::size);
    }
}

} // namespace
} // namespace cqtest
