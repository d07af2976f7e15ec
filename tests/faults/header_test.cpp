/*
 * Regions whose header lies: refused before anything is mapped, with a sentence that names both sides.
 */
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/region_bytes.hpp"

namespace {

using namespace cqtest;

constexpr uint64_t all_ones = UINT64_MAX;

struct Lie {
    const char *what;
    uint64_t offset;
    unsigned size; /* bytes, 4 or 8 */
    uint64_t value;
    int result;
    const char *sentence; /* a part of what cq_explain says */
};

const char *const contradicts = "is no region of cqueue, or its bytes contradict each other: unlink it";

void spoil(const RegionBytes &bytes, const Lie &lie)
{
    if (lie.size == 4)
        bytes.put<uint32_t>(lie.offset, static_cast<uint32_t>(lie.value));
    else
        bytes.put<uint64_t>(lie.offset, lie.value);
}

std::string explain(int result, const Queue &queue)
{
    char text[1000];
    cq_explain(result, queue.name().c_str(), &queue.config(), 0, text, sizeof text);
    return text;
}

int open_again(const Queue &queue, uint32_t flags)
{
    return open_result(queue.name(), Config(0, 0, flags));
}

/* Each lie alone is refused, by writers and by readers, and the truth afterwards is accepted again. */
void expect_refused(const std::vector<Lie> &lies)
{
    Queue queue(Config(100, 64));
    queue.must_enqueue("precious");
    RegionBytes bytes(queue.path());
    for (const Lie &lie : lies) {
        SCOPED_TRACE(lie.what);
        const auto truth = bytes.get(lie.offset / 8 * 8);
        spoil(bytes, lie);
        EXPECT_EQ(open_again(queue, CQ_CREATE), lie.result);
        EXPECT_EQ(open_again(queue, CQ_READ_ONLY), lie.result);
        EXPECT_NE(explain(lie.result, queue).find(lie.sentence), std::string::npos) << explain(lie.result, queue);
        bytes.put(lie.offset / 8 * 8, truth);
    }
    ASSERT_EQ(open_again(queue, CQ_ATTACH), CQ_OK);
    EXPECT_EQ(queue.attach().dequeue(), "precious");
}

TEST(Fault30, another_format_is_refused_naming_both_sides)
{
    expect_refused({
        {"format 0", field::format_version, 4, 0, CQ_EVERSION, "region has format version 0, this library has 1"},
        {"format 2", field::format_version, 4, 2, CQ_EVERSION, "region has format version 2, this library has 1"},
        {"format all ones", field::format_version, 4, 0xffffffff, CQ_EVERSION,
         "region has format version 4294967295, this library has 1"},
        {"big-endian", field::byte_order, 4, 0x04030201, CQ_EVERSION,
         "region has byte order mark 04030201, this machine writes 01020304"},
        {"no byte order", field::byte_order, 4, 0, CQ_EVERSION, "region has byte order mark 00000000"},
        {"32 bits", field::word_bits, 4, 32, CQ_EVERSION, "region is for 32-bit words, this library for 64"},
        {"0 bits", field::word_bits, 4, 0, CQ_EVERSION, "region is for 0-bit words"},
        {"the next feature", field::features, 8, 8, CQ_EVERSION, "region uses features 8, this library knows 7"},
        {"another feature", field::features, 8, UINT64_C(1) << 63, CQ_EVERSION,
         "region uses features 8000000000000000, this library knows 7"},
    });
}

/* All of it, as a machine would write it that begins with the other end: nothing of the kind that is to be unlinked. */
TEST(Fault30, a_region_of_the_other_byte_order_is_not_taken_for_a_corrupt_one)
{
    Queue queue(Config(100, 64));
    const RegionBytes bytes(queue.path());
    for (const uint64_t word : {field::magic, field::features, field::capacity, field::max_message_size, field::file_size})
        bytes.put(word, __builtin_bswap64(bytes.get(word)));
    for (const uint64_t half : {field::format_version, field::byte_order, field::word_bits, field::slots_per_node})
        bytes.put<uint32_t>(half, __builtin_bswap32(bytes.get<uint32_t>(half)));
    EXPECT_EQ(open_again(queue, CQ_CREATE), CQ_EVERSION);
    EXPECT_EQ(open_again(queue, CQ_READ_ONLY), CQ_EVERSION);
    EXPECT_NE(explain(CQ_EVERSION, queue).find("byte order"), std::string::npos) << explain(CQ_EVERSION, queue);
}

TEST(Fault30, what_is_no_region_is_corrupt)
{
    expect_refused({
        {"magic 0: its creator never finished", field::magic, 8, 0, CQ_ECORRUPT, contradicts},
        {"magic all ones", field::magic, 8, all_ones, CQ_ECORRUPT, contradicts},
        {"magic with its bytes reversed", field::magic, 8, UINT64_C(0x637175657565 << 16 | 0x0d0a), CQ_ECORRUPT,
         contradicts},
    });
}

TEST(Fault31, sizes_out_of_range_or_contradictory_are_refused)
{
    std::vector<Lie> lies{
        {"no slots", field::slots_per_node, 4, 0, CQ_ECORRUPT, contradicts},
        {"257 slots", field::slots_per_node, 4, 257, CQ_ECORRUPT, contradicts},
        {"slots all ones", field::slots_per_node, 4, 0xffffffff, CQ_ECORRUPT, contradicts},
        {"one slot", field::slots_per_node, 4, 1, CQ_ECORRUPT, contradicts},
        {"capacity 0", field::capacity, 8, 0, CQ_ECORRUPT, contradicts},
        {"capacity beyond the limit", field::capacity, 8, (UINT64_C(1) << 31) + 1, CQ_ECORRUPT, contradicts},
        {"no message", field::max_message_size, 8, 0, CQ_ECORRUPT, contradicts},
        {"a message beyond the limit", field::max_message_size, 8, (UINT64_C(1) << 30) + 1, CQ_ECORRUPT, contradicts},
        {"a message that overflows slot_stride", field::max_message_size, 8, all_ones - 15, CQ_ECORRUPT, contradicts},
        {"holes beyond the limit", field::hole_slots, 8, (UINT64_C(1) << 31) + 1, CQ_ECORRUPT, contradicts},
        {"no holes", field::hole_slots, 8, 0, CQ_ECORRUPT, contradicts},
        {"nodes beyond the limit", field::spare_nodes, 8, UINT64_C(1) << 24, CQ_ECORRUPT, contradicts},
        {"no spare nodes", field::spare_nodes, 8, 0, CQ_ECORRUPT, contradicts},
        {"a file larger than this one", field::file_size, 8, UINT64_C(1) << 40, CQ_ECORRUPT, contradicts},
    };
    /* The derived fields have one right value each; these include products that wrap around to something small. */
    const std::pair<const char *, uint64_t> derived[] = {
        {"slot_stride", field::slot_stride},       {"node_stride", field::node_stride},
        {"node_count", field::node_count},         {"summary_offset", field::summary_offset},
        {"bitmap_offset", field::bitmap_offset},   {"states_offset", field::states_offset},
        {"nodes_offset", field::nodes_offset},     {"file_size", field::file_size},
        {"capacity", field::capacity},             {"max_message_size", field::max_message_size},
        {"hole_slots", field::hole_slots},         {"spare_nodes", field::spare_nodes}};
    for (const auto &[name, offset] : derived)
        for (const uint64_t value : {all_ones, all_ones / 2, UINT64_C(1) << 63, UINT64_C(1) << 32, all_ones - 4095})
            lies.push_back({name, offset, 8, value, CQ_ECORRUPT, contradicts});
    for (const auto &[name, offset] : {derived[0], derived[1], derived[2], derived[3], derived[4], derived[5], derived[6],
                                       derived[7]})
        for (const uint64_t value : {UINT64_C(0), UINT64_C(1), UINT64_C(8), UINT64_C(4096)})
            lies.push_back({name, offset, 8, value, CQ_ECORRUPT, contradicts});
    expect_refused(lies);
}

TEST(Fault31, a_file_shorter_than_its_header_says_is_refused)
{
    Queue queue(Config(100, 64));
    const auto whole = static_cast<off_t>(queue.stat().file_size);
    queue.close();
    for (const off_t size : {off_t{0}, off_t{1}, off_t{8}, off_t{1023}, off_t{1024}, off_t{4096}, off_t{69632}, whole - 4096,
                             whole - 1}) {
        SCOPED_TRACE(size);
        Queue cut(Config(100, 64));
        cut.close();
        ASSERT_EQ(::truncate(cut.path().c_str(), size), 0);
        EXPECT_EQ(open_again(cut, CQ_CREATE), CQ_ECORRUPT);
        EXPECT_EQ(open_again(cut, CQ_READ_ONLY), CQ_ECORRUPT);
        EXPECT_NE(explain(CQ_ECORRUPT, cut).find(contradicts), std::string::npos);
    }
}

TEST(Fault31, a_file_longer_than_its_header_says_is_no_harm)
{
    Queue queue(Config(100, 64));
    queue.must_enqueue("here");
    const auto whole = static_cast<off_t>(queue.stat().file_size);
    ASSERT_EQ(::truncate(queue.path().c_str(), whole + 12345), 0);
    EXPECT_EQ(queue.attach().dequeue(), "here");
}

/* Whatever the attacker does to the header while others open, they map what they checked or nothing. */
TEST(Fault32, geometry_that_changes_while_it_is_read_is_read_once)
{
    Queue queue(Config(100, 64));
    Shared<std::atomic<bool>> done;
    Child attacker([&](Channel &) {
        RegionBytes bytes(queue.path());
        const uint64_t offsets[] = {field::capacity,    field::max_message_size, field::slot_stride, field::node_stride,
                                    field::node_count,  field::states_offset,    field::nodes_offset, field::file_size,
                                    field::bitmap_offset};
        Noise noise(32);
        while (!*done) {
            const uint64_t offset = offsets[noise.below(std::size(offsets))], truth = bytes.get(offset);
            bytes.put(offset, truth << noise.below(40));
            for (uint64_t i = noise.below(3000); i > 0; --i)
                std::atomic_signal_fence(std::memory_order_seq_cst);
            bytes.put(offset, truth);
            for (uint64_t i = noise.below(3000); i > 0; --i)
                std::atomic_signal_fence(std::memory_order_seq_cst);
        }
    });
    int accepted = 0, refused = 0;
    const auto end = Clock::now() + patience;
    for (int i = 0; (i < 3000 || accepted == 0 || refused == 0) && Clock::now() < end; ++i) {
        Config config(0, 0, CQ_ATTACH);
        cq_queue *raw = nullptr;
        const int result = cq_open(queue.name().c_str(), &config, &raw);
        Handle handle(raw);
        ASSERT_TRUE(result == CQ_OK || result == CQ_ECORRUPT) << cq_strerror(result);
        ++(result == CQ_OK ? accepted : refused);
        if (result != CQ_OK)
            continue;
        const Stats stats = handle.stat();
        ASSERT_EQ(stats.capacity, 100u);
        ASSERT_EQ(stats.max_message_size, 64u);
        handle.must_enqueue("through");
        ASSERT_EQ(handle.dequeue(), "through");
    }
    *done = true;
    EXPECT_EQ(attacker.join().code, 0);
    EXPECT_GT(accepted, 0);
    EXPECT_GT(refused, 0);
}

} // namespace
