/* cq_explain: what was asked, what was found, what to do, each in the sentence. */
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"

namespace cqtest {
namespace {

std::string explain(int result, const std::string &name, const cq_config *config = nullptr, size_t size = 0)
{
    std::string text(2000, '#');
    const size_t length = cq_explain(result, name.c_str(), config, size, text.data(), text.size());
    EXPECT_LT(length, text.size());
    EXPECT_EQ(text[length], '\0');
    text.resize(length);
    EXPECT_EQ(text.find('\0'), std::string::npos);
    EXPECT_EQ(text.find('#'), std::string::npos);
    return text;
}

void expect_words(const std::string &text, const std::vector<std::string> &words)
{
    for (const std::string &word : words)
        EXPECT_NE(text.find(word), std::string::npos) << "\"" << word << "\" is not in: " << text;
}

TEST(Explain, a_mismatch_of_the_capacity_names_both_numbers)
{
    Queue queue(Config(4096, 77));
    const Config asked(1024, 77);
    expect_words(explain(CQ_EMISMATCH, queue.name(), &asked),
                 {"\"" + queue.name() + "\"", "capacity 4096", "asked for 1024"});
}

TEST(Explain, a_mismatch_of_the_message_size_names_both_numbers)
{
    Queue queue(Config(4096, 77));
    const Config asked(4096, 88);
    expect_words(explain(CQ_EMISMATCH, queue.name(), &asked), {"\"" + queue.name() + "\"", "77", "88"});
}

TEST(Explain, too_big_names_both_sizes)
{
    Queue queue(Config(4, 345));
    expect_words(explain(CQ_ETOOBIG, queue.name(), nullptr, 678), {"\"" + queue.name() + "\"", "345", "678"});
}

TEST(Explain, too_small_names_the_size)
{
    Queue queue(Config(4, 345));
    queue.must_enqueue(std::string(234, 'x'));
    expect_words(explain(CQ_ETOOSMALL, queue.name(), nullptr, 123), {"\"" + queue.name() + "\"", "123"});
}

TEST(Explain, of_a_region_that_was_unlinked_has_no_numbers_rather_than_wrong_ones)
{
    Queue queue(Config(43, 8));
    ASSERT_EQ(cq_unlink(queue.name().c_str(), nullptr), CQ_OK);
    for (const int result : {CQ_FULL, CQ_ETOOBIG, CQ_EMISMATCH, CQ_EVERSION})
        EXPECT_EQ(explain(result, queue.name()), "\"" + queue.name() + "\": " + cq_strerror(result));
}

TEST(Explain, full_names_the_capacity)
{
    Queue queue(Config(43, 8));
    queue.fill();
    expect_words(explain(CQ_FULL, queue.name()), {"\"" + queue.name() + "\"", "43"});
}

TEST(Explain, what_does_not_exist_is_named_with_its_path)
{
    const Directory directory;
    const Config config = directory.in(Config());
    expect_words(explain(CQ_ENOENT, "orders", &config), {"\"orders\"", directory.path()});
    expect_words(explain(CQ_ENOENT, "orders"), {"\"orders\"", "/dev/shm"});
}

TEST(Explain, permissions_are_named_as_they_are)
{
    Config shared(4, 16);
    shared.permissions = 0660;
    Queue queue(shared);
    const Config attach(0, 0, CQ_ATTACH);
    expect_words(explain(CQ_EOWNER, queue.name(), &attach), {"\"" + queue.name() + "\"", "660"});
}

TEST(Explain, a_file_of_something_else_is_named_with_its_path)
{
    const Directory directory;
    std::FILE *file = std::fopen(directory.file("foreign").c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fputs("nothing of ours", file);
    std::fclose(file);
    const Config config = directory.in(Config());
    expect_words(explain(CQ_ECORRUPT, "foreign", &config), {"\"foreign\"", directory.file("foreign")});
}

TEST(Explain, a_bad_name_is_quoted_with_the_rule)
{
    expect_words(explain(CQ_ENAME, "a/b"), {"a/b", "200"});
    explain(CQ_ENAME, std::string(5000, 'n').substr(0, 1500));
}

TEST(Explain, every_result_gets_a_sentence_about_the_queue)
{
    Queue queue(Config(4, 16));
    for (int result = CQ_ESYSTEM; result <= CQ_TIMEOUT; ++result) {
        SCOPED_TRACE(result);
        expect_words(explain(result, queue.name()), {queue.name()});
        expect_words(explain(result, queue.name(), &queue.config(), 5), {queue.name()});
        /* The region may be gone by now. */
        expect_words(explain(result, "no-such-queue"), {"no-such-queue"});
        expect_words(explain(result, "no-such-queue", &queue.config(), 5), {"no-such-queue"});
    }
}

TEST(Explain, errors_say_what_to_do_beyond_what_strerror_says)
{
    Queue queue(Config(4, 16));
    for (int result = CQ_ESYSTEM; result <= CQ_EINVAL; ++result)
        EXPECT_GT(explain(result, queue.name()).size(), std::strlen(cq_strerror(result)) + queue.name().size()) << result;
}

TEST(Explain, another_number_is_unknown)
{
    expect_words(explain(12345, "orders"), {"\"orders\"", "unknown result"});
}

TEST(Explain, writes_no_more_than_there_is_room_for)
{
    Queue queue(Config(4, 16));
    const std::string whole = explain(CQ_FULL, queue.name());
    for (size_t room = 0; room <= whole.size() + 2; ++room) {
        std::string text(room + 1, '#');
        EXPECT_EQ(cq_explain(CQ_FULL, queue.name().c_str(), nullptr, 0, text.data(), room), whole.size());
        EXPECT_EQ(text[room], '#');
        if (room > 0) {
            EXPECT_EQ(std::string(text.c_str()), whole.substr(0, room - 1)) << room;
        }
    }
    EXPECT_EQ(cq_explain(CQ_FULL, queue.name().c_str(), nullptr, 0, nullptr, 0), whole.size());
}

TEST(Explain, changes_nothing)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    for (int result = CQ_ESYSTEM; result <= CQ_TIMEOUT; ++result)
        explain(result, queue.name(), &queue.config());
    EXPECT_EQ(queue.stat().participants, 1u);
    EXPECT_EQ(queue.drain(), std::vector<std::string>{"x"});
    const std::string name = unique_name();
    explain(CQ_ENOENT, name);
    EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_ENOENT);
}

} // namespace
} // namespace cqtest
