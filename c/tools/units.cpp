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

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t times(std::uint64_t value, std::uint64_t factor, const std::string &text)
{
    if (factor != 0 && value > UINT64_MAX / factor)
        throw std::invalid_argument("\"" + text + "\" is too large");
    return value * factor;
}

/* "65536", "1e6", "1.5M": exact, so it must come out whole. `factor_of` gives the factor of a unit, 0 for none. */
std::uint64_t parse_whole(const std::string &text, std::uint64_t (*factor_of)(const std::string &unit),
                          const char *hint)
{
    std::size_t end = 0;
    std::uint64_t value = 0;
    std::size_t decimals = 0;
    bool point = false;
    for (; end < text.size() && (is_digit(text[end]) || (text[end] == '.' && !point && end > 0)); ++end) {
        if (text[end] == '.') {
            point = true;
            continue;
        }
        value = times(value, 10, text);
        if (value > UINT64_MAX - 9)
            throw std::invalid_argument("\"" + text + "\" is too large");
        value += static_cast<std::uint64_t>(text[end] - '0');
        decimals += point ? 1 : 0;
    }
    if (end == 0)
        throw std::invalid_argument("\"" + text + "\" is not a number");
    if (end + 1 < text.size() && (text[end] == 'e' || text[end] == 'E') && is_digit(text[end + 1])) {
        unsigned exponent = 0;
        for (++end; end < text.size() && is_digit(text[end]) && exponent < 100; ++end)
            exponent = exponent * 10 + static_cast<unsigned>(text[end] - '0');
        for (; exponent > 0 && value > 0; --exponent) {
            if (decimals > 0)
                --decimals;
            else
                value = times(value, 10, text);
        }
    }
    const std::uint64_t factor = factor_of(text.substr(end));
    if (factor == 0)
        throw std::invalid_argument("\"" + text + "\" has an unknown unit; write " + hint);
    value = times(value, factor, text);
    for (; decimals > 0 && value % 10 == 0; --decimals)
        value /= 10;
    if (decimals > 0 || value == 0)
        throw std::invalid_argument("\"" + text + "\" is not a whole number from 1 on");
    return value;
}

std::uint64_t decimal_factor(const std::string &unit)
{
    return unit.empty() ? 1 : unit == "k" || unit == "K" ? 1000 : unit == "M" ? 1000000 : unit == "G" ? 1000000000 : 0;
}

std::uint64_t binary_factor(const std::string &unit)
{
    if (unit == "K" || unit == "k" || unit == "KiB")
        return 1ull << 10;
    if (unit == "M" || unit == "MiB")
        return 1ull << 20;
    if (unit == "G" || unit == "GiB")
        return 1ull << 30;
    return unit.empty() || unit == "B" ? 1 : 0;
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
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};
    for (const auto &unit : units) {
        if (quantity.unit != unit.name)
            continue;
        const double result = quantity.value * unit.nanoseconds;
        if (result > 9e18)
            throw std::invalid_argument("\"" + text + "\" is too long; write forever");
        return static_cast<std::int64_t>(result);
    }
    throw std::invalid_argument("\"" + text + "\" is not a duration; write 500ms, 2s, 1m, forever or seconds");
}

std::int64_t parse_interval(const std::string &text)
{
    const std::int64_t interval = parse_duration(text);
    if (interval == forever || interval == 0)
        throw std::invalid_argument("\"" + text + "\" is not an interval; write 1s or 500ms");
    return interval;
}

std::uint64_t parse_size(const std::string &text)
{
    return parse_whole(text, binary_factor, "K, M, G (of 1024) or none");
}

std::uint64_t parse_count(const std::string &text)
{
    return parse_whole(text, decimal_factor, "k, M, G (of 1000) or none");
}

std::uint64_t parse_limit(const std::string &text) { return text == "0" ? 0 : parse_count(text); }

std::int64_t parse_age(const std::string &text)
{
    const std::int64_t age = parse_duration(text);
    return age == 0 ? 0 : parse_interval(text);
}

double parse_percentage(const std::string &text)
{
    const Quantity quantity = split(text);
    if ((quantity.unit != "%" && !quantity.unit.empty()) || quantity.value > 100)
        throw std::invalid_argument("\"" + text + "\" is not a percentage; write 80%");
    return quantity.value;
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

std::string format_number(std::uint64_t number)
{
    std::string text = std::to_string(number);
    for (std::size_t end = text.size(); end > 3; end -= 3)
        text.insert(end - 3, ",");
    return text;
}

std::string format_short(double number)
{
    static constexpr const char *units[] = {"", "k", "M", "G", "T"};
    std::size_t unit = 0;
    for (; number >= 999.5 && unit < 4; ++unit)
        number /= 1000;
    char text[32];
    std::snprintf(text, sizeof text, unit > 0 && number < 9.95 ? "%.1f%s" : "%.0f%s", number, units[unit]);
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

std::string format_hex(const std::uint8_t *bytes, std::size_t size)
{
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        text += {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    return text;
}

std::int64_t now()
{
    std::timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace tool
