/*
 * A reader that knows no more than c/FORMAT.md finds in a durable directory what the library recovers from it.
 */
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>

#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/seed.hpp"

namespace cqtest {
namespace {

using Lines = std::vector<std::string>;

std::string hex(const void *bytes, size_t size)
{
    std::string digits = size == 0 ? "-" : "";
    char two[3];
    for (size_t i = 0; i < size; ++i) {
        std::snprintf(two, sizeof two, "%02x", static_cast<const unsigned char *>(bytes)[i]);
        digits += two;
    }
    return digits;
}

/* A durable queue of few messages and many segments; what is on the disk is somewhere in memory. */
class Kept {
public:
    explicit Kept(uint64_t size) : size_(size)
    {
        cq_testing = {};
        cq_testing.slots_per_node = 3;
        cq_testing.generation_bytes = 1 << 17;
        open(CQ_EXCLUSIVE);
    }
    ~Kept()
    {
        cq_close(queue_);
        cq_testing = {};
    }
    Kept(const Kept &) = delete;
    Kept &operator=(const Kept &) = delete;

    /* Calls at random; most of what is done is synced. */
    void live(Noise &noise, int steps)
    {
        static constexpr char header[] = {1, 2, 0, 'k', 'o', 'f'};
        std::string bytes(size_, 0);
        for (int i = 0; i < steps; ++i) {
            cq_message message{};
            message.struct_size = sizeof message;
            switch (noise.below(7)) {
            case 0: case 1: {
                const size_t size = noise.once_in(5) ? 0 : noise.below(size_ + 1);
                for (size_t at = 0; at < size; ++at)
                    bytes[at] = static_cast<char>(noise.next());
                ASSERT_GE(cq_enqueue(queue_, bytes.data(), size), CQ_OK);
                break;
            }
            case 2: cq_dequeue(queue_, bytes.data(), size_, nullptr); break;
            case 6: {
                cq_outgoing outgoing{};
                outgoing.struct_size = sizeof outgoing;
                outgoing.data = bytes.data();
                outgoing.size = noise.below(size_ + 1);
                outgoing.headers = noise.once_in(2) ? header : nullptr;
                outgoing.headers_size = outgoing.headers ? sizeof header : 0;
                ASSERT_GE(cq_enqueue_from(queue_, &outgoing, noise.once_in(2) ? "one" : "another", ++fed_), CQ_OK);
                break;
            }
            case 3: cq_take(queue_, &message); break; /* and keeps it */
            case 4:
                if (cq_take(queue_, &message) == CQ_OK) {
                    ASSERT_EQ(cq_return(queue_, &message), CQ_OK);
                }
                break;
            default: ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
            }
        }
    }

    /* What the reader says; before there is a region anew. */
    Lines read()
    {
        cq_close(queue_);
        queue_ = nullptr;
        std::filesystem::remove(region());
        const std::string command = CQTEST_PYTHON " -B " CQTEST_SEGMENT_READER " '" + home() + "'";
        const std::unique_ptr<FILE, int (*)(FILE *)> pipe(::popen(command.c_str(), "r"), ::pclose);
        Lines lines;
        std::string text;
        for (std::array<char, 65536> piece; size_t size = std::fread(piece.data(), 1, piece.size(), pipe.get());)
            text.append(piece.data(), size);
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);)
            if (line.rfind("message ", 0) == 0)
                lines.push_back(line.substr(8));
        return lines;
    }
    Lines recover()
    {
        open(CQ_ATTACH);
        Lines lines;
        cq_walk(
            queue_,
            [](const cq_message *message, void *context) {
                static_cast<Lines *>(context)->push_back(std::to_string(message->position) + " " +
                                                         std::to_string(message->deliveries) + " " +
                                                         hex(message->data, message->size));
                return 0;
            },
            &lines);
        return lines;
    }

    /* A byte of some segment, behind its head and before its zeros. */
    void spoil(Noise &noise) const
    {
        for (const auto &file : std::filesystem::directory_iterator(home())) {
            if (file.path().filename() == "lock" || !noise.once_in(3))
                continue;
            std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
            const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
            const size_t end = bytes.find_last_not_of('\0');
            if (end == std::string::npos || end < 600)
                continue;
            const size_t at = 512 + noise.below(end - 512);
            stream.clear();
            stream.seekp(static_cast<std::streamoff>(at));
            stream.put(static_cast<char>(bytes[at] ^ (1 << noise.below(8))));
        }
    }

private:
    std::string region() const { return directory_.file("kept"); }
    std::string home() const { return region() + ".d"; }
    void open(uint32_t flags)
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.flags = CQ_DURABLE | CQ_ANY_FILESYSTEM | flags;
        config.capacity = flags & CQ_EXCLUSIVE ? 20 : 0;
        config.max_message_size = flags & CQ_EXCLUSIVE ? size_ : 0;
        config.max_headers = flags & CQ_EXCLUSIVE ? sizeof "a header" : 0;
        config.flags |= flags & CQ_EXCLUSIVE ? CQ_ENQUEUE_TIMES : 0;
        config.directory = directory_.path();
        ASSERT_EQ(cq_open("kept", &config, &queue_), CQ_OK);
    }

    const Directory directory_;
    const uint64_t size_;
    uint64_t fed_ = 0;
    cq_queue *queue_ = nullptr;
};

class Segments : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Segments, are_read_as_they_are_recovered)
{
    Noise noise(seed());
    Kept kept(GetParam());
    size_t messages = 0;
    for (int life = 0; life < (long_run() ? 60 : 6); ++life) {
        kept.live(noise, 60);
        if (life % 3 == 2)
            kept.spoil(noise);
        const Lines read = kept.read();
        ASSERT_EQ(read, kept.recover()) << "in life " << life;
        messages += read.size();
    }
    EXPECT_GT(messages, 6u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Segments, ::testing::Values(UINT64_C(1), UINT64_C(56), UINT64_C(300), UINT64_C(20000)),
                         [](const auto &info) { return "of" + std::to_string(info.param); });

} // namespace
} // namespace cqtest
