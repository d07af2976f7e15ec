/*
 * SIGKILL before the instructions of a flush, and of a recovery; and a flusher that is halted there, passed by, and then
 * goes on. What was synced is there afterwards.
 */
#include <cstdlib>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "support/process.hpp"
#include "support/queue.hpp"
#include "support/stepper.hpp"

extern "C" {
#include "disk.h"
}

namespace cqtest {
namespace {

using Texts = std::vector<std::string>;

/* A durable queue, whose directory is in memory: here only processes end, not the power. */
class Lasting {
public:
    Lasting() : name_("crash-durable." + std::to_string(::getpid())), disk_(*disk_linux())
    {
        char path[] = "/dev/shm/crash_durable.XXXXXX";
        directory_ = mkdtemp(path);
        home_ = directory_ + "/home";
        disk_.check = [](int) { return 0; };
        cq_testing_disk = &disk_;
        cq_testing = {};
        cq_testing.slots_per_node = 4;
    }
    ~Lasting()
    {
        reboot();
        std::filesystem::remove_all(directory_);
        cq_testing = {};
        cq_testing_disk = nullptr;
    }
    Lasting(const Lasting &) = delete;
    Lasting &operator=(const Lasting &) = delete;

    cq_queue *open() const
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.flags = CQ_DURABLE;
        config.capacity = 100;
        config.max_message_size = 40;
        config.durable_directory = home_.c_str();
        cq_queue *queue = nullptr;
        EXPECT_EQ(cq_open(name_.c_str(), &config, &queue), CQ_OK);
        return queue;
    }
    void reboot() const { cq_unlink(name_.c_str(), nullptr); }
    Texts all_of_a_new_region() const
    {
        reboot();
        cq_queue *queue = open();
        Texts texts;
        char buffer[40];
        size_t size;
        while (cq_dequeue(queue, buffer, sizeof buffer, &size) == CQ_OK)
            texts.emplace_back(buffer, size);
        cq_close(queue);
        return texts;
    }

private:
    std::string name_, directory_, home_;
    struct disk disk_;
};

void put(cq_queue *queue, const std::string &text)
{
    ASSERT_EQ(cq_enqueue(queue, text.data(), text.size()), CQ_OK);
}

struct Victim {
    cq_queue *queue;
    std::atomic<int> *synced;
};

/* A process with a message in the queue that is about to sync; `again`: for the second time. */
Stepper start_flusher(const Lasting &lasting, std::atomic<int> *synced, bool again)
{
    return Stepper(
        [&lasting, synced, again] {
            cq_queue *queue = lasting.open();
            if (again) {
                put(queue, "first of the victim");
                cq_sync(queue, -1);
            }
            put(queue, "of the victim");
            return Victim{queue, synced};
        },
        [](Victim &victim) {
            if (cq_sync(victim.queue, -1) == CQ_OK)
                victim.synced->store(1);
        });
}

/* Each instruction when it is executed first (with CQ_LONG; else one of so many, others each time), and some of those in
   loops later. */
std::vector<Step> some_of(const std::vector<uintptr_t> &trace, size_t one_of)
{
    std::vector<Step> some;
    size_t count = std::getenv("CQ_LONG") ? 0 : static_cast<size_t>(::getpid());
    one_of = std::getenv("CQ_LONG") ? 1 : one_of;
    for (const Step &step : steps_in(trace))
        if ((step.visit == 1 || step.visit % 9973 == 0) && count++ % one_of == 0)
            some.push_back(step);
    return some;
}

class DurableCrash : public ::testing::TestWithParam<bool> {
protected:
    void SetUp() override { stay_on_one_processor(); }
    std::vector<Step> steps() const
    {
        const Lasting lasting;
        cq_queue *survivor = lasting.open();
        put(survivor, "before");
        EXPECT_EQ(cq_sync(survivor, -1), CQ_OK);
        Shared<std::atomic<int>> synced;
        Stepper flusher = start_flusher(lasting, &*synced, GetParam());
        const std::vector<Step> found = some_of(flusher.trace(), 12);
        flusher.kill();
        cq_close(survivor);
        return found;
    }
    Texts expected(bool all) const
    {
        Texts texts{"before"};
        if (GetParam())
            texts.emplace_back("first of the victim");
        if (all)
            texts.emplace_back("of the victim");
        return texts;
    }
};

TEST_P(DurableCrash, killed_anywhere_in_a_flush_loses_nothing_that_was_synced)
{
    size_t finished = 0, count = 0;
    for (const Step &step : steps()) {
        const Lasting lasting;
        cq_queue *survivor = lasting.open();
        put(survivor, "before");
        ASSERT_EQ(cq_sync(survivor, -1), CQ_OK);
        Shared<std::atomic<int>> synced;
        {
            Stepper flusher = start_flusher(lasting, &*synced, GetParam());
            flusher.run_to(step);
            flusher.kill();
        }
        Texts texts = expected(true);
        if (++count % 2) { /* somebody lives on and syncs: all that was in the queue is there */
            put(survivor, "after");
            ASSERT_EQ(cq_sync(survivor, 30'000'000'000), CQ_OK) << to_string(step);
            texts.emplace_back("after");
            cq_close(survivor);
            ASSERT_EQ(lasting.all_of_a_new_region(), texts) << to_string(step);
        } else {
            cq_close(survivor);
            const Texts found = lasting.all_of_a_new_region();
            finished += found == texts;
            ASSERT_TRUE(found == texts || (!*synced && found == expected(false))) << to_string(step);
        }
    }
    EXPECT_GT(finished, 0u);
    EXPECT_LT(finished, count / 2) << "some were killed before anything was on the disk";
}

TEST_P(DurableCrash, stopped_anywhere_in_a_flush_delays_nobody_and_does_no_harm_later)
{
    for (const Step &step : steps()) {
        const Lasting lasting;
        cq_queue *survivor = lasting.open();
        put(survivor, "before");
        ASSERT_EQ(cq_sync(survivor, -1), CQ_OK);
        Shared<std::atomic<int>> synced;
        {
            Stepper flusher = start_flusher(lasting, &*synced, GetParam());
            if (!flusher.run_to(step))
                continue;
            put(survivor, "after");
            ASSERT_EQ(cq_sync(survivor, 30'000'000'000), CQ_OK) << to_string(step);
            char buffer[40];
            size_t size;
            ASSERT_EQ(cq_dequeue(survivor, buffer, sizeof buffer, &size), CQ_OK); /* "before" */
            ASSERT_EQ(cq_sync(survivor, 30'000'000'000), CQ_OK) << to_string(step);
            flusher.finish(); /* late */
            flusher.kill();
        }
        EXPECT_TRUE(*synced) << to_string(step);
        cq_close(survivor);
        Texts texts = expected(true);
        texts.erase(texts.begin());
        texts.emplace_back("after");
        ASSERT_EQ(lasting.all_of_a_new_region(), texts) << to_string(step);
    }
}

INSTANTIATE_TEST_SUITE_P(flush, DurableCrash, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool> &info) { return info.param ? "later" : "first"; });

TEST(DurableRecovery, killed_anywhere_is_begun_again_and_finds_the_same)
{
    stay_on_one_processor();
    const Texts texts{"one", "two", "three", "four", "five"};
    std::vector<Step> steps;
    for (size_t i = 0; steps.empty() || i < steps.size(); ++i) {
        const bool lists = steps.empty();
        const Lasting lasting;
        cq_queue *queue = lasting.open();
        for (const std::string &text : texts)
            put(queue, text);
        ASSERT_EQ(cq_sync(queue, -1), CQ_OK);
        cq_close(queue);
        lasting.reboot();
        {
            Stepper opener([] { return 0; }, [&lasting](int &) { lasting.open(); });
            if (lists)
                steps = some_of(opener.trace(), 40);
            else
                opener.run_to(steps[i]);
            opener.kill();
        }
        cq_queue *again = lasting.open();
        ASSERT_NE(again, nullptr) << to_string(steps[i]);
        cq_close(again);
        ASSERT_EQ(lasting.all_of_a_new_region(), texts) << to_string(steps[i]);
    }
}

} // namespace
} // namespace cqtest
