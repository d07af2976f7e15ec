/* cqueue::error, its codes and its sentences. */
#include <gtest/gtest.h>

#include "named.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using cqueue::errc;

TEST(Error, of_a_mismatch_says_what_was_found_and_asked_for)
{
    const Named name;
    const cqueue::queue queue(name, sized(4096));
    const auto error = thrown_by([&] { cqueue::queue(name, sized(1024)); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->result(), errc::mismatch);
    const std::string what = error->what();
    for (const std::string &word : {'"' + name.str() + '"', std::string("4096"), std::string("1024")})
        EXPECT_NE(what.find(word), std::string::npos) << what;
    char sentence[1000];
    const Config config(1024, 16);
    cq_explain(CQ_EMISMATCH, name.str().c_str(), &config, 0, sentence, sizeof sentence);
    EXPECT_EQ(what, sentence);
}

TEST(Error, of_a_message_too_big_names_its_size)
{
    const Named name;
    cqueue::queue queue(name, sized(4, 345));
    for (const auto &error : {thrown_by([&] { (void)queue.enqueue(std::string(678, 'x')); }),
                              thrown_by([&] { (void)queue.reserve(678); }),
                              thrown_by([&] { queue.enqueue_batch({"x", std::string(678, 'x')}); })}) {
        ASSERT_TRUE(error);
        EXPECT_EQ(error->result(), errc::message_too_big);
        EXPECT_NE(std::string(error->what()).find("678"), std::string::npos) << error->what();
        EXPECT_NE(std::string(error->what()).find("345"), std::string::npos) << error->what();
    }
}

TEST(Error, is_a_system_error_of_its_category)
{
    const auto error = thrown_by([] { cqueue::queue("a/b"); });
    ASSERT_TRUE(error);
    const std::system_error &base = *error;
    EXPECT_EQ(base.code().category(), cqueue::category());
    EXPECT_STREQ(base.code().category().name(), "cqueue");
    EXPECT_EQ(base.code().value(), CQ_ENAME);
    EXPECT_EQ(base.code(), errc::bad_name);
    EXPECT_EQ(base.code().message(), cq_strerror(CQ_ENAME));
    EXPECT_NE(base.code(), errc::not_found);
    EXPECT_NE(base.code(), std::error_code(CQ_ENAME, std::generic_category()));
}

TEST(Error, compares_with_the_standard_conditions_that_mean_the_same)
{
    EXPECT_EQ(make_error_code(errc::not_found), std::errc::no_such_file_or_directory);
    EXPECT_EQ(make_error_code(errc::exists), std::errc::file_exists);
    EXPECT_EQ(make_error_code(errc::access_refused), std::errc::permission_denied);
    EXPECT_EQ(make_error_code(errc::not_trusted), std::errc::permission_denied);
    EXPECT_EQ(make_error_code(errc::invalid_argument), std::errc::invalid_argument);
    EXPECT_EQ(make_error_code(errc::bad_name), std::errc::invalid_argument);
    EXPECT_EQ(make_error_code(errc::no_space), std::errc::no_space_on_device);
    EXPECT_EQ(make_error_code(errc::no_memory), std::errc::not_enough_memory);
    EXPECT_EQ(make_error_code(errc::message_too_big), std::errc::message_size);
    EXPECT_EQ(make_error_code(errc::process_limit), std::errc::too_many_files_open);
    EXPECT_NE(make_error_code(errc::limit_reached), std::errc::too_many_files_open) << "it is not this process's limit";
    EXPECT_EQ(make_error_code(errc::file_too_large), std::errc::file_too_large);
    EXPECT_EQ(make_error_code(errc::cancelled), std::errc::operation_canceled);
    EXPECT_EQ(make_error_code(errc::stale), std::errc::identifier_removed);
    EXPECT_NE(make_error_code(errc::corrupt), std::errc::io_error);
}

TEST(Error, every_code_is_the_number_of_the_c_interface)
{
    const errc all[] = {errc::invalid_argument, errc::bad_name, errc::not_found, errc::exists, errc::mismatch,
                        errc::other_version, errc::corrupt, errc::access_refused, errc::not_trusted, errc::no_space,
                        errc::no_memory, errc::limit_reached, errc::buffer_too_small, errc::message_too_big,
                        errc::read_only, errc::forked, errc::not_held, errc::unsuitable_filesystem,
                        errc::system_failure, errc::process_limit, errc::file_too_large};
    int expected = CQ_EINVAL;
    for (const errc code : all)
        EXPECT_EQ(static_cast<int>(code), expected--);
    EXPECT_EQ(expected, CQ_EFILESIZE - 1);
    EXPECT_EQ(static_cast<int>(errc::cancelled), CQ_CANCELLED);
    EXPECT_EQ(static_cast<int>(errc::stale), CQ_STALE);
}

TEST(Error, can_be_copied_and_thrown_on)
{
    static_assert(std::is_nothrow_copy_constructible_v<cqueue::error>);
    const auto error = thrown_by([] { cqueue::queue("a/b"); });
    std::string what;
    try {
        throw cqueue::error(*error);
    } catch (const std::exception &caught) {
        what = caught.what();
    }
    EXPECT_EQ(what, error->what());
}

TEST(Error, opening_throws_what_went_wrong)
{
    const Named name;
    cqueue::options how;
    how.open_mode = cqueue::options::mode::attach;
    EXPECT_EQ(error_of([&] { cqueue::queue(name, how); }), errc::not_found);
    how.open_mode = cqueue::options::mode::read_only;
    EXPECT_EQ(error_of([&] { cqueue::queue(name, how); }), errc::not_found);
    const cqueue::queue queue(name, sized(4));
    how.open_mode = cqueue::options::mode::exclusive;
    EXPECT_EQ(error_of([&] { cqueue::queue(name, how); }), errc::exists);
    EXPECT_EQ(error_of([&] { cqueue::queue(name, sized(5)); }), errc::mismatch);
    how = sized(4);
    how.permissions = 0777;
    EXPECT_EQ(error_of([&] { cqueue::queue(name, how); }), errc::invalid_argument);
    how = sized(4);
    how.directory = "/nowhere";
    EXPECT_EQ(error_of([&] { cqueue::queue(name, how); }), errc::not_found);
    EXPECT_EQ(error_of([&] { cqueue::queue::unlink("a/b"); }), errc::bad_name);
}

TEST(Error, a_childs_copy_is_refused)
{
    const Named name;
    cqueue::queue queue(name, sized(4));
    Child child([&](Channel &) {
        return error_of([&] { queue.dequeue(); }) == errc::forked && error_of([&] { queue.stat(); }) == errc::forked ? 0 : 1;
    });
    EXPECT_EQ(child.join().code, 0);
}

} // namespace
} // namespace cqtest
