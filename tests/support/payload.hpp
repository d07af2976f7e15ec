/*
 * Messages that can be recognised: each says who sent it and which it is, and carries a checksum over all of it, so that
 * a torn, mixed or overwritten message is seen for what it is.
 */
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace cqtest {

/* SplitMix64: every seed gives a usable stream, and the next state is one addition away. */
class Noise {
public:
    explicit Noise(uint64_t seed) : state_(seed) {}

    uint64_t next()
    {
        uint64_t z = (state_ += UINT64_C(0x9E3779B97F4A7C15));
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
    }

    /* A number from 0 to limit - 1. The bias does not matter to a test. */
    uint64_t below(uint64_t limit) { return next() % limit; }

    /* True about once in n times. */
    bool once_in(uint64_t n) { return below(n) == 0; }

private:
    uint64_t state_;
};

/* Bytes that only this id has, of any size. */
inline std::string bytes(uint64_t id, size_t size)
{
    std::string text(size, '\0');
    Noise noise(id * 2 + 1);
    for (size_t i = 0; i < size; i += 8) {
        const uint64_t word = noise.next();
        std::memcpy(&text[i], &word, size - i < 8 ? size - i : 8);
    }
    return text;
}

/* FNV-1a. It is there to find accidents, not attacks. */
inline uint64_t checksum(std::string_view text)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * UINT64_C(0x100000001B3);
    return hash;
}

struct Stamp {
    uint64_t producer;
    uint64_t number;
};

inline constexpr size_t stamped_size_min = 8 + sizeof(Stamp);
inline constexpr size_t stamped_size_small = 8;

/* A message of `size` bytes, stamped_size_min at least: checksum, stamp, bytes. Or of 8 bytes: 16 bits of checksum,
   16 of producer, 32 of number. Or of none. */
inline std::string stamped(Stamp stamp, size_t size = stamped_size_min)
{
    if (size < stamped_size_small)
        return "";
    if (size < stamped_size_min) {
        const uint64_t says = stamp.producer << 32 | stamp.number;
        const uint64_t word = checksum({reinterpret_cast<const char *>(&says), 8}) << 48 | says;
        return {reinterpret_cast<const char *>(&word), 8};
    }
    std::string text = std::string(stamped_size_min, '\0') +
                       bytes(stamp.producer << 40 ^ stamp.number, size - stamped_size_min);
    std::memcpy(&text[8], &stamp, sizeof stamp);
    const uint64_t sum = checksum(std::string_view(text).substr(8));
    std::memcpy(&text[0], &sum, sizeof sum);
    return text;
}

/* What the message says; nothing if a byte of it is not what its producer wrote. */
inline std::optional<Stamp> read_stamp(std::string_view text)
{
    uint64_t sum;
    Stamp stamp;
    if (text.size() == stamped_size_small) {
        uint64_t word;
        std::memcpy(&word, text.data(), sizeof word);
        stamp = {word >> 32 & 0xffff, word & 0xffffffff};
        return stamped(stamp, stamped_size_small) == text ? std::optional(stamp) : std::nullopt;
    }
    if (text.size() < stamped_size_min)
        return std::nullopt;
    std::memcpy(&sum, text.data(), sizeof sum);
    if (sum != checksum(text.substr(8)))
        return std::nullopt;
    std::memcpy(&stamp, text.data() + 8, sizeof stamp);
    return stamp;
}

} // namespace cqtest
