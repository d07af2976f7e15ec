#include "units.hpp"

#include <cctype>
#include <cstdio>
#include <ctime>
#include <stdexcept>

namespace tool {

namespace {

/* Digits with at most one point, and what follows them. No sign, no exponent, no locale: strtod takes too much. */
struct Quantity {
    double value;
    std::string unit;
};

Quantity split(const std::string &text)
{
    std::size_t end = 0;
    std::size_t digits = 0;
    bool point = false;
    double value = 0;
    double place = 1;
    for (; end < text.size(); ++end) {
        if (text[end] == '.' && !point) {
            point = true;
        } else if (std::isdigit(static_cast<unsigned char>(text[end]))) {
            ++digits;
            value = value * 10 + (text[end] - '0');
            place *= point ? 10 : 1;
        } else {
            break;
        }
    }
    if (digits == 0)
        throw std::invalid_argument("\"" + text + "\" does not begin with a number");
    return {value / place, text.substr(end)};
}

std::uint64_t parse_integer(const std::string &text, std::string &rest)
{
    std::size_t end = 0;
    std::uint64_t value = 0;
    for (; end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])); ++end) {
        if (value > (UINT64_MAX - 9) / 10)
            throw std::invalid_argument("\"" + text + "\" is too large");
        value = value * 10 + static_cast<std::uint64_t>(text[end] - '0');
    }
    if (end == 0)
        throw std::invalid_argument("\"" + text + "\" is not a number");
    rest = text.substr(end);
    return value;
}

} // namespace

std::int64_t parse_duration(const std::string &text)
{
    if (text == "forever")
        return forever;
    const Quantity quantity = split(text);
    static constexpr struct {
        const char *name;
        double nanoseconds;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};
    for (const auto &unit : units) {
        if (quantity.unit != unit.name)
            continue;
        const double result = quantity.value * unit.nanoseconds;
        if (result > 9e18)
            throw std::invalid_argument("\"" + text + "\" is too long; write forever");
        return static_cast<std::int64_t>(result);
    }
    if (quantity.unit.empty() && quantity.value == 0)
        return 0;
    if (quantity.unit.empty())
        throw std::invalid_argument("\"" + text + "\" has no unit; write 500ms, 2s, 1m or forever");
    throw std::invalid_argument("\"" + text + "\" is not a duration; write 500ms, 2s, 1m or forever");
}

std::uint64_t parse_size(const std::string &text)
{
    std::string unit;
    const std::uint64_t value = parse_integer(text, unit);
    unsigned shift = 0;
    if (unit == "K" || unit == "k" || unit == "KiB")
        shift = 10;
    else if (unit == "M" || unit == "MiB")
        shift = 20;
    else if (unit == "G" || unit == "GiB")
        shift = 30;
    else if (!unit.empty())
        throw std::invalid_argument("\"" + text + "\" has an unknown unit; write K, M, G or none");
    if (value == 0)
        throw std::invalid_argument("\"" + text + "\" is not a size from 1 on");
    if (value > UINT64_MAX >> shift)
        throw std::invalid_argument("\"" + text + "\" is too large");
    return value << shift;
}

std::uint64_t parse_count(const std::string &text)
{
    std::string rest;
    const std::uint64_t count = parse_integer(text, rest);
    if (count == 0 || !rest.empty())
        throw std::invalid_argument("\"" + text + "\" is not a number from 1 on");
    return count;
}

std::uint32_t parse_permissions(const std::string &text)
{
    std::uint32_t mode = 0;
    bool valid = text.size() >= 3 && text.size() <= 4;
    for (const char digit : text) {
        valid = valid && digit >= '0' && digit <= '7';
        mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
    }
    if (!valid)
        throw std::invalid_argument("\"" + text + "\" is not an octal mode; write 0600 or 0660");
    return mode;
}

std::string format_bytes(std::uint64_t bytes)
{
    static constexpr const char *units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024)
        return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    /* From 1023.95 on the number would be printed as 1024.0. */
    for (; value >= 1023.95; ++unit)
        value /= 1024;
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s", value, units[unit]);
    return text;
}

std::string format_permissions(std::uint32_t mode)
{
    char text[16];
    std::snprintf(text, sizeof text, "%04o", mode & 07777u);
    return text;
}

std::string format_span(std::int64_t nanoseconds)
{
    const std::int64_t seconds = nanoseconds > 0 ? nanoseconds / 1'000'000'000 : 0;
    if (seconds < 60)
        return std::to_string(seconds) + " s";
    if (seconds < 3600)
        return std::to_string(seconds / 60) + " min";
    if (seconds < 86400)
        return std::to_string(seconds / 3600) + " h";
    return format_count(static_cast<std::uint64_t>(seconds / 86400), "day");
}

std::string format_time(std::int64_t nanoseconds)
{
    const std::time_t seconds = static_cast<std::time_t>(nanoseconds / 1'000'000'000);
    std::tm parts{};
    char text[64];
    if (!::gmtime_r(&seconds, &parts) || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return std::to_string(seconds) + " s after 1970";
    return text;
}

std::string format_count(std::uint64_t count, const std::string &noun)
{
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::int64_t now()
{
    std::timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace tool
