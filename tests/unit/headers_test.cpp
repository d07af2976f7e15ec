/* Headers: keys and values that go before a message. */
#include "support/leftovers.hpp"
#include "support/outgoing.hpp"

namespace cqtest {
namespace {

Config with_headers(uint64_t max_message_size, uint64_t max_headers = 200)
{
    Config config(100, max_message_size);
    config.max_headers = max_headers;
    return config;
}

const Map some{{"content-type", "text/plain"}, {"empty", ""}, {"schl\u00fcssel", std::string("a\0b", 3)}};

class Headers : public ::testing::TestWithParam<uint64_t> {}; /* max_message_size */
INSTANTIATE_TEST_SUITE_P(size, Headers, ::testing::Values(8, 248, 249, 5000, 20000),
                         [](const auto &info) { return std::to_string(info.param); });

TEST_P(Headers, come_with_their_message)
{
    Queue queue(with_headers(GetParam()));
    const std::string whole(GetParam(), 'w');
    for (int round = 0; round < 300; ++round) {
        const std::string headers = headers_of(some);
        const cq_outgoing with = outgoing("with", headers), large = outgoing(whole, headers);
        ASSERT_EQ(cq_enqueue_message(queue, &with, 0), CQ_OK);
        ASSERT_EQ(queue.enqueue("without"), CQ_OK);
        ASSERT_EQ(cq_enqueue_message(queue, &large, 0), CQ_OK);
        for (const std::string &expected : {std::string("with"), std::string("without"), whole}) {
            Message message = queue.take();
            ASSERT_EQ(message.text(), expected);
            ASSERT_EQ(map_of(queue, message), expected == "without" ? Map() : some);
            ASSERT_EQ(reinterpret_cast<uintptr_t>(message.data) % (GetParam() > 248 ? 64 : 8), 0u);
            ASSERT_EQ(cq_release(queue, &message), CQ_OK);
        }
    }
}

TEST_P(Headers, survive_redelivery_and_are_seen_by_a_walk)
{
    Queue queue(with_headers(GetParam()));
    const std::string headers = headers_of(some);
    const cq_outgoing with = outgoing("with", headers);
    ASSERT_EQ(cq_enqueue_message(queue, &with, 0), CQ_OK);
    Message message = queue.take();
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    struct Seen {
        const Handle &queue;
        Map map;
    } seen{queue, {}};
    ASSERT_EQ(cq_walk(
                  queue,
                  [](const cq_message *shown, void *context) {
                      auto &to = *static_cast<Seen *>(context);
                      to.map = map_of(to.queue, *shown);
                      return 0;
                  },
                  &seen),
              CQ_OK);
    EXPECT_EQ(seen.map, some);
    message = queue.take();
    EXPECT_EQ(message.deliveries, 2u);
    EXPECT_EQ(map_of(queue, message), some);
}

TEST_P(Headers, of_a_reservation_are_set_before_it_is_committed)
{
    Queue queue(with_headers(GetParam()));
    const std::string headers = headers_of(some);
    Message message = queue.reserve(4), plain = queue.reserve(4);
    ASSERT_EQ(cq_set_headers(queue, &message, headers.data(), headers.size()), CQ_OK);
    ASSERT_EQ(cq_commit(queue, &plain, 4), CQ_OK);
    /* A consumer has moved past the first by now, which then needs a new slot. */
    Message first = queue.take();
    EXPECT_EQ(map_of(queue, first), Map());
    ASSERT_EQ(cq_commit(queue, &message, 4), CQ_OK);
    EXPECT_EQ(cq_set_headers(queue, &message, headers.data(), headers.size()), CQ_ENOTHELD);
    Message second = queue.take();
    EXPECT_EQ(map_of(queue, second), some);
}

TEST(HeadersOf, other_queues_are_refused)
{
    Queue queue(Config(10, 16));
    const std::string headers = headers_of(some);
    cq_outgoing with = outgoing("x", headers);
    EXPECT_EQ(cq_enqueue_message(queue, &with, 0), CQ_EFEATURE);
    with.headers_size = 0;
    EXPECT_EQ(cq_enqueue_message(queue, &with, 0), CQ_OK);
    Message message = queue.take();
    cq_slice found;
    EXPECT_EQ(cq_headers(queue, &message, &found), CQ_EFEATURE);
    int64_t when;
    EXPECT_EQ(cq_enqueue_time(queue, &message, &when), CQ_EFEATURE);
    char text[300];
    cq_explain(CQ_EFEATURE, queue.name().c_str(), nullptr, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("no headers and no times"), std::string::npos) << text;
}

TEST(HeadersOf, a_wrong_form_are_refused)
{
    Queue queue(with_headers(16, 20));
    const auto put = [&](std::string_view headers) {
        const cq_outgoing message = outgoing("x", headers);
        return cq_enqueue_message(queue, &message, 0);
    };
    EXPECT_EQ(put(std::string_view("\1\1\0kv", 5)), CQ_OK);
    EXPECT_EQ(put(std::string_view("\1\1\0kv\1\0\0k", 9)), CQ_EHEADERS); /* twice */
    EXPECT_EQ(put(std::string_view("\1\2\0kv", 5)), CQ_EHEADERS);        /* longer than it is */
    EXPECT_EQ(put(std::string_view("\0\1\0v", 4)), CQ_EHEADERS);         /* no key */
    EXPECT_EQ(put(std::string_view("\1\0\0\xff", 4)), CQ_EHEADERS);      /* no UTF-8 */
    EXPECT_EQ(put(std::string_view("\1\0\0\0", 4)), CQ_EHEADERS);        /* a 0 */
    EXPECT_EQ(put(std::string_view("\1\1", 2)), CQ_EHEADERS);
    EXPECT_EQ(put(std::string(21, '\1')), CQ_ETOOBIG);
    const cq_outgoing nowhere = {sizeof(cq_outgoing), 0, "x", 1, nullptr, 5};
    EXPECT_EQ(cq_enqueue_message(queue, &nowhere, 0), CQ_EINVAL);
    EXPECT_EQ(queue.length(), 1u);
}

TEST(HeadersOf, what_is_added_must_fit)
{
    char room[12];
    size_t size = 0;
    EXPECT_EQ(cq_header_add(room, sizeof room, &size, "key", "value", 5), CQ_OK);
    EXPECT_EQ(size, 11u);
    EXPECT_EQ(cq_header_add(room, sizeof room, &size, "k", "", 0), CQ_ETOOBIG);
    EXPECT_EQ(cq_header_add(room, sizeof room, &size, "key", "", 0), CQ_EHEADERS);
    EXPECT_EQ(cq_header_add(room, sizeof room, &size, "", "", 0), CQ_EHEADERS);
    EXPECT_EQ(cq_header_add(room, sizeof room, &size, std::string(256, 'k').c_str(), "", 0), CQ_EHEADERS);
    EXPECT_EQ(cq_header_add(room, sizeof room, nullptr, "k", "", 0), CQ_EINVAL);
    for (const char *bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\x80"})
        EXPECT_EQ(cq_header_add(room, sizeof room, &size, bad, "", 0), CQ_EHEADERS) << bad;
    EXPECT_EQ(size, 11u);
    cq_slice value;
    EXPECT_EQ(cq_header_find(room, size, "key", &value), CQ_OK);
    EXPECT_EQ(std::string(static_cast<char *>(value.data), value.size), "value");
    EXPECT_EQ(cq_header_find(room, size, "ke", &value), CQ_EMPTY);
    EXPECT_EQ(cq_header_find(room, size - 1, "key", &value), CQ_EHEADERS);
}

TEST(HeadersOf, a_queue_are_its_own_property)
{
    Queue queue(with_headers(16));
    Config other = with_headers(16, 100);
    EXPECT_EQ(open_result(queue.name(), other), CQ_EMISMATCH);
    other.max_headers = 65536;
    EXPECT_EQ(open_result(queue.name(), other), CQ_EINVAL);
    EXPECT_EQ(open_result(queue.name(), with_headers(16)), CQ_OK);
    EXPECT_EQ(queue.stat().max_headers, 200u);
}

} // namespace
} // namespace cqtest
