/*
 * Numbers as people write and read them: durations, sizes, permissions, ages.
 */
#ifndef CQ_TOOL_UNITS_HPP
#define CQ_TOOL_UNITS_HPP

#include <cstdint>
#include <string>

namespace tool {

inline constexpr std::int64_t forever = -1;

/* "500ms", "2s", "1.5m", "0" or "forever" in nanoseconds. Throws std::invalid_argument with the reason. */
std::int64_t parse_duration(const std::string &text);

/* "4096", "64K", "1M", "1G" (powers of 1,024) in bytes. Throws as parse_duration. */
std::uint64_t parse_size(const std::string &text);

/* "1" and more. Throws as parse_duration. */
std::uint64_t parse_count(const std::string &text);

/* "0660" or "660", octal. Throws as parse_duration. */
std::uint32_t parse_permissions(const std::string &text);

std::string format_bytes(std::uint64_t bytes);        /* 1536 -> "1.5 KiB" */
std::string format_permissions(std::uint32_t mode);   /* 0660 -> "0660" */
std::string format_span(std::int64_t nanoseconds);    /* "3 min", at most the largest unit that fits */
std::string format_time(std::int64_t nanoseconds);    /* since 1970 -> "2026-01-31 12:00:00 UTC" */
std::string format_count(std::uint64_t count, const std::string &noun); /* 1, "line" -> "1 line"; 2 -> "2 lines" */
std::int64_t now(); /* nanoseconds since 1970 */

} // namespace tool

#endif
