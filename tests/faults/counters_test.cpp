/*
 * Every counter of a region about to wrap: the same calls have the same results as in a new region. The sequence of the
 * nodes, which has fewer bits than a word, wraps in tests/unit/wrap_test.cpp and in half the cases here.
 */
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/region_bytes.hpp"

namespace {

using namespace cqtest;

/* All that only ever counts, `before` steps before it begins again. Identities of participants go up by four, the
   version of the orphans by two; the sides' words have two bits of other meaning. */
void wind_up(const RegionBytes &bytes, uint64_t before)
{
    for (const uint64_t offset : {field::holes, field::voided, field::redelivered, field::returned, field::reaped})
        bytes.put<uint64_t>(offset, UINT64_MAX - before);
    bytes.put<uint64_t>(field::orphans, (UINT64_MAX - 2 * before) & ~UINT64_C(1));
    for (const uint64_t side : {field::consumers, field::producers})
        bytes.put<uint32_t>(side, (UINT32_MAX - 4 * static_cast<uint32_t>(before)) & ~UINT32_C(3));
    for (uint64_t id = 2; id < 8; ++id) /* 1 is ours */
        bytes.put<uint64_t>(field::participants + id * field::participant_size, (UINT64_MAX - 4 * before) & ~UINT64_C(3));
    bytes.put<uint32_t>(field::highest_id, 8);
    bytes.put<uint64_t>(field::turn, UINT64_MAX - before);
}

class Script {
public:
    Script(const Shape &shape, bool wound_up, uint64_t before) : queue_(Config(6, 64), shape)
    {
        if (wound_up)
            wind_up(RegionBytes(queue_.path()), before);
        first_ = queue_.stat();
    }

    /* Passes every counter above a few times, and says what it saw. */
    std::string run()
    {
        for (int round = 0; round < 6; ++round) {
            give_back_and_die();
            sleep_and_wake();
            void_one();
            for (const std::string &text : queue_.drain())
                trace_ << "left " << text << '\n';
            trace_ << "room for " << queue_.fill() << '\n';
            queue_.drain();
            note_counts();
        }
        return trace_.str();
    }

private:
    void give_back_and_die()
    {
        queue_.must_enqueue("a");
        queue_.must_enqueue("b");
        Message message = queue_.take();
        trace_ << "return " << cq_return(queue_, &message) << '\n';
        const End end = Child([&](Channel &) {
                            Handle handle = queue_.attach();
                            const Message again = handle.take();
                            (void)handle.reserve(1);
                            ::_exit(static_cast<int>(again.deliveries));
                        }).join();
        const Recovery found = queue_.recover();
        trace_ << "died with delivery " << end.code << "; found " << found.participants << ' ' << found.messages << ' '
               << found.slots << '\n';
        for (int i = 0; i < 2; ++i) {
            message = queue_.take();
            trace_ << message.text() << " delivery " << message.deliveries << " release " << cq_release(queue_, &message)
                   << '\n';
        }
    }

    void sleep_and_wake()
    {
        Child consumer([&](Channel &) {
            char byte = 0;
            return cq_dequeue_wait(queue_.attach(), &byte, 1, nullptr, patience_ns) == CQ_OK ? byte : 1;
        });
        trace_ << "asleep " << eventually([&] { return queue_.stat().waiting_consumers == 1; });
        trace_ << " enqueue " << queue_.enqueue("w") << " woken " << consumer.join().code << '\n';
        queue_.fill();
        Child producer([&](Channel &) { return cq_enqueue_wait(queue_.attach(), "p", 1, patience_ns); });
        trace_ << "asleep " << eventually([&] { return queue_.stat().waiting_producers == 1; });
        trace_ << " dequeue " << queue_.dequeue().value_or("nothing") << " woken " << producer.join().code << '\n';
        queue_.drain();
    }

    void void_one()
    {
        Message slow = queue_.reserve(1), given_up = queue_.reserve(1);
        queue_.must_enqueue("later");
        trace_ << "past it " << queue_.dequeue().value_or("nothing");
        *static_cast<char *>(slow.data) = 's';
        trace_ << " commit " << cq_commit(queue_, &slow, 1) << " abort " << cq_abort(queue_, &given_up) << '\n';
    }

    void note_counts()
    {
        const Stats now = queue_.stat();
        trace_ << "enqueued " << now.enqueued - first_.enqueued << " dequeued " << now.dequeued - first_.dequeued
               << " redelivered " << now.redelivered - first_.redelivered << " returned " << now.returned - first_.returned
               << " voided " << now.voided - first_.voided << " reaped " << now.reaped - first_.reaped << " length "
               << now.length << " participants " << now.participants << '\n';
    }

    Queue queue_;
    Stats first_;
    std::ostringstream trace_;
};

TEST(Fault38, counters_that_wrap_change_no_result)
{
    for (const uint64_t sequence : {UINT64_C(1), last_sequence - 3}) {
        const Shape shape(2, sequence);
        const std::string expected = Script(shape, false, 0).run();
        EXPECT_NE(expected.find("a delivery 3 release 0"), std::string::npos) << expected;
        for (const uint64_t before : {0u, 1u, 2u, 3u, 5u, 8u, 13u})
            ASSERT_EQ(Script(shape, true, before).run(), expected) << before << " before the wrap, from " << sequence;
    }
}

} // namespace
