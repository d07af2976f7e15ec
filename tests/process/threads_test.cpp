/*
 * Threads of one process that look on, come and go, are cancelled, or end with parts of the queue in their hands. What
 * they pass to each other is in exchange_test.cpp.
 */
#include <algorithm>
#include <atomic>
#include <functional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/shapes.hpp"

namespace {

using namespace cqtest;

class Threads : public OverShapes {};
CQTEST_OVER_SHAPES(Threads);

TEST_P(Threads, that_look_on_see_whole_messages_in_order)
{
    Queue queue(Config(40, 64), GetParam());
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    std::thread looker([&] {
        while (!stop) {
            uint64_t last = 0;
            for (const std::string &text : queue.walk()) {
                const auto stamp = read_stamp(text);
                wrong += !stamp || stamp->number <= last;
                last = stamp ? stamp->number : last;
            }
            const Stats stats = queue.stat();
            wrong += stats.length > 41 || stats.capacity != 40;
        }
    });
    uint64_t in = 1, out = 1;
    for (Noise noise(1); in < (long_run() ? 500000 : 10000);) {
        for (uint64_t n = noise.below(40); n > 0 && queue.enqueue(stamped({1, in})) == CQ_OK; --n)
            ++in;
        for (uint64_t n = noise.below(40); n > 0; --n) {
            const auto text = queue.dequeue();
            if (!text)
                break;
            const auto stamp = read_stamp(*text);
            ASSERT_TRUE(stamp && stamp->number == out++);
        }
    }
    stop = true;
    looker.join();
    EXPECT_EQ(wrong, 0);
}

/* The two ends are read one after the other, and others do not stop in between. */
TEST_P(Threads, that_ask_for_the_length_hear_of_no_more_than_there_is_room_for)
{
    Queue queue(Config(4, 64), GetParam());
    std::atomic<bool> stop{false};
    std::thread worker([&] {
        while (!stop) {
            for (int i = 0; i < 4; ++i)
                EXPECT_EQ(queue.enqueue("x"), CQ_OK);
            for (int i = 0; i < 4; ++i)
                EXPECT_TRUE(queue.dequeue());
        }
    });
    uint64_t longest = 0;
    for (int i = 0; i < (long_run() ? 20000000 : 1000000); ++i)
        longest = std::max(longest, queue.length());
    stop = true;
    worker.join();
    EXPECT_LE(longest, 4u);
}

TEST_P(Threads, that_open_and_close_do_not_disturb_the_others)
{
    Queue queue(Config(20, 64), GetParam());
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    std::atomic<int> error{0};
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (!stop && error == 0) {
                const Config config(0, 0, CQ_ATTACH);
                cq_queue *opened = nullptr;
                const int result = cq_open(queue.name().c_str(), &config, &opened);
                const Handle mine(opened);
                Message message;
                if (result != CQ_OK)
                    error = result;
                else if (cq_reserve(mine, 1, &message) == CQ_OK && cq_abort(mine, &message) != CQ_OK)
                    error = 1;
            }
        });
    }
    uint64_t out = 0;
    for (uint64_t in = 0; in < 1000; ++in) {
        EXPECT_EQ(cq_enqueue_wait(queue, &in, sizeof in, patience_ns), CQ_OK);
        uint64_t value = UINT64_MAX;
        EXPECT_EQ(cq_dequeue_wait(queue, &value, sizeof value, nullptr, patience_ns), CQ_OK);
        EXPECT_EQ(value, out++);
    }
    stop = true;
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(queue.fill(), 20u);
}

/* ---- cancellation ----------------------------------------------------------------------------------- */

/* What is there when the call begins: one message held, one reserved, one waiting, and room for two. */
struct Scene {
    const Queue &whole;
    Handle queue;
    Message held, reserved;
    int fd = -1;
    char buffer[64] = {};
};

struct Call {
    const char *name;
    int result;
    std::function<int(Scene &)> run;
};

std::ostream &operator<<(std::ostream &out, const Call &call) { return out << call.name; }

const Call calls[] = {
    {"enqueue", CQ_OK, [](Scene &s) { return s.queue.enqueue("x"); }},
    {"growing_enqueue", CQ_OK,
     [](Scene &s) {
         (void)s.queue.enqueue("x");
         return s.queue.enqueue("y");
     }},
    {"refused_enqueue", CQ_FULL,
     [](Scene &s) {
         s.queue.fill();
         return s.queue.enqueue("x");
     }},
    {"enqueue_wait", CQ_TIMEOUT,
     [](Scene &s) {
         s.queue.fill();
         return cq_enqueue_wait(s.queue, "x", 1, to_ns(milliseconds(150)));
     }},
    {"enqueue_batch", CQ_OK,
     [](Scene &s) {
         cq_slice slices[2] = {{s.buffer, 1}, {s.buffer, 1}};
         size_t done = 0;
         return cq_enqueue_batch(s.queue, slices, 2, &done);
     }},
    {"dequeue", CQ_OK, [](Scene &s) { return cq_dequeue(s.queue, s.buffer, sizeof s.buffer, nullptr); }},
    {"dequeue_that_lowers_the_descriptor", CQ_EMPTY,
     [](Scene &s) {
         (void)s.queue.dequeue();
         return cq_dequeue(s.queue, s.buffer, sizeof s.buffer, nullptr);
     }},
    {"dequeue_wait", CQ_TIMEOUT,
     [](Scene &s) {
         (void)s.queue.dequeue();
         return cq_dequeue_wait(s.queue, s.buffer, sizeof s.buffer, nullptr, to_ns(milliseconds(150)));
     }},
    {"dequeue_batch", CQ_OK,
     [](Scene &s) {
         cq_slice slices[2];
         size_t done = 0;
         return cq_dequeue_batch(s.queue, s.buffer, sizeof s.buffer, slices, 2, &done);
     }},
    {"reserve", CQ_OK,
     [](Scene &s) {
         Message message;
         return cq_reserve(s.queue, 1, &message);
     }},
    {"commit", CQ_OK, [](Scene &s) { return cq_commit(s.queue, &s.reserved, 1); }},
    {"abort", CQ_OK, [](Scene &s) { return cq_abort(s.queue, &s.reserved); }},
    {"take", CQ_OK,
     [](Scene &s) {
         Message message;
         return cq_take(s.queue, &message);
     }},
    {"release", CQ_OK, [](Scene &s) { return cq_release(s.queue, &s.held); }},
    {"return", CQ_OK, [](Scene &s) { return cq_return(s.queue, &s.held); }},
    {"walk", CQ_OK, [](Scene &s) { return static_cast<int>(s.queue.walk().size()) - 1; }},
    {"stat", CQ_OK,
     [](Scene &s) {
         Stats stats;
         return cq_stat(s.queue, &stats);
     }},
    {"recover", CQ_OK, [](Scene &s) { return cq_recover(s.queue, nullptr); }},
    {"room_fd", CQ_OK,
     [](Scene &s) {
         int fd = -1;
         return cq_room_fd(s.queue, &fd);
     }},
    {"open_and_close", CQ_OK,
     [](Scene &s) {
         s.whole.attach();
         return CQ_OK;
     }},
    {"create_and_unlink", CQ_OK,
     [](Scene &) {
         Queue fresh(Config(4, 16));
         return CQ_OK;
     }},
    {"explain", CQ_OK,
     [](Scene &s) {
         char text[200];
         return cq_explain(CQ_EMISMATCH, s.whole.name().c_str(), nullptr, 0, text, sizeof text) > 0 ? CQ_OK : 1;
     }},
};

std::string name_of(const testing::TestParamInfo<Call> &info) { return info.param.name; }

class Cancelled : public testing::TestWithParam<Call> {};
INSTANTIATE_TEST_SUITE_P(Fault14, Cancelled, testing::ValuesIn(calls), name_of);

struct Attempt {
    const Call *call;
    Scene *scene;
    int result;
};

/* The thread is cancelled from the beginning on, and ends at the first cancellation point it meets. */
void *attempt(void *context)
{
    auto *attempt = static_cast<Attempt *>(context);
    ::pthread_cancel(::pthread_self());
    attempt->result = attempt->call->run(*attempt->scene);
    ::pthread_testcancel();
    return nullptr;
}

TEST_P(Cancelled, call_comes_to_its_end)
{
    Queue queue(Config(4, 64), Shape(1));
    queue.must_enqueue("held");
    queue.must_enqueue("waiting");
    const End end = Child([&](Channel &) {
                        Scene scene{queue, queue.attach(), {}, {}, -1, {}};
                        scene.held = scene.queue.take();
                        scene.reserved = scene.queue.reserve(1);
                        if (cq_fd(scene.queue, &scene.fd) != CQ_OK)
                            return 1;
                        Child([&](Channel &) { /* somebody to be found dead */
                            Handle dead = queue.attach();
                            ::_exit(0);
                        }).join();
                        Attempt it{&GetParam(), &scene, 1000};
                        pthread_t thread;
                        void *value = nullptr;
                        if (::pthread_create(&thread, nullptr, attempt, &it) != 0 || ::pthread_join(thread, &value) != 0)
                            return 2;
                        if (value != PTHREAD_CANCELED || it.result != GetParam().result)
                            return it.result == 1000 ? 3 : 4;
                        /* And everything is as usable as ever, also to a fork. */
                        Child([&](Channel &) { queue.attach(); }).join();
                        scene.queue.drain();
                        queue.attach().must_enqueue("after");
                        return scene.queue.dequeue() == "after" ? 0 : 5;
                    }).join();
    EXPECT_EQ(end.code, 0) << "3: cancelled inside the call, 4: another result, 5: unusable afterwards";
    EXPECT_FALSE(end.late) << "it hangs";
}

/* ---- the end of a thread ---------------------------------------------------------------------------- */

/* Who took it is gone, and another thread of the process goes on with it. */
TEST(Fault16, what_a_thread_took_and_reserved_outlives_it)
{
    Queue queue(Config(10, 64), Shape(4));
    for (int i = 0; i < 4; ++i)
        queue.must_enqueue(std::to_string(i));
    std::vector<Message> taken(4), reserved(4);
    for (size_t i = 0; i < 4; ++i)
        std::thread([&, i] {
            taken[i] = queue.take();
            reserved[i] = queue.reserve(8);
        }).join();
    EXPECT_EQ(queue.recover().participants, 0u) << "a thread is no participant";
    EXPECT_EQ(queue.stat().participants, 1u);
    for (size_t i = 0; i < 4; ++i)
        std::thread([&, i] {
            EXPECT_EQ(taken[i].text(), std::to_string(i));
            EXPECT_EQ(i % 2 ? cq_release(queue, &taken[i]) : cq_return(queue, &taken[i]), CQ_OK);
            std::memcpy(reserved[i].data, "later", 5);
            EXPECT_EQ(cq_commit(queue, &reserved[i], 5), CQ_OK);
        }).join();
    EXPECT_EQ(queue.drain(), (std::vector<std::string>{"0", "2", "later", "later", "later", "later"}));
    EXPECT_EQ(queue.fill(), 10u);
}

/* The last thread's end is the process's, whoever of them opened the handle. */
TEST(Fault16, a_handle_outlives_the_thread_that_opened_it_and_dies_with_the_process)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child child([&](Channel &channel) {
        Handle handle;
        std::thread([&] {
            handle = queue.attach();
            (void)handle.take();
        }).join();
        channel.put('h');
        (void)channel.get();
        ::_exit(0);
    });
    ASSERT_TRUE(child.get());
    EXPECT_EQ(queue.recover().participants, 0u);
    EXPECT_EQ(queue.stat().participants, 2u);
    child.put('g');
    EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(queue.recover().messages, 1u);
    EXPECT_EQ(queue.dequeue(), "held");
}

/* The main thread may go first, which leaves a process whose first task is a zombie. */
TEST(Fault16, a_process_lives_on_without_its_main_thread)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child child([&](Channel &channel) {
        static Handle handle; /* not on the stack that goes */
        handle = queue.attach();
        static Message held = handle.take();
        const int descriptor = ::dup(channel.descriptor());
        std::thread([descriptor] {
            const Channel line(descriptor);
            line.put('h');
            (void)line.get();
            ::_exit(cq_release(handle, &held));
        }).detach();
        ::syscall(SYS_exit, 0); /* of this thread; pthread_exit would unwind the test itself */
    });
    ASSERT_TRUE(child.get());
    EXPECT_EQ(queue.recover().participants, 0u);
    child.put('g');
    EXPECT_EQ(child.join().code, CQ_OK);
    EXPECT_EQ(queue.drain(), std::vector<std::string>());
}

} // namespace
