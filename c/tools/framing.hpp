/*
 * Cuts what is read into messages: lines, NUL-separated pieces, lines of base64 or JSON, or the whole input as one.
 */
#ifndef CQ_TOOL_FRAMING_HPP
#define CQ_TOOL_FRAMING_HPP

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "streams.hpp"

namespace tool {

enum class Framing { lines, nuls, base64_lines, json_lines, whole };

/* A message, and its headers as the library has them. */
struct Incoming {
    std::string_view message, headers;
};

class MessageReader {
public:
    /* Of each message at most so many bytes, and so many of headers. */
    MessageReader(Input &input, Framing framing, std::uint64_t max_message_size, std::uint64_t max_headers);

    /* The messages that have arrived, at least one; none at the end. They lie in the reader's memory until the next
       call. A message that is too long or malformed throws Failure, but only after the ones before it were handed
       out. Sleeps only while there is no whole message. */
    const std::vector<Incoming> &next();

    const char *noun() const; /* what a message is, in words: "line" */

private:
    bool fill();
    void split();
    void add(char *begin, std::size_t size);
    void refuse(const std::string &why);
    void refuse_size(const std::string &size);
    std::string label() const;

    Input &input_;
    Framing framing_;
    std::size_t max_message_size_;
    std::size_t max_piece_; /* bytes of the input that a message may take */
    std::string buffer_;
    std::size_t used_ = 0;    /* bytes of the buffer that hold input */
    std::size_t begin_ = 0;   /* of the first incomplete message */
    std::size_t scanned_ = 0; /* no separator between begin_ and here */
    bool ended_ = false;
    std::uint64_t count_ = 0; /* messages cut so far */
    std::vector<Incoming> messages_;
    std::deque<std::string> decoded_; /* what messages_ lie in if they are not in the buffer */
    std::optional<std::string> refusal_;
};

} // namespace tool

#endif
