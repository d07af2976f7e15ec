/* cq_explain: what was asked, what was found, what to do, each in the sentence. */
#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/child.hpp"
#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/sanitizers.hpp"

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

TEST(Explain, full_names_what_waits_and_the_capacity)
{
    Queue queue(Config(43, 8));
    queue.fill();
    expect_words(explain(CQ_FULL, queue.name()), {"\"" + queue.name() + "\"", "43 of at most 43 messages are waiting"});
}

TEST(Explain, full_never_claims_messages_that_are_not_there)
{
    Queue queue(Config(43, 8));
    queue.must_enqueue("x");
    const std::string text = explain(CQ_FULL, queue.name(), &queue.config());
    expect_words(text, {"by now 1 of at most 43 messages is waiting", "try again"});
}

TEST(Explain, one_is_not_many)
{
    Queue queue(Config(1, 8));
    const std::string name = queue.name();
    EXPECT_EQ(explain(CQ_FULL, name).find("it was full; by now 0 of at most 1 message are waiting"), name.size() + 4);
    queue.must_enqueue("x");
    EXPECT_EQ(explain(CQ_FULL, name), "\"" + name + "\": full, 1 of at most 1 message is waiting: try later or wait");
    queue.take();
    queue.reserve(1);
    expect_words(explain(CQ_FULL, name), {"1 is held by consumers", "1 is being written"});
    expect_words(explain(CQ_ETOOSMALL, name, nullptr, 1), {"the message has 1 byte, more"});
    expect_words(explain(CQ_ETOOBIG, name, nullptr, 1), {"a message of 1 byte, the region"});
}

TEST(Explain, what_does_not_exist_is_named_with_its_path)
{
    const Directory directory;
    const Config config = directory.in(Config());
    expect_words(explain(CQ_ENOENT, "orders", &config), {"\"orders\"", directory.path()});
    const std::string name = unique_name(); /* somebody may have a queue called orders */
    expect_words(explain(CQ_ENOENT, name), {"\"" + name + "\"", "/dev/shm"});
}

TEST(Explain, permissions_are_named_as_they_are)
{
    Config shared(4, 16);
    shared.permissions = 0660;
    Queue queue(shared);
    const Config attach(0, 0, CQ_ATTACH);
    expect_words(explain(CQ_EOWNER, queue.name(), &attach),
                 {"\"" + queue.name() + "\"", "660", "its owner and group", "CQ_TRUST"});
    ASSERT_EQ(::chmod(queue.path().c_str(), 0600), 0);
    expect_words(explain(CQ_EOWNER, queue.name(), &attach), {"trust its owner with"});
    ASSERT_EQ(::chmod(queue.path().c_str(), 0666), 0);
    expect_words(explain(CQ_EOWNER, queue.name(), &attach), {"never trusted", "chmod o-w " + queue.path()});
}

TEST(Explain, access_says_what_stands_in_the_way)
{
    const Directory directory;
    Queue queue(directory.in(Config(4, 16)), Shape(), "q");
    const cq_config &config = queue.config();
    expect_words(explain(CQ_EACCESS, "q", &config), {"only its owner may remove it"});
    ASSERT_EQ(::unlink(queue.path().c_str()), 0);
    ASSERT_EQ(::mkfifo(queue.path().c_str(), 0600), 0);
    expect_words(explain(CQ_EACCESS, "q", &config), {"not a regular file", queue.path()});
    ASSERT_EQ(::unlink(queue.path().c_str()), 0);
    expect_words(explain(CQ_EACCESS, "q", &config), {"make files in " + std::string(directory.path())});
}

/* ---- one code, several causes: which it was, with the numbers ---- */

struct Told {
    int result = CQ_OK;
    char text[1500] = {};
};

/* What a process of its own is told about the failure of opening a queue, after `prepare` narrowed what it may do. */
template <class Prepare>
Told told(const std::string &name, Config config, Prepare prepare)
{
    Child child([&](Channel &channel) {
        Told answer;
        prepare();
        cq_queue *queue = nullptr;
        answer.result = cq_open(name.c_str(), &config, &queue);
        cq_explain(answer.result, name.c_str(), &config, 0, answer.text, sizeof answer.text);
        return channel.put(answer) ? 0 : 1;
    });
    return child.get<Told>().value_or(Told());
}

void allow(decltype(RLIMIT_AS) resource, rlim_t limit)
{
    rlimit limits{limit, limit};
    if (::setrlimit(resource, &limits) != 0)
        throw Failure("setrlimit", errno);
}

TEST(Explain, descriptors_name_the_limit_of_the_process)
{
    const Told answer = told(unique_name(), Config(4, 16), [] {
        allow(RLIMIT_NOFILE, 23);
        while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
            ;
    });
    EXPECT_EQ(answer.result, CQ_EPROCESS);
    expect_words(answer.text, {"all of the 23 descriptors", "RLIMIT_NOFILE", "raise the limit"});
}

TEST(Explain, handles_name_the_limit_of_the_queue)
{
    Queue queue(Config(4, 16));
    expect_words(explain(CQ_ELIMIT, queue.name()), {"4094 handles are open on it", "cq doctor"});
}

#ifndef CQTEST_SANITIZED
/* The sanitizers need more address space than any limit that would be felt. */
TEST(Explain, address_space_names_what_is_asked_and_what_is_allowed)
{
    const std::string name = unique_name();
    const Told answer = told(name, Config(1 << 20, 1 << 20), [] { allow(RLIMIT_AS, 300 << 20); });
    EXPECT_EQ(answer.result, CQ_ENOMEM);
    expect_words(answer.text, {"TiB) of address space", "may have 314572800 bytes (300.0 MiB)", "RLIMIT_AS", "it uses", "max_held"});
    EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_ENOENT) << "what cannot be mapped is not made";
}
#endif

TEST(Explain, file_size_names_what_is_asked_and_what_is_allowed)
{
    const Told answer = told(unique_name(), Config(1 << 20, 4096), [] { allow(RLIMIT_FSIZE, 100 << 20); });
    EXPECT_EQ(answer.result, CQ_EFILESIZE);
    expect_words(answer.text, {"a size of ", "GiB)", "files of 104857600 bytes (100.0 MiB)", "RLIMIT_FSIZE", "capacity"});
}

TEST(Explain, room_names_what_is_needed_and_what_is_free)
{
    Config config(1, 1 << 30);
    const Directory directory;
    config.directory = directory.path();
    expect_words(explain(CQ_ENOSPACE, "q", &config), {"takes 1074", "(1.0 GiB)", directory.path(), " free of ", "nothing was lost"});
    Queue queue(directory.in(Config(4, 5000)), Shape(), "q");
    expect_words(explain(CQ_ENOSPACE, "q", &queue.config()), {"its next part takes ", "KiB)", " free of "});
}

TEST(Explain, ended_waits_say_what_to_do)
{
    Queue queue(Config(4, 16));
    expect_words(explain(CQ_CANCELLED, queue.name()), {"cq_cancel_reset"});
    expect_words(explain(CQ_STALE, queue.name()), {"removed", "another queue of that name now", "open the queue again", "CQ_KEEP_UNLINKED"});
    ASSERT_EQ(queue.unlink(), CQ_OK);
    EXPECT_EQ(explain(CQ_STALE, queue.name()).find("another queue"), std::string::npos);
}

/* ---- an invalid config: which number, and its range ---- */

TEST(Explain, every_wrong_number_of_a_config_is_named_with_its_range)
{
    const auto expect_named = [](void (*spoil)(cq_config &), const std::vector<std::string> &words) {
        Config config(4, 16);
        spoil(config);
        cq_queue *queue = nullptr;
        EXPECT_EQ(cq_open("no-queue", &config, &queue), CQ_EINVAL);
        const std::string text = explain(CQ_EINVAL, "no-queue", &config);
        expect_words(text, words);
        EXPECT_EQ(text.find("cqueue.h"), std::string::npos) << text;
    };
    expect_named([](cq_config &c) { c.struct_size = 0; }, {"struct_size is 0", "at least 40", "sizeof(cq_config), 104"});
    expect_named([](cq_config &c) { c.struct_size = 39; }, {"struct_size is 39", "at least 40"});
    expect_named([](cq_config &c) { c.struct_size = UINT32_MAX; }, {"struct_size is 4294967295", "knows 104 bytes"});
    expect_named([](cq_config &c) { c.flags = 0x4004; }, {"flags", "0x4000", "does not know"});
    expect_named([](cq_config &c) { c.flags = CQ_EXCLUSIVE | CQ_ATTACH; }, {"CQ_EXCLUSIVE", "CQ_ATTACH", "choose one"});
    expect_named([](cq_config &c) { c.flags = CQ_SYNC | CQ_READ_ONLY; }, {"CQ_SYNC", "CQ_READ_ONLY", "choose one"});
    expect_named([](cq_config &c) { c.durable_directory = "/tmp"; }, {"durable_directory", "no CQ_DURABLE"});
    expect_named([](cq_config &c) { c.reserved = 7; }, {"reserved is 7", "must be 0"});
    expect_named([](cq_config &c) { c.permissions = 0666; }, {"permissions 0666", "others not write", "0660"});
    expect_named([](cq_config &c) { c.capacity = UINT64_C(2147483649); }, {"capacity 2147483649 is more than 2147483648"});
    expect_named([](cq_config &c) { c.max_message_size = UINT64_C(1073741825); },
                 {"max_message_size 1073741825 is more than 1073741824"});
    expect_named([](cq_config &c) { c.max_held = UINT64_C(2147483649); }, {"max_held 2147483649 is more than 2147483648"});
    expect_named([](cq_config &c) { c.max_memory = UINT64_C(1) << 47; }, {"max_memory 140737488355328 is more than"});
    expect_named([](cq_config &c) { c.reserve = UINT64_C(1) << 47; }, {"reserve 140737488355328 is more than"});
    expect_named([](cq_config &c) { c.max_memory = 4096; }, {"max_memory 4096 is too little", "allow more"});
    expect_named([](cq_config &c) { c.capacity = 100000, c.max_message_size = 1 << 30; },
                 {"capacity of 100000", "1073741824 bytes", "64.0 TiB", "fewer or smaller"});
    static const std::string deep(5000, 'd');
    expect_named([](cq_config &c) { c.directory = deep.c_str(); }, {"path", "5016 bytes", "shorter directory"});
}

TEST(Explain, a_config_in_order_is_not_blamed)
{
    const Config config(4, 16);
    expect_words(explain(CQ_EINVAL, "orders", &config), {"cq_open's config is in order"});
    expect_words(explain(CQ_EINVAL, "orders"), {"cq_open's config is in order"});
}

TEST(Explain, configs_of_other_versions_are_understood)
{
    Queue queue(Config(4096, 77));
    std::string bytes(200, '#');
    Config asked(1024, 77);
    asked.struct_size = 40;
    std::memcpy(bytes.data(), &asked, 40);
    expect_words(explain(CQ_EMISMATCH, queue.name(), reinterpret_cast<const cq_config *>(bytes.data())),
                 {"capacity 4096", "asked for 1024"});
    asked.struct_size = 128;
    std::memcpy(bytes.data(), &asked, sizeof asked);
    expect_words(explain(CQ_EINVAL, queue.name(), reinterpret_cast<const cq_config *>(bytes.data())),
                 {"struct_size is 128", "knows 104 bytes", "newer library"});
    std::fill(bytes.begin() + 104, bytes.end(), '\0');
    expect_words(explain(CQ_EMISMATCH, queue.name(), reinterpret_cast<const cq_config *>(bytes.data())),
                 {"capacity 4096", "asked for 1024"});
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
    for (int result = CQ_EFILESIZE; result <= CQ_STALE; ++result) {
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
    for (int result = CQ_EFILESIZE; result <= CQ_EINVAL; ++result)
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
    for (int result = CQ_EFILESIZE; result <= CQ_STALE; ++result)
        explain(result, queue.name(), &queue.config());
    EXPECT_EQ(queue.stat().participants, 1u);
    EXPECT_EQ(queue.drain(), std::vector<std::string>{"x"});
    const std::string name = unique_name();
    explain(CQ_ENOENT, name);
    EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_ENOENT);
}

} // namespace
} // namespace cqtest
