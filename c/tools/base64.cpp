#include "base64.hpp"

#include <array>
#include <cstdint>

namespace tool {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t invalid = 64;

constexpr std::array<std::uint8_t, 256> make_values()
{
    std::array<std::uint8_t, 256> values{};
    for (auto &value : values)
        value = invalid;
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}

constexpr auto values = make_values();

std::uint32_t value_of(char character) { return values[static_cast<unsigned char>(character)]; }

} // namespace

void base64_encode(std::string_view bytes, std::string &out)
{
    std::uint32_t bits = 0;
    std::size_t i = 0;
    const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])); };
    const auto put = [&](unsigned shift) { out.push_back(alphabet[bits >> shift & 63]); };
    for (; i + 3 <= bytes.size(); i += 3) {
        bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        put(18), put(12), put(6), put(0);
    }
    if (bytes.size() - i == 1) {
        bits = byte(i) << 16;
        put(18), put(12);
        out += "==";
    } else if (bytes.size() - i == 2) {
        bits = byte(i) << 16 | byte(i + 1) << 8;
        put(18), put(12), put(6);
        out += '=';
    }
}

bool base64_decode(char *text, std::size_t size, std::size_t *decoded)
{
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t' || text[size - 1] == '\r'))
        --size;
    if (size % 4 != 0)
        return false;
    std::size_t padding = 0;
    while (padding < 2 && padding < size && text[size - 1 - padding] == '=')
        ++padding;
    const std::size_t digits = size - padding;
    std::size_t out = 0;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const std::uint32_t value = value_of(text[i]);
        if (value == invalid)
            return false;
        bits = bits << 6 | value;
        /* The first digit of four completes no byte, the others one each; never ahead of what is read. */
        if (i % 4 != 0)
            text[out++] = static_cast<char>(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    /* Bits that belong to no byte must be 0, else two texts would mean the same bytes. */
    if (padding != 0 && (bits & (padding == 1 ? 3u : 15u)) != 0)
        return false;
    *decoded = out;
    return true;
}

} // namespace tool
