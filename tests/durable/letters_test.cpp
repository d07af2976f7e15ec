// What a power cut, or a disk that fails, may leave of a message on its way to the dead letters: after each operation of the
// disk in turn. Both queues are durable; each message is there once afterwards, in one of them.
#include "disk.hpp"
#include "support/directory.hpp"
#include "support/seed.hpp"

#include <gtest/gtest.h>

extern "C" {
#include "cqueue.h"
#include "disk.h"
#include "testing.h"
}

namespace power {
namespace {

constexpr int messages = 3;

class Letters {
public:
    explicit Letters(std::uint64_t seed) : random_(seed), disk_(new Disk)
    {
        disk_->use();
        open_both();
    }
    ~Letters()
    {
        close_both();
        cq_testing_disk = nullptr;
    }
    Letters(const Letters &) = delete;
    Letters &operator=(const Letters &) = delete;

    // All messages are delivered as often as they may be, and still held.
    void spend()
    {
        for (int id = 1; id <= messages; ++id)
            ASSERT_EQ(cq_enqueue(orders_, &id, sizeof id), CQ_OK);
        ASSERT_EQ(cq_sync(orders_, -1), CQ_OK);
        for (int time = 0; time < 2; ++time)
            for (cq_message &message : held_) {
                if (time > 0) {
                    ASSERT_EQ(cq_return(orders_, &message), CQ_OK);
                }
                message = {};
                message.struct_size = sizeof message;
                ASSERT_EQ(cq_take(orders_, &message), CQ_OK);
            }
    }
    // They are given back, and go over. Of the disk so many operations are left. False: it had enough.
    bool move(std::uint64_t operations)
    {
        disk_->countdown = operations;
        for (cq_message &message : held_) {
            cq_return(orders_, &message);
            if (below(random_, 3) == 0)
                cq_sync(orders_, -1);
        }
        const bool failed = disk_->countdown == 0;
        disk_->countdown = UINT64_MAX;
        return failed;
    }
    void cut()
    {
        std::unique_ptr<Disk> left = disk_->after(Cut::any(random_), random_);
        close_both();
        disk_ = std::move(left);
        disk_->use();
        open_both();
    }
    // The region of the first queue is removed; the disk goes on, and the other queue with it.
    void lose_region()
    {
        close(orders_, "orders");
        orders_ = open("orders", "/simulated_orders");
    }
    // The disk goes on; another process does, too, without waiting after that failure.
    void go_on()
    {
        cq_close(orders_);
        orders_ = open("orders", "/simulated_orders");
    }
    // Each message, in whichever queue.
    std::multiset<int> all()
    {
        std::multiset<int> found;
        collect(orders_, found);
        collect(letters_, found);
        return found;
    }

private:
    cq_queue *open(const char *name, const char *home)
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.flags = CQ_DURABLE;
        config.capacity = 8;
        config.max_message_size = 16;
        config.directory = directory_.path();
        config.durable_directory = home;
        if (std::string(name) == "orders") {
            config.dead_letter = "letters";
            config.max_deliveries = 2;
        }
        cq_queue *queue = nullptr;
        EXPECT_EQ(cq_open(name, &config, &queue), CQ_OK);
        return queue;
    }
    void open_both()
    {
        letters_ = open("letters", "/simulated_letters");
        orders_ = open("orders", "/simulated_orders");
    }
    void close(cq_queue *queue, const char *name)
    {
        cq_close(queue);
        ::unlink(directory_.file(name).c_str());
    }
    void close_both()
    {
        close(orders_, "orders");
        close(letters_, "letters");
    }
    static void collect(cq_queue *queue, std::multiset<int> &found)
    {
        cq_message message{};
        message.struct_size = sizeof message;
        while (cq_take(queue, &message) == CQ_OK) {
            int id = 0;
            std::memcpy(&id, message.data, sizeof id);
            found.insert(id);
            cq_release(queue, &message);
        }
    }

    Random random_;
    const cqtest::Directory directory_;
    std::unique_ptr<Disk> disk_;
    cq_queue *orders_ = nullptr, *letters_ = nullptr;
    cq_message held_[messages] = {};
};

void after_each_operation(void (Letters::*then)())
{
    const std::uint64_t seed = cqtest::seed();
    const std::multiset<int> expected = {1, 2, 3};
    std::uint64_t operations = 0;

    for (bool failed = true; failed; ++operations) {
        ASSERT_LT(operations, 1000u);
        for (std::uint64_t turn = 0; turn < 12; ++turn) {
            Letters both(seed + operations * 12 + turn);
            both.spend();
            failed = both.move(operations);
            (both.*then)();
            ASSERT_EQ(both.all(), expected) << "after " << operations << " operations, turn " << turn;
        }
    }
    EXPECT_GT(operations, 20u);
}

TEST(DeadLetters, are_there_once_whenever_the_power_goes) { after_each_operation(&Letters::cut); }

TEST(DeadLetters, are_there_once_whenever_the_disk_fails_and_the_region_goes)
{
    after_each_operation(&Letters::lose_region);
}

TEST(DeadLetters, are_there_once_whenever_the_disk_fails_and_others_go_on) { after_each_operation(&Letters::go_on); }

} // namespace
} // namespace power
