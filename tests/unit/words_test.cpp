/* cq_strerror and the version functions. */
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"

namespace cqtest {
namespace {

TEST(Strerror, every_result_has_a_meaning_of_its_own)
{
    std::set<std::string> meanings;
    for (int result = CQ_EBUSY; result <= CQ_STALE; ++result) {
        const std::string meaning = cq_strerror(result);
        EXPECT_NE(meaning, "unknown result") << result;
        EXPECT_FALSE(meaning.empty()) << result;
        EXPECT_TRUE(meanings.insert(meaning).second) << meaning;
    }
    EXPECT_EQ(meanings.size(), 29u);
}

TEST(Strerror, other_numbers_are_unknown)
{
    for (const int result : {CQ_EFEATURE - 1, CQ_DUPLICATE + 1, 100, -100, INT32_MAX, INT32_MIN})
        EXPECT_STREQ(cq_strerror(result), "unknown result");
}

TEST(Strerror, is_static)
{
    EXPECT_EQ(cq_strerror(CQ_FULL), cq_strerror(CQ_FULL));
}

TEST(Results, have_the_numbers_that_the_interface_promises)
{
    EXPECT_EQ(CQ_OK, 0);
    EXPECT_EQ(CQ_EMPTY, 1);
    EXPECT_EQ(CQ_FULL, 2);
    EXPECT_EQ(CQ_TIMEOUT, 3);
    EXPECT_EQ(CQ_CANCELLED, 4);
    EXPECT_EQ(CQ_STALE, 5);
    EXPECT_EQ(CQ_DUPLICATE, 6);
    EXPECT_EQ(CQ_EINVAL, -1);
    EXPECT_EQ(CQ_ENAME, -2);
    EXPECT_EQ(CQ_ENOENT, -3);
    EXPECT_EQ(CQ_EEXIST, -4);
    EXPECT_EQ(CQ_EMISMATCH, -5);
    EXPECT_EQ(CQ_EVERSION, -6);
    EXPECT_EQ(CQ_ECORRUPT, -7);
    EXPECT_EQ(CQ_EACCESS, -8);
    EXPECT_EQ(CQ_EOWNER, -9);
    EXPECT_EQ(CQ_ENOSPACE, -10);
    EXPECT_EQ(CQ_ENOMEM, -11);
    EXPECT_EQ(CQ_ELIMIT, -12);
    EXPECT_EQ(CQ_ETOOSMALL, -13);
    EXPECT_EQ(CQ_ETOOBIG, -14);
    EXPECT_EQ(CQ_EREADONLY, -15);
    EXPECT_EQ(CQ_EFORK, -16);
    EXPECT_EQ(CQ_ENOTHELD, -17);
    EXPECT_EQ(CQ_EFILESYSTEM, -18);
    EXPECT_EQ(CQ_ESYSTEM, -19);
    EXPECT_EQ(CQ_EPROCESS, -20);
    EXPECT_EQ(CQ_EFILESIZE, -21);
    EXPECT_EQ(CQ_EIO, -22);
    EXPECT_EQ(CQ_EBUSY, -23);
    EXPECT_EQ(CQ_ECONSUMER, -24);
    EXPECT_EQ(CQ_ESOURCES, -25);
    EXPECT_EQ(CQ_EHEADERS, -26);
    EXPECT_EQ(CQ_EFEATURE, -27);
}

/* On 64-bit machines: the bindings of other languages rely on them. */
TEST(Structs, have_the_sizes_that_the_interface_promises)
{
    EXPECT_EQ(sizeof(cq_config), 104u);
    EXPECT_EQ(sizeof(cq_slice), 16u);
    EXPECT_EQ(sizeof(cq_message), 48u);
    EXPECT_EQ(sizeof(cq_stats), 576u);
    EXPECT_EQ(sizeof(cq_participant), 64u);
    EXPECT_EQ(sizeof(cq_recovery), 32u);
    EXPECT_EQ(sizeof(cq_outgoing), 40u);
    EXPECT_EQ(sizeof(cq_header), 32u);
}

TEST(Version, is_that_of_the_header)
{
    EXPECT_EQ(cq_abi_version(), 1u);
    EXPECT_EQ(cq_abi_version(), static_cast<uint32_t>(CQ_ABI_VERSION));
    EXPECT_STREQ(cq_version(), CQ_VERSION_STRING);
    const std::string expected = std::to_string(CQ_VERSION_MAJOR) + "." + std::to_string(CQ_VERSION_MINOR) + "." +
                                 std::to_string(CQ_VERSION_PATCH);
    EXPECT_EQ(cq_version(), expected);
}

} // namespace
} // namespace cqtest
