/*
 * How many instructions an operation takes, on its usual way and when somebody came in between: counted step by step, so
 * the same on every run and however busy the machine is. None may take 3 % more than the baseline says.
 *
 * The counts are those of this compiler. A change that is worth more instructions writes the baseline anew, and its
 * commit says why: CQ_BASELINE=write build/release/tests/bench/costs/costs_instructions
 */
#include <cmath>
#include <fstream>
#include <iomanip>
#include <map>

#include <gtest/gtest.h>

#include "support/clock.hpp"
#include "support/leftovers.hpp"
#include "support/sanitizers.hpp"
#include "support/stepper.hpp"

#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__clang__) && !defined(CQTEST_SANITIZED)
#define COUNTED_WITH "gcc " + std::to_string(__GNUC__)
#else
#define COUNTED_WITH "another compiler"
#endif

namespace cqtest {
namespace {

constexpr size_t in_batch = 32;

/* What an operation works with: a queue with messages in it, and room. Its own copy in each child. */
struct Bench {
    Handle handle, other;
    size_t size;
    unsigned char bytes[in_batch * 256] = {};
    cq_slice slices[in_batch], got[in_batch];

    Bench(const Queue &queue, size_t size_) : handle(queue.attach()), other(queue.attach()), size(size_)
    {
        for (size_t i = 0; i < in_batch; ++i)
            slices[i] = {bytes + i * size, size};
    }
};

void must(bool condition)
{
    if (!condition)
        ::_exit(1);
}

void enqueue(Bench &bench) { must(cq_enqueue(bench.handle, bench.bytes, bench.size) == CQ_OK); }
void dequeue(Bench &bench) { must(cq_dequeue(bench.handle, bench.bytes, bench.size, nullptr) == CQ_OK); }
void enqueue_other(Bench &bench) { must(cq_enqueue(bench.other, bench.bytes, bench.size) == CQ_OK); }
void dequeue_other(Bench &bench) { must(cq_dequeue(bench.other, bench.bytes, bench.size, nullptr) == CQ_OK); }

void enqueue_by_turns(Bench &bench)
{
    enqueue(bench);
    enqueue_other(bench);
}

void dequeue_by_turns(Bench &bench)
{
    dequeue(bench);
    dequeue_other(bench);
}

void reserve_and_commit(Bench &bench)
{
    Message message;
    must(cq_reserve(bench.handle, bench.size, &message) == CQ_OK);
    must(cq_commit(bench.handle, &message, bench.size) == CQ_OK);
}

void take_and_release(Bench &bench)
{
    Message message;
    must(cq_take(bench.handle, &message) == CQ_OK);
    must(cq_release(bench.handle, &message) == CQ_OK);
}

void enqueue_batch(Bench &bench)
{
    size_t done = 0;
    must(cq_enqueue_batch(bench.handle, bench.slices, in_batch, &done) == CQ_OK && done == in_batch);
}

void dequeue_batch(Bench &bench)
{
    size_t done = 0;
    must(cq_dequeue_batch(bench.handle, bench.bytes, sizeof bench.bytes, bench.got, in_batch, &done) == CQ_OK && done == in_batch);
}

void find_empty(Bench &bench) { must(cq_dequeue(bench.handle, bench.bytes, bench.size, nullptr) == CQ_EMPTY); }

struct Counted {
    const char *name;
    size_t size;
    void (*run)(Bench &);
    size_t messages; /* of one run */
    enum { None, Some } before;
};

const Counted all_counted[] = {
    {"enqueue 8", 8, enqueue, 1, Counted::None},
    {"enqueue 56", 56, enqueue, 1, Counted::None},
    {"enqueue 248", 248, enqueue, 1, Counted::None},
    {"dequeue 8", 8, dequeue, 1, Counted::Some},
    {"dequeue 56", 56, dequeue, 1, Counted::Some},
    {"dequeue 248", 248, dequeue, 1, Counted::Some},
    {"enqueue by turns 56", 56, enqueue_by_turns, 2, Counted::None},
    {"dequeue by turns 56", 56, dequeue_by_turns, 2, Counted::Some},
    {"reserve and commit 56", 56, reserve_and_commit, 1, Counted::None},
    {"take and release 56", 56, take_and_release, 1, Counted::Some},
    {"enqueue batch 56", 56, enqueue_batch, in_batch, Counted::None},
    {"dequeue batch 56", 56, dequeue_batch, in_batch, Counted::Some},
    {"empty 56", 56, find_empty, 1, Counted::None},
};

/* The instructions of so many runs, one after the other. */
size_t steps_of(const Counted &counted, size_t runs)
{
    Queue queue(Config(4096, counted.size));
    queue.close();
    Stepper stepper(
        [&] {
            Bench bench(queue, counted.size);
            for (size_t i = 0; i < (counted.before == Counted::Some ? 200 : 1); ++i)
                enqueue(bench);
            dequeue(bench);
            stop_clock();
            return bench;
        },
        [&](Bench &bench) {
            for (size_t i = 0; i < runs; ++i)
                counted.run(bench);
        });
    return stepper.trace().size();
}

/* A message's share, with the test's own call: the difference leaves out what comes once. */
double instructions(const Counted &counted)
{
    constexpr size_t few = 2, more = 5;
    return static_cast<double>(steps_of(counted, more) - steps_of(counted, few)) /
           static_cast<double>((more - few) * counted.messages);
}

std::map<std::string, double> read_baseline(std::string &compiler)
{
    std::ifstream file(CQTEST_BASELINE);
    std::map<std::string, double> baseline;
    std::getline(file, compiler);
    for (std::string name, number; std::getline(file, name, '\t') && std::getline(file, number);)
        baseline[name] = std::stod(number);
    return baseline;
}

TEST(Instructions, none_of_the_usual_ways_takes_3_percent_more_than_the_baseline)
{
    std::string compiler;
    const std::map<std::string, double> baseline = read_baseline(compiler);
    const char *write = std::getenv("CQ_BASELINE");
    if (compiler != COUNTED_WITH && !write)
        GTEST_SKIP() << "the baseline was counted with " << compiler << ", this is " << COUNTED_WITH;
    std::ostringstream counts;
    counts << COUNTED_WITH << "\n" << std::fixed << std::setprecision(1);
    for (const Counted &counted : all_counted) {
        const double now = instructions(counted);
        counts << counted.name << "\t" << now << "\n";
        if (write)
            continue;
        const auto before = baseline.find(counted.name);
        ASSERT_NE(before, baseline.end()) << counted.name << " is not in the baseline";
        EXPECT_LE(now, before->second * 1.03) << counted.name << ": instructions a message";
    }
    if (write)
        std::ofstream(CQTEST_BASELINE) << counts.str();
    std::cout << counts.str();
}

} // namespace
} // namespace cqtest
