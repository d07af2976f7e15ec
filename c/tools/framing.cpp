#include "framing.hpp"

#include <algorithm>
#include <cstring>

#include "base64.hpp"
#include "failure.hpp"
#include "format.hpp"
#include "units.hpp"

namespace tool {

namespace {

constexpr std::size_t smallest_read = 1 << 16;

} // namespace

MessageReader::MessageReader(Input &input, Framing framing, std::uint64_t max_message_size, std::uint64_t max_headers)
    : input_(input), framing_(framing), max_message_size_(static_cast<std::size_t>(max_message_size)),
      max_piece_(framing == Framing::base64_lines ? base64_encoded_size(max_message_size_)
                 : framing == Framing::json_lines ? most_of_json(max_message_size_ + max_headers)
                                                  : max_message_size_)
{
}

const char *MessageReader::noun() const
{
    switch (framing_) {
    case Framing::lines:
    case Framing::base64_lines:
    case Framing::json_lines:
        return "line";
    case Framing::nuls:
        return "message";
    case Framing::whole:
        return "file";
    }
    return "message";
}

std::string MessageReader::label() const
{
    return framing_ == Framing::whole ? std::string("the file") : noun() + (" " + std::to_string(count_ + 1));
}

void MessageReader::refuse(const std::string &why) { refusal_ = label() + " " + why; }

void MessageReader::refuse_size(const std::string &size)
{
    refuse("has " + size + ", but a message of this queue has at most " + std::to_string(max_message_size_) +
           ": cut it up, or create a queue with a larger --max-message");
}

const std::vector<Incoming> &MessageReader::next()
{
    messages_.clear();
    decoded_.clear();
    while (messages_.empty()) {
        if (refusal_)
            throw Failure(*refusal_);
        if (ended_)
            break;
        ended_ = !fill();
        split();
    }
    return messages_;
}

/* Reads more; false at the end of the input. */
bool MessageReader::fill()
{
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, used_ - begin_);
        used_ -= begin_;
        scanned_ -= begin_;
        begin_ = 0;
    }
    if (buffer_.size() - used_ < smallest_read)
        buffer_.resize(std::max(buffer_.size() * 2, smallest_read * 2));
    const std::size_t got = input_.read(buffer_.data() + used_, buffer_.size() - used_);
    used_ += got;
    return got > 0;
}

/* Cuts what the buffer holds; stops at the first message that is refused. */
void MessageReader::split()
{
    const char separator = framing_ == Framing::nuls ? '\0' : '\n';
    while (framing_ != Framing::whole && !refusal_) {
        const void *found = std::memchr(buffer_.data() + scanned_, separator, used_ - scanned_);
        if (!found) {
            scanned_ = used_;
            break;
        }
        const std::size_t end = static_cast<std::size_t>(static_cast<const char *>(found) - buffer_.data());
        add(buffer_.data() + begin_, end - begin_);
        begin_ = scanned_ = end + 1;
    }
    const std::size_t rest = used_ - begin_;
    /* A little more than max_piece_, because of the blanks that base64 may end with. */
    if (!refusal_ && !ended_ && rest > max_piece_ + 16)
        refuse_size("more than " + format_count(max_message_size_, "byte"));
    /* The last message needs no separator; an empty file is a message, but there is no line in it. */
    if (!refusal_ && ended_ && (rest > 0 || framing_ == Framing::whole)) {
        add(buffer_.data() + begin_, rest);
        begin_ = scanned_ = used_;
    }
}

void MessageReader::add(char *begin, std::size_t size)
{
    if (framing_ == Framing::base64_lines && !base64_decode(begin, size, &size))
        return refuse("is not base64");
    std::string_view headers;
    if (framing_ == Framing::json_lines) {
        std::string fault;
        std::string &message = decoded_.emplace_back(), &map = decoded_.emplace_back();
        if (!message_of_json({begin, size}, message, map, fault))
            return refuse(fault);
        begin = message.data();
        size = message.size();
        headers = map;
    }
    if (size > max_message_size_)
        return refuse_size(format_count(size, "byte"));
    messages_.push_back({{begin, size}, headers});
    ++count_;
}

} // namespace tool
