#include "segments.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <vector>

#include "failure.hpp"
#include "lasting.hpp"
#include "units.hpp"

namespace tool {

namespace {

/* c/FORMAT.md has what follows, under "The durable directory". */
constexpr std::size_t head_bytes = 512, record_bytes = 32, state_bytes = 48, run_bytes = 16, source_bytes = 16;
constexpr std::uint64_t sequences = (UINT64_C(1) << 40) - 1;
enum RecordKind : std::uint32_t { message_record = 1, state_record = 2, fed_record = 3 };

std::uint64_t number(const std::string &bytes, std::size_t at, std::size_t size)
{
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, size);
    return value;
}

std::uint32_t crc32c(std::uint32_t sum, const char *bytes, std::size_t size)
{
    static const std::array<std::uint32_t, 256> table = [] {
        std::array<std::uint32_t, 256> made{};
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            made[byte] = byte;
            for (int bit = 0; bit < 8; ++bit)
                made[byte] = made[byte] >> 1 ^ (made[byte] & 1 ? 0x82f63b78u : 0);
        }
        return made;
    }();
    for (sum = ~sum; size > 0; --size, ++bytes)
        sum = sum >> 8 ^ table[(sum ^ static_cast<unsigned char>(*bytes)) & 0xff];
    return ~sum;
}

struct Run {
    std::uint64_t position, count;
};

struct Written {
    std::uint64_t size, source, number; /* source 0: it is from none */
};

/* All that the files say. */
struct Facts {
    std::map<std::uint64_t, Written> messages; /* by position */
    std::map<std::uint64_t, std::uint64_t> sources; /* entry to number */
    std::uint64_t segments = 0, bytes = 0, damaged = 0, ticket = 0, sources_ticket = 0, d = 0, slots = 0;
    std::vector<Run> runs;
    std::set<std::string> ids;
    std::string boot;
};

class Segment {
public:
    Segment(const std::filesystem::path &path, Facts &facts) : facts_(facts)
    {
        if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path)))
            throw Failure(path.string() + " is no file, or a link to one: nothing is recovered until it is removed, or "
                          "the file that it should be is put there");
        std::ifstream file(path, std::ios::binary);
        bytes_.assign(std::istreambuf_iterator<char>(file), {});
        if (!file)
            throw Failure("cannot read " + path.string());
        const std::string name = path.filename().string(), digits = name.substr(name.size() - 32);
        for (std::size_t i = 0; i < 32; i += 2)
            id_ += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }

    /* False: there is no head, because it was not finished, or is damaged; or it is that of a removed file, whose block
       this one got before the power went. */
    bool read()
    {
        ++facts_.segments;
        facts_.bytes += bytes_.size();
        const bool whole = read_head();
        ticket_ = written_ = 0;
        for (std::size_t at = head_bytes; at + record_bytes <= bytes_.size();) {
            const std::size_t size = read_record(at);
            if (size == 0 && number(bytes_, at, 8) != 0)
                facts_.damaged += 8;
            at += size > 0 ? size : 8;
        }
        return whole;
    }

private:
    bool read_head()
    {
        if (bytes_.size() < head_bytes || bytes_.compare(0, 8, "cqueueS\n") != 0 || bytes_.compare(16, 16, id_) != 0)
            return false;
        std::string head = bytes_.substr(0, head_bytes);
        std::memset(&head[12], 0, 4);
        if (crc32c(0, head.data(), head.size()) != number(bytes_, 12, 4))
            return false;
        if (number(bytes_, 8, 4) != 1)
            throw Failure("a file of a newer version is in the directory: use a newer cq");
        facts_.ids.insert(bytes_.substr(32, 16));
        facts_.slots = number(bytes_, 128, 4);
        return true;
    }

    /* Its bytes; 0: there is none. */
    std::size_t read_record(std::size_t at)
    {
        const std::uint64_t size = number(bytes_, at + 4, 4), kind = number(bytes_, at + 24, 4);
        if (kind < message_record || kind > fed_record || size > bytes_.size() - at - record_bytes)
            return 0;
        const std::uint64_t offset = at;
        std::uint32_t sum = crc32c(0, id_.data(), id_.size());
        sum = crc32c(sum, reinterpret_cast<const char *>(&offset), sizeof offset);
        if (crc32c(sum, bytes_.data() + at + 4, record_bytes - 4 + size) != number(bytes_, at, 4))
            return 0;
        const std::uint64_t ticket = number(bytes_, at + 8, 8), position = number(bytes_, at + 16, 8);
        if (ticket != ticket_)
            written_ = 0;
        ticket_ = ticket;
        if (kind != state_record) {
            const bool fed = kind == fed_record && size >= 16;
            ++written_;
            facts_.messages[position] = {fed ? size - 16 : size, fed ? number(bytes_, at + record_bytes, 8) : 0,
                                         fed ? number(bytes_, at + record_bytes + 8, 8) : 0};
        } else if (size >= state_bytes)
            read_state(ticket, position, at + record_bytes, at + record_bytes + size);
        return record_bytes + (size + 7) / 8 * 8;
    }

    /* The newest decides; about sources the newest of which all messages are there, or else any. */
    void read_state(std::uint64_t ticket, std::uint64_t d, std::size_t at, std::size_t end)
    {
        const bool newest = ticket > facts_.ticket, whole = number(bytes_, at + 24, 8) == written_;
        const bool of_sources = whole ? ticket > facts_.sources_ticket : newest && facts_.sources_ticket == 0;
        std::vector<Run> runs;
        std::map<std::uint64_t, std::uint64_t> sources;
        std::uint64_t run_count = number(bytes_, at + 8, 8), source_count = number(bytes_, at + 16, 8);
        for (at += state_bytes; run_count > 0 && at + run_bytes <= end; --run_count, at += run_bytes)
            runs.push_back({number(bytes_, at, 8), number(bytes_, at + 8, 4)});
        for (; source_count > 0 && at + source_bytes <= end; --source_count) {
            sources[number(bytes_, at + 8, 4)] = number(bytes_, at, 8);
            at += source_bytes + (number(bytes_, at + 12, 4) + 7) / 8 * 8;
        }
        if (of_sources)
            facts_.sources = sources;
        if (of_sources && whole)
            facts_.sources_ticket = ticket;
        if (newest) {
            facts_.ticket = ticket;
            facts_.d = d;
            facts_.runs = runs;
        }
    }

    Facts &facts_;
    std::string bytes_, id_;
    std::uint64_t ticket_ = 0, written_ = 0; /* of the flush that is being read */
};

/* Is the position behind D? By the ring of sequences. */
bool is_behind(const Facts &facts, std::uint64_t position)
{
    const std::uint64_t from = facts.d / facts.slots, to = position / facts.slots;
    if (from == to)
        return position % facts.slots < facts.d % facts.slots;
    return (to > from ? to - from : sequences - (from - to)) > sequences / 2;
}

bool is_in_a_run(const Facts &facts, std::uint64_t position)
{
    return std::any_of(facts.runs.begin(), facts.runs.end(), [&](const Run &run) {
        return position >= run.position && position - run.position < run.count;
    });
}

/* Was it enqueued before the flush that decides looked at its source? */
bool is_counted(const Facts &facts, const Written &message)
{
    const auto source = facts.sources.find(message.source & 0xffffff);
    return message.source == 0 || (source != facts.sources.end() && message.number <= source->second);
}

bool is_segment(const std::string &name)
{
    return name.size() == 57 && name.rfind("segment.", 0) == 0 && name[24] == '.' &&
           name.find_first_not_of("0123456789abcdef", 25) == std::string::npos;
}

} // namespace

void examine_segments(const std::string &directory, const std::function<void(Finding::Kind, const std::string &)> &add)
{
    Facts facts;
    std::uint64_t unfinished = 0;
    std::error_code error;
    for (auto file = std::filesystem::directory_iterator(directory, error);
         !error && file != std::filesystem::directory_iterator(); file.increment(error))
        if (is_segment(file->path().filename().string()))
            unfinished += !Segment(file->path(), facts).read();
    if (error)
        throw Failure("cannot list the directory " + directory + ": " + error.message());
    if (facts.segments == 0 && !is_lasting(directory))
        throw Failure("there is no durable queue in " + directory);
    std::uint64_t messages = 0, bytes = 0;
    for (const auto &[position, message] : facts.messages)
        if (facts.ticket > 0 && facts.slots > 0 && is_counted(facts, message) &&
            (!is_behind(facts, position) || is_in_a_run(facts, position))) {
            ++messages;
            bytes += message.size;
        }
    if (facts.ids.size() > 1)
        add(Finding::problem, "files of " + format_count(facts.ids.size(), "queue") +
                                  " are mixed: keep those of one, or nothing can be recovered");
    add(Finding::ok, format_count(facts.segments, "file") + ", " + format_bytes(facts.bytes));
    if (unfinished > 0)
        add(Finding::note, format_count(unfinished, "file") + " without a head: never finished, or damaged");
    if (facts.damaged > 0)
        add(Finding::note, format_bytes(facts.damaged) + " are no records: a flush that was not finished, or damage");
    add(Finding::ok, format_count(messages, "message") + " of together " + format_bytes(bytes) +
                         " would be recovered, as of flush " + std::to_string(facts.ticket));
}

} // namespace tool
