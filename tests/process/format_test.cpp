/*
 * A reader that knows no more than c/FORMAT.md sees in the file what the library says of the queue.
 */
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"
#include "support/seed.hpp"

namespace cqtest {
namespace {

std::string hex(std::string_view text)
{
    std::string digits = text.empty() ? "-" : "";
    char two[3];
    for (const char c : text) {
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        digits += two;
    }
    return digits;
}

/* What format_reader.py prints about a queue. */
struct Reading {
    std::map<std::string, uint64_t> fields;
    std::vector<std::string> messages;

    explicit Reading(const std::string &path)
    {
        const std::string command = CQTEST_PYTHON " -B " CQTEST_READER " '" + path + "'";
        const std::unique_ptr<FILE, int (*)(FILE *)> pipe(::popen(command.c_str(), "r"), ::pclose);
        std::string text;
        for (std::array<char, 65536> piece; pipe;) {
            const size_t size = std::fread(piece.data(), 1, piece.size(), pipe.get());
            if (size == 0)
                break;
            text.append(piece.data(), size);
        }
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            const std::string name = line.substr(0, line.find(' ')), rest = line.substr(name.size() + 1);
            if (name == "message")
                messages.push_back(rest);
            else
                fields[name] = std::stoull(rest);
        }
    }
};

std::vector<std::string> walked(const Handle &queue)
{
    std::vector<std::string> lines;
    const int result = cq_walk(
        queue,
        [](const cq_message *message, void *context) {
            static_cast<std::vector<std::string> *>(context)->push_back(
                std::to_string(message->position) + " " + std::to_string(message->deliveries) + " " +
                hex({static_cast<const char *>(message->data), message->size}));
            return 0;
        },
        &lines);
    EXPECT_EQ(result, CQ_OK);
    return lines;
}

Reading expect_the_same(const Queue &queue)
{
    Reading read(queue.path());
    const Stats stats = queue.stat();
    EXPECT_EQ(read.messages, walked(queue));
    const std::map<std::string, uint64_t> expected = {{"format_version", stats.format_version},
                                                      {"capacity", stats.capacity},
                                                      {"max_message_size", stats.max_message_size},
                                                      {"slots_per_node", stats.slots_per_node},
                                                      {"orphans_waiting", stats.orphans},
                                                      {"enqueued", stats.enqueued},
                                                      {"redelivered", stats.redelivered},
                                                      {"returned", stats.returned},
                                                      {"voided", stats.voided},
                                                      {"reaped", stats.reaped},
                                                      {"participants", stats.participants},
                                                      {"node_count", stats.nodes},
                                                      {"touched", stats.nodes_touched},
                                                      {"nodes_linked", stats.nodes_linked},
                                                      {"file_size", stats.file_size},
                                                      {"created", static_cast<uint64_t>(stats.created)}};
    for (const auto &[name, value] : expected)
        EXPECT_EQ(read.fields[name], value) << name;
    EXPECT_EQ(read.fields["length"], read.messages.size());
    EXPECT_EQ(read.fields["nodes_free"] + read.fields["nodes_linked"], read.fields["touched"]);
    EXPECT_EQ(read.fields["nodes_hinted"], read.fields["nodes_free"]);
    return read;
}

/* Two slots a node, the second node's sequence wraps: positions 2 * (2^40 - 1), and then from 2 on. */
TEST(Format, of_a_queue_with_everything_in_it)
{
    Queue queue(Config(10, 16), Shape(2, last_sequence));
    for (const char *text : {"returned", "held", "", "sixteen bytes ok"})
        queue.must_enqueue(text);
    Message again = queue.take(), held = queue.take();
    ASSERT_EQ(cq_return(queue, &again), CQ_OK);
    again = queue.take();
    ASSERT_EQ(again.deliveries, 2u);
    ASSERT_EQ(cq_return(queue, &again), CQ_OK);
    Message given_up = queue.reserve(16), open = queue.reserve(16);
    ASSERT_EQ(cq_abort(queue, &given_up), CQ_OK);
    queue.must_enqueue("last");
    const Reading read = expect_the_same(queue);
    EXPECT_EQ(read.messages, (std::vector<std::string>{"2199023255550 3 72657475726e6564", "2 1 -",
                                                       "3 1 7369787465656e206279746573206f6b", "6 1 6c617374"}));
    EXPECT_EQ(read.fields.at("orphans_waiting"), 1u);
    EXPECT_EQ(read.fields.at("holes"), 1u);
    EXPECT_EQ(read.fields.at("nodes_linked"), 4u);
    EXPECT_EQ(read.fields.at("consumers"), 0u);
    EXPECT_EQ(cq_commit(queue, &open, 0), CQ_OK);
    EXPECT_EQ(cq_release(queue, &held), CQ_OK);
    expect_the_same(queue);
}

TEST(Format, of_an_empty_queue_of_the_usual_shape)
{
    Queue queue;
    const Reading read = expect_the_same(queue);
    EXPECT_EQ(read.fields.at("length"), 0u);
    EXPECT_EQ(read.fields.at("participants"), 1u);
    EXPECT_EQ(read.fields.at("capacity"), 65536u);
}

/* Calls at random, by several handles. */
class Life {
public:
    Life(const Queue &queue, Noise &noise) : queue_(queue), noise_(noise), other_(queue.attach()) {}

    void step()
    {
        switch (noise_.below(9)) {
        case 0: case 1: case 2: {
            const std::string text = bytes(noise_.next(), size());
            EXPECT_GE(either().enqueue(text), CQ_OK);
            break;
        }
        case 3: either().dequeue(); break;
        case 4: start(reserved_, [&](cq_message *message) { return cq_reserve(queue_, max(), message); }); break;
        case 5: start(taken_, [&](cq_message *message) { return cq_take(queue_, message); }); break;
        case 6: finish(reserved_, [&](cq_message *message) {
            return noise_.once_in(2) ? cq_abort(queue_, message) : cq_commit(queue_, message, size());
        }); break;
        case 7: finish(taken_, [&](cq_message *message) {
            return noise_.once_in(2) ? cq_return(queue_, message) : cq_release(queue_, message);
        }); break;
        default: {
            Message lost;
            cq_take(other_, &lost);
            cq_reserve(other_, max(), &lost);
            other_ = queue_.attach(); /* the old one is closed, with what it held */
        }
        }
    }

private:
    size_t max() const { return queue_.config().max_message_size; }
    size_t size() { return noise_.once_in(3) ? max() : noise_.below(max() + 1); }
    const Handle &either() { return noise_.once_in(2) ? static_cast<const Handle &>(queue_) : other_; }

    template <class Call>
    void start(std::vector<Message> &held, Call call)
    {
        Message message;
        if (held.size() < 6 && call(&message) == CQ_OK)
            held.push_back(message);
    }

    template <class Call>
    void finish(std::vector<Message> &held, Call call)
    {
        if (held.empty())
            return;
        std::swap(held[noise_.below(held.size())], held.back());
        const int result = call(&held.back());
        EXPECT_TRUE(result == CQ_OK || result == CQ_FULL) << result;
        if (result == CQ_OK)
            held.pop_back();
    }

    const Queue &queue_;
    Noise &noise_;
    Handle other_;
    std::vector<Message> reserved_, taken_;
};

using Formats = ::testing::TestWithParam<std::tuple<uint32_t, uint64_t, uint64_t>>;

TEST_P(Formats, of_queues_that_have_lived)
{
    const auto [slots, first, size] = GetParam();
    Noise noise(seed());
    Queue queue(Config(30, size), Shape(slots, first));
    Life life(queue, noise);
    for (int look = 0; look < (long_run() ? 20 : 1); ++look) {
        for (uint64_t steps = 50 + noise.below(400); steps > 0; --steps)
            life.step();
        expect_the_same(queue);
    }
}

INSTANTIATE_TEST_SUITE_P(shape, Formats,
                         ::testing::Combine(::testing::Values(1u, 2u, 64u, 256u),
                                            ::testing::Values(UINT64_C(1), last_sequence - 2),
                                            ::testing::Values(UINT64_C(1), UINT64_C(56), UINT64_C(248), UINT64_C(249),
                                                              UINT64_C(3000))),
                         [](const auto &info) {
                             return "K" + std::to_string(std::get<0>(info.param)) +
                                    (std::get<1>(info.param) == 1 ? "size" : "wrapsize") +
                                    std::to_string(std::get<2>(info.param));
                         });

} // namespace
} // namespace cqtest
