/*
 * SIGKILL before every instruction of calls that give slots memory, or take it: in a queue of large messages, where a slot
 * has memory as far as its messages reached. Then the file system is full: nobody may store where a slot only says that it
 * has memory. And when there is room again, all of the capacity is there.
 */
#include "faults/file_systems.hpp"
#include "steps.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

constexpr size_t size = 18000;

Config config(uint64_t capacity) { return Config(capacity, 20000); }

std::string large(uint64_t number) { return bytes(number, size); }

struct Call {
    const char *name;
    void (*prepare)(const Handle &);
    void (*run)(const Handle &);
    uint64_t capacity = 6;
};

const std::string text = large(100); /* made here, where no step counts */

int enqueue_large(const Handle &handle)
{
    return cq_enqueue(handle, text.data(), text.size());
}

/* Every slot of every node was used by a large message. */
void use_all(const Handle &handle)
{
    static const std::string one = large(1);
    for (int round = 0; round < 2; ++round) {
        while (handle.enqueue(one) == CQ_OK)
            ;
        while (handle.dequeue())
            ;
    }
}

const Call calls[] = {
    {"first_use", nullptr, [](const Handle &handle) { enqueue_large(handle); }},
    {"next_node", [](const Handle &handle) { handle.must_enqueue("a"), handle.must_enqueue("b"); },
     [](const Handle &handle) { enqueue_large(handle); }},
    {"a_slot_that_has_a_page",
     [](const Handle &handle) {
         for (int i = 0; i < 12; ++i) {
             handle.must_enqueue("short");
             require(handle.dequeue() == "short", "it is another");
         }
     },
     [](const Handle &handle) { enqueue_large(handle); }},
    {"reserve_and_commit", nullptr,
     [](const Handle &handle) {
         Message message;
         if (cq_reserve(handle, size, &message) == CQ_OK)
             cq_commit(handle, &message, size);
     }},
    {"trim", use_all, [](const Handle &handle) { cq_trim(handle, nullptr); }},
    /* Some nodes lie on both sides of 2 MiB, and lose their memory in two pieces. */
    {"trim_in_pieces", use_all, [](const Handle &handle) { cq_trim(handle, nullptr); }, 130},
    {"use_after_trim", [](const Handle &handle) { use_all(handle), cq_trim(handle, nullptr); },
     [](const Handle &handle) { enqueue_large(handle), enqueue_large(handle); }},
};

void PrintTo(const Call &call, std::ostream *out) { *out << call.name; }

Stepper halted(const Queue &queue, const Call &call)
{
    return Stepper(
        [&] {
            Handle handle = queue.attach();
            if (call.prepare)
                call.prepare(handle);
            stop_clock({});
            return handle;
        },
        [&](const Handle &handle) { call.run(handle); });
}

/* As many large messages as there is memory for; how many. They come out whole. */
uint64_t pass_large(const Handle &handle, int at_the_end)
{
    uint64_t accepted = 0;
    int result;
    while ((result = handle.enqueue(large(accepted))) == CQ_OK)
        ++accepted;
    require(result == at_the_end || result == CQ_FULL, "enqueue returned " + std::to_string(result));
    for (uint64_t i = 0; i < accepted; ++i)
        require(handle.dequeue() == large(i), "a message is not whole");
    require(!handle.dequeue(), "there is one too many");
    return accepted;
}

class Paged : public ::testing::TestWithParam<Call> {};

TEST_P(Paged, slots_of_the_dead_say_no_more_memory_than_they_have)
{
    std::vector<Step> steps;
    {
        Queue queue(config(GetParam().capacity), Shape(2));
        steps = steps_in(halted(queue, GetParam()).trace());
    }
    on_tmpfs("size=8m", [&](const Directory &directory, const Complaints &complaints) {
        stay_on_one_processor();
        const size_t stride = long_run() ? 1 : steps.size() / 150 + 1;
        for (size_t i = 0; i < steps.size(); i += stride)
            try {
                Queue queue(directory.in(config(GetParam().capacity)), Shape(2), "paged");
                Stepper victim = halted(queue, GetParam());
                victim.run_to(steps[i]);
                victim.kill();
                require(queue.recover().participants <= 1, "more than one is dead");
                while (queue.dequeue())
                    ;
                leave_room(directory, 0);
                pass_large(queue, CQ_ENOSPACE);
                give_room(directory);
                require(pass_large(queue, CQ_FULL) == GetParam().capacity, "not all of the capacity is there");
            } catch (const std::exception &error) {
                complaints.add("%s\nat step %zu, %s", error.what(), i, to_string(steps[i]).c_str());
            }
    });
}

INSTANTIATE_TEST_SUITE_P(, Paged, ::testing::ValuesIn(calls),
                         [](const ::testing::TestParamInfo<Call> &info) { return std::string(info.param.name); });

} // namespace
} // namespace cqtest
