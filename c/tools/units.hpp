/*
 * Numbers as people write and read them: durations, sizes, permissions, ages.
 */
#ifndef CQ_TOOL_UNITS_HPP
#define CQ_TOOL_UNITS_HPP

#include <cstddef>
#include <cstdint>
#include <string>

namespace tool {

inline constexpr std::int64_t forever = -1;

/* "500ms", "2s", "1.5m", "2" (seconds) or "forever" in nanoseconds. Throws std::invalid_argument with the reason. */
std::int64_t parse_duration(const std::string &text);

/* As parse_duration, but neither 0 nor forever. */
std::int64_t parse_interval(const std::string &text);

/* "4096", "64K", "1.5M", "1G" (powers of 1,024), "1e6" in bytes. Throws as parse_duration. */
std::uint64_t parse_size(const std::string &text);

/* "1" and more, "100k", "1M" (powers of 1,000), "1e6". Throws as parse_duration. */
std::uint64_t parse_count(const std::string &text);

/* What may be at most: as parse_count or parse_duration, and 0; not forever. */
std::uint64_t parse_limit(const std::string &text);
std::int64_t parse_age(const std::string &text);

/* "80%" or "80". Throws as parse_duration. */
double parse_percentage(const std::string &text);

/* "0660" or "660", octal. Throws as parse_duration. */
std::uint32_t parse_permissions(const std::string &text);

std::string format_bytes(std::uint64_t bytes);        /* 1536 -> "1.5 KiB" */
std::string format_number(std::uint64_t number);      /* 65536 -> "65,536" */
std::string format_short(double number);              /* 1234567 -> "1.2M"; at most 4 characters below 1e15 */
std::string format_permissions(std::uint32_t mode);   /* 0660 -> "0660" */
std::string format_span(std::int64_t nanoseconds);    /* "3 min", at most the largest unit that fits */
std::string format_time(std::int64_t nanoseconds);    /* since 1970 -> "2026-01-31 12:00:00 UTC" */
std::string format_count(std::uint64_t count, const std::string &noun); /* 1, "line" -> "1 line"; 2 -> "2 lines" */
std::string format_hex(const std::uint8_t *bytes, std::size_t size); /* two digits a byte */
std::int64_t now(); /* nanoseconds since 1970 */

} // namespace tool

#endif
