/*
 * A signal handler that uses the very handle whose operation it interrupts, at each instruction of that operation in turn.
 */
#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <ostream>
#include <string>

#include <gtest/gtest.h>
#include <sys/time.h>

#include "support/clock.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/stepper.hpp"

namespace {

using namespace cqtest;

/* Every message is one byte, different from all others. What was sent and what came is counted here. */
struct Account {
    std::atomic<uint32_t> sent[64], received[64], handled, wrong;
};

constexpr char of_handler = 32; /* the first byte of its own; below: what is there before, and the operation's */
constexpr uint64_t capacity = 6;

class User {
public:
    User(cq_queue *queue, Account &account, char first) : queue_(queue), account_(account), next_(first) {}

    void enqueue()
    {
        const char byte = next_++;
        count_sent(cq_enqueue(queue_, &byte, 1), byte);
    }

    void enqueue_batch()
    {
        char two[] = {next_++, next_++};
        const cq_slice slices[] = {{two, 1}, {two + 1, 1}};
        size_t done = 0;
        check(cq_enqueue_batch(queue_, slices, 2, &done), CQ_FULL);
        for (size_t i = 0; i < done; ++i)
            ++account_.sent[static_cast<size_t>(two[i])];
    }

    void dequeue()
    {
        char byte = 0;
        if (check(cq_dequeue(queue_, &byte, 1, nullptr), CQ_EMPTY) == CQ_OK)
            count_received(byte);
    }

    void dequeue_batch()
    {
        char two[2];
        cq_slice slices[2];
        size_t done = 0;
        check(cq_dequeue_batch(queue_, two, 2, slices, 2, &done), CQ_EMPTY);
        for (size_t i = 0; i < done; ++i)
            count_received(two[i]);
    }

    void reserve_commit()
    {
        Message message;
        const char byte = next_++;
        if (check(cq_reserve(queue_, 1, &message), CQ_FULL) != CQ_OK)
            return;
        std::memcpy(message.data, &byte, 1);
        const int result = cq_commit(queue_, &message, 1);
        if (result == CQ_FULL) /* its place was given up, and there is no other */
            check(cq_abort(queue_, &message), CQ_OK);
        else
            count_sent(result, byte);
    }

    void reserve_abort()
    {
        Message message;
        if (check(cq_reserve(queue_, 1, &message), CQ_FULL) == CQ_OK)
            check(cq_abort(queue_, &message), CQ_OK);
    }

    void take_release() { take(false); }
    void take_return() { take(true); }
    void recover() { check(cq_recover(queue_, nullptr), CQ_OK); }

private:
    int check(int result, int other)
    {
        account_.wrong += result != CQ_OK && result != other;
        return result;
    }

    void count_sent(int result, char byte)
    {
        if (check(result, CQ_FULL) == CQ_OK)
            ++account_.sent[static_cast<size_t>(byte)];
    }

    void count_received(char byte) { ++account_.received[static_cast<size_t>(byte & 63)]; }

    void take(bool back)
    {
        Message message;
        if (check(cq_take(queue_, &message), CQ_EMPTY) != CQ_OK)
            return;
        const char byte = *static_cast<const char *>(message.data);
        check(back ? cq_return(queue_, &message) : cq_release(queue_, &message), CQ_OK);
        if (!back)
            count_received(byte);
    }

    cq_queue *queue_;
    Account &account_;
    char next_;
};

/* The signal handler's own; in the child there is one. */
User *handlers_user;
Account *handlers_account;

extern "C" void use_the_queue(int)
{
    const int error = errno;
    User &user = *handlers_user;
    user.enqueue();
    user.dequeue();
    user.reserve_commit();
    user.take_return();
    user.take_release();
    user.reserve_abort();
    user.enqueue_batch();
    user.dequeue_batch();
    ++handlers_account->handled;
    errno = error;
}

struct Interrupted {
    const char *name;
    void (User::*operation)();
    unsigned fill; /* how many messages are there before, which decides which way an operation goes */
};

std::ostream &operator<<(std::ostream &out, const Interrupted &it) { return out << it.name << " of " << it.fill; }

std::vector<Interrupted> cases()
{
    std::vector<Interrupted> all;
    for (const unsigned fill : {0u, 2u, 3u, static_cast<unsigned>(capacity)})
        for (const Interrupted &operation : {Interrupted{"enqueue", &User::enqueue, fill},
                                             {"enqueue_batch", &User::enqueue_batch, fill},
                                             {"dequeue", &User::dequeue, fill},
                                             {"dequeue_batch", &User::dequeue_batch, fill},
                                             {"reserve_commit", &User::reserve_commit, fill},
                                             {"reserve_abort", &User::reserve_abort, fill},
                                             {"take_release", &User::take_release, fill},
                                             {"take_return", &User::take_return, fill}})
            all.push_back(operation);
    all.push_back({"recover", &User::recover, 3});
    return all;
}

class Handler : public testing::TestWithParam<Interrupted> {
protected:
    void SetUp() override { stay_on_one_processor(); }

    Stepper start(const Queue &queue, Account &account)
    {
        return Stepper(
            [&] {
                Handle handle = queue.attach();
                User(handle, account, 0).dequeue(); /* in the second half of a node */
                handlers_account = &account;
                handlers_user = new User(handle, account, of_handler);
                struct sigaction action = {};
                action.sa_handler = use_the_queue;
                ::sigaction(SIGUSR1, &action, nullptr);
                const itimerval limit{{0, 0}, {30, 0}}; /* of processor time: a hang ends in SIGPROF */
                ::setitimer(ITIMER_PROF, &limit, nullptr);
                stop_clock();
                return handle;
            },
            [&](Handle &handle) {
                User user(handle, account, 16);
                (user.*GetParam().operation)();
            });
    }

    static void fill(const Queue &queue, Account &account)
    {
        User user(queue, account, 0);
        user.enqueue();
        for (unsigned i = 0; i < GetParam().fill; ++i)
            user.enqueue();
    }

    /* All that was sent came, or is there still; and as much fits as ever. */
    static void expect_balance(const Queue &queue, const Account &account)
    {
        EXPECT_EQ(account.wrong, 0u) << "results that are not the calls' own";
        uint32_t left[64] = {};
        for (const std::string &text : queue.drain())
            ++left[static_cast<size_t>(text[0] & 63)];
        for (size_t byte = 0; byte < 64; ++byte)
            ASSERT_EQ(account.sent[byte], account.received[byte] + left[byte]) << "message " << byte;
        ASSERT_EQ(queue.fill("\1"), capacity);
    }
};

std::string name_of(const testing::TestParamInfo<Interrupted> &info)
{
    return std::string(info.param.name) + "_of_" + std::to_string(info.param.fill);
}

INSTANTIATE_TEST_SUITE_P(Fault15, Handler, testing::ValuesIn(cases()), name_of);

TEST_P(Handler, uses_the_handle_whose_operation_it_interrupts)
{
    const Config config(capacity, 8);
    const Shape shape(2);
    std::vector<Step> steps;
    {
        Queue queue(config, shape);
        Shared<Account> account;
        fill(queue, *account);
        steps = steps_in(start(queue, *account).trace());
    }
    ASSERT_GT(steps.size(), 10u);
    /* Looking for the dead is thousands of the same few instructions. */
    const size_t stride = steps.size() > 2000 ? steps.size() / (long_run() ? 200 : 12) : long_run() ? 1 : 3;
    unsigned handled = 0;
    for (size_t i = 0; i < steps.size(); i += stride) {
        SCOPED_TRACE(to_string(steps[i]) + ", moment " + std::to_string(i) + " of " + std::to_string(steps.size()));
        Queue queue(config, shape);
        Shared<Account> account;
        fill(queue, *account);
        Stepper stepper = start(queue, *account);
        if (!stepper.run_to(steps[i]))
            continue; /* it went another way this time */
        const pid_t pid = stepper.child().pid();
        ASSERT_EQ(::ptrace(PTRACE_CONT, pid, nullptr, reinterpret_cast<void *>(SIGUSR1)), 0);
        int status = 0;
        ASSERT_EQ(::waitpid(pid, &status, __WALL), pid);
        ASSERT_TRUE(WIFSTOPPED(status)) << status;
        ASSERT_EQ(WSTOPSIG(status), SIGSTOP) << "SIGPROF: it hangs";
        ASSERT_EQ(account->handled, 1u);
        ++handled;
        expect_balance(queue, *account);
        if (HasFailure())
            return;
    }
    EXPECT_GT(handled, steps.size() / stride / 2);
}

} // namespace
