/*
 * SIGKILL before every instruction of the calls that change two things in one step: a message and its source's number, a
 * message here and in the dead letters. After recovery both have happened, or neither; and what was given back for later is
 * still there once.
 */
#include "steps.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

/* What the victim does to `queue`, and what must be true afterwards. */
struct Deed {
    const char *name;
    Config (*config)();
    void (*prepare)(const Handle &queue);
    void (*run)(const Handle &queue);
    void (*check)(const Queue &queue, const Handle &letters);
    size_t stride = 1;
};

std::string letters_name;

int feed(const Handle &queue, const char *text, uint64_t number)
{
    cq_outgoing message{};
    message.struct_size = sizeof message;
    message.data = text;
    message.size = std::strlen(text);
    return cq_enqueue_from(queue, &message, "stream", number);
}

uint64_t number_of_source(const Handle &queue)
{
    uint64_t number = 0;
    require(cq_source(queue, "stream", &number) == CQ_OK, "cq_source did not work");
    return number;
}

/* Everything of a dead process is done with. */
void require_settled(const Handle &queue)
{
    queue.recover();
    const Stats stats = queue.stat();
    require(stats.writing == 0 && stats.held == 0 && stats.consumer == 0, "something is still claimed");
}

/* The message is there exactly if the number says so, and sending it again makes one of it in any case. */
void check_fed(const Queue &queue, const Handle &)
{
    const uint64_t number = number_of_source(queue);
    std::vector<std::string> texts = queue.walk();
    const size_t twos = static_cast<size_t>(std::count(texts.begin(), texts.end(), "two"));
    require((number == 2) == (twos == 1) && twos <= 1,
            "number " + std::to_string(number) + " with the message there " + std::to_string(twos) + " times");
    require_settled(queue);
    require(feed(queue, "two", 2) == (number == 2 ? CQ_DUPLICATE : CQ_OK), "a second try came to something else");
    require(feed(queue, "three", 3) == CQ_OK, "the source is stuck");
    texts = queue.drain();
    require(std::count(texts.begin(), texts.end(), "two") == 1 && texts.back() == "three", "not once, or not in order");
    require(number_of_source(queue) == 3, "the number is wrong");
    require_capacity(queue, queue.config().capacity);
}

/* The number was raised or not, and what comes next is not refused for what the dead one had begun. */
void check_raised(const Queue &queue, const Handle &)
{
    const uint64_t number = number_of_source(queue);
    require(number == 0 || number == 5, "the number is " + std::to_string(number));
    require_settled(queue);
    require(feed(queue, "next", number + 1) == CQ_OK, "the number that was read is not the source's");
    require(number_of_source(queue) == number + 1 && queue.drain() == std::vector<std::string>{"next"}, "not once");
    require(feed(queue, "next", 5) == (number == 5 ? CQ_DUPLICATE : CQ_OK), "the number went back, or on");
}

Message held; /* by this process */

/* Here or among the dead letters, once: also an older message that is given up now, before the dead one's. */
void check_moved(const Queue &queue, const Handle &letters)
{
    queue.recover();
    require(cq_return(queue, &held) == CQ_OK, "cq_return did not work");
    letters.recover();
    std::vector<std::string> texts = queue.drain(); /* moves what is to be moved */
    for (const std::string &text : letters.drain())
        texts.push_back(text);
    std::sort(texts.begin(), texts.end());
    require(texts == std::vector<std::string>{"one", "other"}, "lost or doubled: " + std::to_string(texts.size()));
    require_settled(queue);
}

void check_there_once(const Queue &queue, const Handle &)
{
    queue.recover();
    require(queue.walk() == std::vector<std::string>{"one"}, "lost or doubled");
    const Stats stats = queue.stat();
    require(stats.length == 1 && (stats.delayed == 1) != queue.dequeue().has_value(), "neither now nor later");
    require_settled(queue);
}

/* Nobody is the consumer any more, and what the dead one held comes first. */
void check_consumer(const Queue &queue, const Handle &)
{
    queue.recover();
    require(queue.drain() == std::vector<std::string>{"one", "two"}, "not in order");
    queue.recover();
}

Config plain() { return Config(5, stamped_size_min); }
Config with_letters()
{
    Config config(5, 16);
    config.max_deliveries = 1;
    config.dead_letter = letters_name.c_str();
    return config;
}

const Deed feeding[] = {
    {"first", plain, nullptr, [](const Handle &queue) { feed(queue, "two", 2); }, check_fed, 3},
    {"next", plain, [](const Handle &queue) { feed(queue, "one", 1); },
     [](const Handle &queue) { feed(queue, "two", 2); }, check_fed},
    {"appends",
     plain,
     [](const Handle &queue) {
         feed(queue, "one", 1);
         queue.must_enqueue("more");
     },
     [](const Handle &queue) { feed(queue, "two", 2); }, check_fed},
    {"again", plain, [](const Handle &queue) { feed(queue, "two", 2); },
     [](const Handle &queue) { feed(queue, "two", 2); }, check_fed},
};

const Deed deeds[] = {
    {"raise", plain, nullptr, [](const Handle &queue) { cq_raise_source(queue, "stream", 5); }, check_raised, 3},
    {"raise_beside", plain, [](const Handle &queue) { cq_raise_source(queue, "other", 1); },
     [](const Handle &queue) { cq_raise_source(queue, "stream", 5); }, check_raised, 3},
    {"move", with_letters,
     [](const Handle &queue) {
         queue.must_enqueue("other");
         queue.must_enqueue("one");
         held = queue.take();
     },
     [](const Handle &queue) {
         Message message = queue.take();
         cq_return(queue, &message);
     },
     check_moved, 5},
    {"return_after", plain, [](const Handle &queue) { queue.must_enqueue("one"); },
     [](const Handle &queue) {
         Message message = queue.take();
         cq_return_after(queue, &message, INT64_C(3600000000000));
     },
     check_there_once},
    {"consume", [] { return Config(5, 16, CQ_EXCLUSIVE_CONSUMER); },
     [](const Handle &queue) {
         queue.must_enqueue("one");
         queue.must_enqueue("two");
     },
     [](const Handle &queue) { queue.take(); }, check_consumer},
};

class Feed : public ::testing::TestWithParam<Deed> {
protected:
    void SetUp() override { stay_on_one_processor(); }
};

class FeedStopped : public Feed {};

/* A queue, its dead letters, and a victim that is about to do its deed. */
struct Scene {
    explicit Scene(const Deed &deed) : letters(Config(5, 16), Shape(2)), deed(deed)
    {
        letters_name = letters.name();
        queue.emplace(deed.config(), Shape(2));
        if (deed.prepare)
            deed.prepare(*queue);
    }
    Stepper victim() const
    {
        return Stepper([this] { return queue->attach(); }, [this](Handle &handle) { deed.run(handle); });
    }
    Queue letters;
    std::optional<Queue> queue;
    const Deed &deed;
};

TEST_P(Feed, killed_at_every_instruction_has_done_both_or_neither)
{
    const Deed &deed = GetParam();
    std::vector<Step> steps;
    {
        Scene scene(deed);
        steps = steps_in(scene.victim().trace());
    }
    at_steps(steps, long_run() ? 1 : deed.stride, [&](const Step &step, size_t) {
        Scene scene(deed);
        bool reached;
        {
            Stepper victim = scene.victim();
            reached = victim.run_to(step);
            victim.kill();
        }
        deed.check(*scene.queue, scene.letters);
        return reached;
    });
}

/* One feeder is stopped, another feeds the same messages and goes on, consumers take them: nobody waits for the stopped
   one, and when it goes on its message still has come once. */
TEST_P(FeedStopped, at_every_instruction_holds_no_feeder_up)
{
    const Deed &deed = GetParam();
    std::vector<Step> steps;
    {
        Scene scene(deed);
        steps = steps_in(scene.victim().trace());
    }
    at_steps(steps, long_run() ? 1 : deed.stride, [&](const Step &step, size_t) {
        Scene scene(deed);
        Stepper victim = scene.victim();
        const bool reached = victim.run_to(step);
        const int result = feed(*scene.queue, "two", 2);
        require(result == CQ_OK || result == CQ_DUPLICATE, "a feeder is held up: " + std::to_string(result));
        require(feed(*scene.queue, "three", 3) == CQ_OK, "the next message is held up");
        std::vector<std::string> texts = scene.queue->drain();
        require(!texts.empty() && texts.back() == "three", "a consumer is held up");
        if (reached)
            victim.finish();
        for (const std::string &text : scene.queue->drain())
            texts.push_back(text);
        require(std::count(texts.begin(), texts.end(), "two") == 1 &&
                    std::count(texts.begin(), texts.end(), "three") == 1 && texts.back() == "three",
                "not once, or not in order");
        require(number_of_source(*scene.queue) == 3, "the number is wrong");
        victim.kill();
        scene.queue->recover();
        require_settled(*scene.queue);
        require_capacity(*scene.queue, scene.queue->config().capacity);
        return reached;
    });
}

/* The only consumer died with a message in its hands, and whoever puts that right is stopped anywhere: the next consumer
   gets this message first, or is told that there is a consumer still. */
TEST(Standby, gets_first_what_the_dead_consumer_held)
{
    struct Death {
        Death() : queue(Config(5, 16, CQ_EXCLUSIVE_CONSUMER), Shape(2))
        {
            queue.must_enqueue("one");
            queue.must_enqueue("two");
            recoverer.emplace([this] { return queue.attach(); }, [](Handle &handle) { cq_recover(handle, nullptr); });
            Child consumer([this](Channel &) {
                Handle handle = queue.attach();
                handle.take();
                ::_exit(0);
            });
            require(consumer.join().code == 0, "the consumer did not come so far");
        }
        Queue queue;
        std::optional<Stepper> recoverer;
    };
    stay_on_one_processor();
    const std::vector<Step> all = steps_in(Death().recoverer->trace());
    std::map<uintptr_t, uint32_t> last;
    for (const Step &step : all)
        last[step.address] = step.visit;
    std::vector<Step> steps; /* thousands of participants are looked at in the same few instructions */
    for (const Step &step : all)
        if (step.visit == 1 || step.visit == last[step.address])
            steps.push_back(step);
    at_steps(steps, long_run() ? 1 : 1 + steps.size() / 250, [&](const Step &step, size_t) {
        Death death;
        const bool reached = death.recoverer->run_to(step);
        Message message;
        const int result = cq_take(death.queue, &message);
        require(result == CQ_ECONSUMER || (result == CQ_OK && message.text() == "one"),
                result == CQ_OK ? "got " + message.text() + " first" : "result " + std::to_string(result));
        if (result == CQ_OK)
            require(cq_release(death.queue, &message) == CQ_OK, "it is not held");
        death.recoverer->finish();
        require(death.queue.drain().size() == (result == CQ_OK ? 1 : 2), "lost or doubled");
        return reached;
    });
}

std::string deed_name(const ::testing::TestParamInfo<Deed> &info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(feeding, Feed, ::testing::ValuesIn(feeding), deed_name);
INSTANTIATE_TEST_SUITE_P(deed, Feed, ::testing::ValuesIn(deeds), deed_name);
INSTANTIATE_TEST_SUITE_P(feeding, FeedStopped, ::testing::ValuesIn(feeding), deed_name);

} // namespace
} // namespace cqtest
