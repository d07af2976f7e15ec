/*
 * Base64 of RFC 4648, with padding: any bytes as one line of text.
 */
#ifndef CQ_TOOL_BASE64_HPP
#define CQ_TOOL_BASE64_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace tool {

void base64_encode(std::string_view bytes, std::string &out);

inline constexpr std::size_t base64_encoded_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

/* Decodes text[0..size) where it lies; *decoded receives how many bytes it is. False if it is not base64. Spaces, tabs
   and a carriage return at the end are left out of account. */
bool base64_decode(char *text, std::size_t size, std::size_t *decoded);

} // namespace tool

#endif
