/*
 * A peer that does harm while others work: it rewrites what they read, never stops changing words, or cuts the file. What
 * words may say at rest is in corruption_test.cpp and header_test.cpp.
 */
#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "faults/corruption.hpp"
#include "faults/file_systems.hpp"
#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/seed.hpp"

namespace {

using namespace cqtest;

/* A peer that calls body() until the test is over. */
class Attacker {
public:
    template <class Body>
    Attacker(const Queue &queue, Body body)
        : child_([&queue, body, this](Channel &channel) {
              const RegionBytes bytes(queue.path());
              channel.put('a');
              while (!*done_)
                  body(bytes);
          })
    {
        if (!child_.get())
            throw std::runtime_error("the attacker did not come");
    }
    ~Attacker()
    {
        *done_ = true;
        EXPECT_EQ(child_.join().code, 0);
    }

private:
    Shared<std::atomic<bool>> done_;
    Child child_;
};

/* Where slot i of the first node has its state word. */
uint64_t slot_of(const RegionBytes &bytes, uint64_t index)
{
    return bytes.get(field::nodes_offset) + field::node_slots + index * bytes.get(field::slot_stride);
}

/* Memory for so many bytes, behind which any access ends the process. */
class Fenced {
public:
    explicit Fenced(size_t size)
    {
        auto *base = static_cast<char *>(
            ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        ::mprotect(base + page, page, PROT_NONE);
        base_ = base;
        start_ = base + page - size;
    }
    Fenced(const Fenced &) = delete;
    Fenced &operator=(const Fenced &) = delete;
    ~Fenced() { ::munmap(base_, 2 * page); }
    char *data() const { return start_; }

private:
    static constexpr size_t page = 65536;
    char *base_, *start_;
};

struct Seen {
    uint64_t accepted, refused, wrong;
};

/* A handle of its own each time: what it could not read it holds until it is closed. */
void read_under_attack(const Queue &queue, char *buffer, size_t limit, Seen &seen)
{
    const std::string text(limit, 'x');
    Handle handle = queue.attach();
    for (int i = 0; i < 64; ++i) {
        size_t size = 0;
        (void)handle.enqueue(text);
        const int result = cq_dequeue(handle, buffer, limit, &size);
        seen.accepted += result == CQ_OK;
        seen.refused += result == CQ_ECORRUPT;
        seen.wrong += size > limit || (result != CQ_OK && result != CQ_ECORRUPT && result != CQ_EMPTY);
        Message message;
        if (cq_take(handle, &message) != CQ_OK)
            continue;
        seen.wrong += message.size > limit;
        cq_release(handle, &message);
    }
}

/* The length of a message is 8 bytes behind its state; a peer makes it now true, now absurd. */
TEST(Fault34, a_length_that_changes_while_it_is_read_is_checked_as_it_is_used)
{
    constexpr size_t limit = 300;
    Queue queue(Config(4, limit), Shape(4));
    const Attacker attacker(queue, [](const RegionBytes &bytes) {
        for (uint64_t index = 0; index < 4; ++index)
            for (const uint64_t length : {uint64_t{limit}, UINT64_MAX, uint64_t{limit + 1}, UINT64_C(1) << 40, uint64_t{1}})
                bytes.put(slot_of(bytes, index) + 8, length);
    });
    Shared<Seen> seen;
    const End end = Child([&](Channel &) {
                        const Fenced buffer(limit);
                        const auto give_up = Clock::now() + patience;
                        for (int i = 0; (i < 500 || seen->accepted == 0 || seen->refused == 0) && Clock::now() < give_up; ++i)
                            read_under_attack(queue, buffer.data(), limit, *seen);
                    }).join();
    EXPECT_EQ(end.signal, 0) << "11: read or wrote past the limit";
    EXPECT_EQ(seen->wrong, 0u);
    EXPECT_GT(seen->accepted, 0u);
    EXPECT_GT(seen->refused, 0u) << "the attacker was never in time";
}

TEST(Fault34, what_was_dequeued_is_a_copy_and_changes_no_more)
{
    Queue queue(Config(4, 64), Shape(4));
    const RegionBytes bytes(queue.path());
    const auto scribble = [&] { std::memset(bytes.at(slot_of(bytes, 0)) + 8, 'X', 64); };
    queue.must_enqueue("checked");
    const std::vector<std::string> walked = queue.walk();
    const std::optional<std::string> dequeued = queue.dequeue();
    scribble();
    EXPECT_EQ(dequeued, "checked");
    EXPECT_EQ(walked, std::vector<std::string>{"checked"});
}

/* That is the limit the header names: a file that is cut takes what is mapped of it away. The kernel says so to whoever
   touches it, as it would without the library, which has no handler in the way. */
TEST(Fault35, who_maps_a_file_that_is_cut_gets_the_signal_and_no_handler_of_ours)
{
    Queue queue(Config(100, 64), Shape(4));
    queue.must_enqueue("x");
    Child victim([&](Channel &channel) {
        leave_no_core();
        Handle handle = queue.attach();
        int fd = -1;
        struct sigaction action {};
        for (int number = 1; number < 32; ++number)
            ::signal(number, SIG_DFL);
        if (cq_fd(handle, &fd) != CQ_OK || handle.dequeue() != "x")
            return 1;
        for (int number = 1; number < 32; ++number)
            if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_DFL)
                return 2;
        channel.put('r');
        (void)channel.get();
        (void)handle.enqueue("y");
        return 3;
    });
    ASSERT_TRUE(victim.get());
    queue.close();
    ASSERT_EQ(::truncate(queue.path().c_str(), 4096), 0);
    victim.put('g');
    const End end = victim.join();
    EXPECT_EQ(end.signal, SIGBUS) << end.code;
    EXPECT_FALSE(end.late);
    /* Nobody else is drawn in, and there is a way out. */
    cq_queue *opened = nullptr;
    EXPECT_EQ(cq_open(queue.name().c_str(), &queue.config(), &opened), CQ_ECORRUPT);
    EXPECT_EQ(queue.unlink(), CQ_OK);
    Handle fresh(queue.name(), queue.config());
    EXPECT_EQ(fresh.fill(), 100u);
}

/* Where not even the kernel would let it write, and by the results that say so. */
TEST(Fault36, a_read_only_handle_works_on_a_read_only_file_system)
{
    on_tmpfs("size=16m", [](const Directory &directory, Complaints &complaints) {
        {
            Handle writer("q", directory.in(Config(10, 64)));
            writer.must_enqueue("there");
            writer.must_enqueue("too");
        }
        must(::mount(nullptr, directory.path(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0, "remounting read-only");
        cq_queue *writer = nullptr;
        for (const uint32_t flags : {CQ_CREATE, CQ_ATTACH}) {
            const Config config = directory.in(Config(0, 0, flags));
            const int result = cq_open("q", &config, &writer);
            if (result != CQ_EACCESS || writer != nullptr)
                complaints.add("writing: %d", result);
            char text[512];
            cq_explain(CQ_EACCESS, "q", &config, 0, text, sizeof text);
            const std::string said = text;
            if (said.find("mounted read-only") == said.npos || said.find("chmod") != said.npos)
                complaints.add("writing is explained as: %s", text);
        }
        Handle reader("q", directory.in(Config(0, 0, CQ_READ_ONLY)));
        if (reader.walk() != std::vector<std::string>{"there", "too"} || reader.stat().length != 2)
            complaints.add("reading shows something else");
        char byte;
        Message message;
        const int refused[] = {reader.enqueue("x"), cq_dequeue(reader, &byte, 1, nullptr),
                               cq_dequeue_wait(reader, &byte, 1, nullptr, -1), cq_take(reader, &message),
                               cq_reserve(reader, 1, &message), cq_recover(reader, nullptr)};
        for (const int result : refused)
            if (result != CQ_EREADONLY)
                complaints.add("%d instead of CQ_EREADONLY", result);
        reader.close();
    });
}

/* A victim that goes through all operations for as long as the attacker changes words under it. */
void expect_survivor(const Queue &queue, int rounds)
{
    Shared<Note> note;
    const End end = Child([&](Channel &) {
                        const Config attach(0, 0, CQ_ATTACH);
                        cq_queue *opened = nullptr;
                        limit_processor_time(30);
                        note->operation = "cq_open";
                        while (cq_open(queue.name().c_str(), &attach, &opened) != CQ_OK)
                            ++note->refused;
                        Handle handle(opened);
                        Operations operations(handle, *note, static_cast<size_t>(queue.config().max_message_size));
                        /* Longer if the attacker did not come to anything that matters in time. */
                        for (int round = 0; round < (note->refused > 0 ? rounds : 100 * rounds); ++round) {
                            limit_processor_time(30);
                            note->next = static_cast<uint64_t>(round);
                            operations.all(static_cast<uint64_t>(round));
                        }
                        limit_processor_time(0);
                        note->operation = "cq_close";
                        handle.close();
                        return note->wrong != 0 ? 1 : 0;
                    }).join(std::chrono::hours(10));
    EXPECT_EQ(end.signal, 0) << "27: it hangs; after " << (note->operation ? note->operation : "nothing") << " in round "
                             << note->next;
    EXPECT_GT(note->refused, 0u) << "nothing was ever noticed";
    EXPECT_EQ(end.code, 0) << "result " << static_cast<int64_t>(note->wrong) - 1000 << " of " << note->operation;
}

/* Links that lead back: each node's successor is itself, or the first, with sequences as they should be and as not. */
TEST(Fault37, links_that_lead_in_circles_end)
{
    for (const uint64_t ahead : {0u, 1u})
        for (const bool to_itself : {true, false}) {
            SCOPED_TRACE(testing::Message() << ahead << to_itself);
            Queue queue(Config(16, 16), Shape(2));
            for (int i = 0; i < 16; ++i)
                queue.must_enqueue("m");
            const RegionBytes bytes(queue.path());
            for (uint64_t node = 0; node < bytes.get(field::touched); ++node) {
                const uint64_t at = bytes.get(field::nodes_offset) + node * bytes.get(field::node_stride) + field::node_next;
                const uint64_t sequence = bytes.get(at) >> 24;
                bytes.put(at, (sequence + ahead) << 24 | (to_itself ? node : 0));
            }
            expect_survivor(queue, 5);
        }
}

TEST(Fault37, words_that_never_stop_changing_hold_nobody_up)
{
    const uint64_t chosen = seed();
    for (const uint64_t limit : {16u, 300u}) {
        Queue queue(Config(8, limit), Shape(4, 0, 4, 3));
        queue.must_enqueue("m");
        /* Now and then all is as it was, so that the victim comes far enough to meet more of it. */
        const RegionBytes whole(queue.path());
        const Image image(whole);
        const Attacker attacker(queue, [&, chosen, limit](const RegionBytes &bytes) {
            static const std::vector<Word> words = shared_words(bytes, 4);
            static Noise noise(chosen + limit);
            if (noise.once_in(10))
                image.restore();
            const Word &word = words[noise.below(words.size())];
            const auto values = harmful_values(bytes.get(word.offset / 8 * 8), bytes.get(field::node_count));
            const uint64_t value = values[noise.below(values.size())];
            if (word.size == 4)
                bytes.put<uint32_t>(word.offset, static_cast<uint32_t>(value));
            else
                bytes.put(word.offset, value);
        });
        expect_survivor(queue, long_run() ? 100000 : 3000);
    }
}

} // namespace
