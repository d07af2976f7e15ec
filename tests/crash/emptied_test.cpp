/*
 * A process is halted before every instruction of a call, while others use all nodes, empty them, and fill the file
 * system up to the last page. Then it goes on: it may find no room, but no node that it touches has lost its memory.
 */
#include "faults/file_systems.hpp"
#include "steps.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

constexpr uint64_t capacity = 40;
constexpr size_t size = 4000;

Config config() { return Config(capacity, size); }

struct Caller {
    Handle handle;
    Message message;
};

struct Call {
    const char *name;
    void (*prepare)(Caller &);
    void (*run)(Caller &);
};

int enqueue(Caller &caller, const char *text = "late") { return cq_enqueue(caller.handle, text, 4); }
int dequeue(Caller &caller)
{
    static char buffer[size];
    return cq_dequeue(caller.handle, buffer, sizeof buffer, nullptr);
}

/* The others' messages lie between the last call of this one and the next: it cannot go the usual way. */
const Call calls[] = {
    {"enqueue", nullptr, [](Caller &caller) { enqueue(caller); }},
    {"enqueue_the_usual_way", [](Caller &caller) { enqueue(caller); }, [](Caller &caller) { enqueue(caller); }},
    {"enqueue_batch", nullptr,
     [](Caller &caller) {
         const cq_slice messages[] = {{const_cast<char *>("late"), 4}, {const_cast<char *>("late"), 4}};
         size_t done;
         cq_enqueue_batch(caller.handle, messages, 2, &done);
     }},
    {"enqueue_from", nullptr,
     [](Caller &caller) {
         cq_outgoing message{};
         message.struct_size = sizeof message;
         message.data = "late";
         message.size = 4;
         cq_enqueue_from(caller.handle, &message, "source", 1);
     }},
    {"dequeue", nullptr, [](Caller &caller) { dequeue(caller); }},
    {"dequeue_the_usual_way", [](Caller &caller) { dequeue(caller); }, [](Caller &caller) { dequeue(caller); }},
    {"dequeue_batch", [](Caller &caller) { dequeue(caller); },
     [](Caller &caller) {
         static char buffer[4 * size];
         cq_slice messages[4];
         size_t done;
         cq_dequeue_batch(caller.handle, buffer, sizeof buffer, messages, 4, &done);
     }},
    {"take_and_release", nullptr,
     [](Caller &caller) {
         if (cq_take(caller.handle, &caller.message) == CQ_OK)
             cq_release(caller.handle, &caller.message);
     }},
    {"take_and_return", nullptr,
     [](Caller &caller) {
         if (cq_take(caller.handle, &caller.message) == CQ_OK)
             cq_return(caller.handle, &caller.message);
     }},
    {"reserve_and_abort", nullptr,
     [](Caller &caller) {
         if (cq_reserve(caller.handle, 100, &caller.message) == CQ_OK)
             cq_abort(caller.handle, &caller.message);
     }},
    {"release_twice",
     [](Caller &caller) {
         cq_take(caller.handle, &caller.message);
         cq_message copy = caller.message;
         cq_release(caller.handle, &copy);
     },
     [](Caller &caller) { cq_release(caller.handle, &caller.message); }},
    {"stat", nullptr,
     [](Caller &caller) {
         cq_stats stats{};
         stats.struct_size = sizeof stats;
         cq_stat(caller.handle, &stats);
     }},
    {"walk", nullptr, [](Caller &caller) { cq_walk(caller.handle, [](const cq_message *, void *) { return 0; }, nullptr); }},
};

void PrintTo(const Call &call, std::ostream *out) { *out << call.name; }

Stepper halted(const Queue &queue, const Call &call)
{
    return Stepper(
        [&] {
            Caller caller{queue.attach(), {}};
            if (call.prepare)
                call.prepare(caller);
            stop_clock({});
            return caller;
        },
        [&](Caller &caller) { call.run(caller); });
}

/* A queue in which two nodes are full and the third is begun. */
class Emptied : public ::testing::TestWithParam<Call> {
protected:
    static void begin(const Queue &queue)
    {
        for (int i = 0; i < 5; ++i)
            queue.must_enqueue("first");
    }

    /* Every node is used, and holds nothing, and its memory goes; then the file system is full. */
    static void empty(const Queue &queue, const Directory &directory)
    {
        while (queue.enqueue(std::string(size, 'o')) == CQ_OK)
            ;
        while (queue.dequeue())
            ;
        require(cq_trim(queue, nullptr) == CQ_OK, "it cannot be trimmed");
        leave_room(directory, 0);
    }
};

TEST_P(Emptied, of_what_a_halted_call_touches_nothing_is)
{
    std::vector<Step> steps;
    {
        Queue queue(config(), Shape(2));
        begin(queue);
        steps = steps_in(halted(queue, GetParam()).trace());
    }
    Shared<std::atomic<uint64_t>> trimmed;
    on_tmpfs("size=4m", [&](const Directory &directory, const Complaints &complaints) {
        stay_on_one_processor();
        const size_t stride = long_run() ? 1 : steps.size() / 400 + 1;
        for (size_t i = 0; i < steps.size(); i += stride) {
            Queue queue(directory.in(config()), Shape(2), "emptied");
            begin(queue);
            Stepper caller = halted(queue, GetParam());
            if (!caller.run_to(steps[i]))
                continue;
            try {
                empty(queue, directory);
                caller.finish();
            } catch (const std::exception &error) {
                complaints.add("%s\nat step %zu, %s", error.what(), i, to_string(steps[i]).c_str());
            }
            *trimmed += queue.stat().trimmed > 64 * 1024;
            caller.kill();
            give_room(directory);
        }
    });
    if (!IsSkipped()) {
        EXPECT_GT(trimmed->load(), 5u) << "memory went although a call was halted";
    }
}

INSTANTIATE_TEST_SUITE_P(, Emptied, ::testing::ValuesIn(calls),
                         [](const ::testing::TestParamInfo<Call> &info) { return std::string(info.param.name); });

} // namespace
} // namespace cqtest
