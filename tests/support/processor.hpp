/*
 * The little that stepper.hpp must know about a processor: where its registers say which instruction is next, what a
 * breakpoint looks like, and which instructions cannot be single-stepped.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <elf.h>
#include <sys/uio.h>
#include <sys/user.h>

namespace cqtest {

/*
 * AArch64 without the LSE instructions updates memory by a load-exclusive, some arithmetic and a store-exclusive, and a
 * single step in between makes the store fail, for ever. Given the address of a load-exclusive, these are the addresses
 * at one of which execution comes out: behind the store, and wherever a branch in between leads. Anything else: none.
 * fetch(address) returns the 32-bit instruction there.
 */
template <class Fetch>
std::vector<uintptr_t> exclusive_exits(uintptr_t address, Fetch &&fetch)
{
    const auto is_exclusive = [](uint32_t word, bool load) {
        return (word & 0x3F000000u) == 0x08000000u && (word & 0x00800000u) == 0 && ((word >> 22 & 1) != 0) == load;
    };
    /* How far a branch leads, in bytes: its offset of `bits` bits at bit 5 counts instructions. */
    const auto offset = [](uint32_t word, unsigned bits) {
        const int64_t value = static_cast<int64_t>(word >> 5 & ((1u << bits) - 1));
        return static_cast<uintptr_t>((value >= int64_t{1} << (bits - 1) ? value - (int64_t{1} << bits) : value) * 4);
    };
    if (!is_exclusive(fetch(address), true))
        return {};
    std::vector<uintptr_t> exits;
    for (uintptr_t next = address + 4; next < address + 4 * 16; next += 4) {
        const uint32_t word = fetch(next);
        if ((word & 0xFF000010u) == 0x54000000u || (word & 0x7E000000u) == 0x34000000u) /* b.cond, cbz, cbnz */
            exits.push_back(next + offset(word, 19));
        else if ((word & 0x7E000000u) == 0x36000000u) /* tbz, tbnz */
            exits.push_back(next + offset(word, 14));
        else if (is_exclusive(word, false)) {
            exits.push_back(next + 4);
            return exits;
        }
    }
    return {};
}

class Registers {
public:
#if defined(__x86_64__)
    uintptr_t address() const { return values_.rip; }
    void set_address(uintptr_t address) { values_.rip = address; }
#elif defined(__aarch64__)
    uintptr_t address() const { return values_.pc; }
    void set_address(uintptr_t address) { values_.pc = address; }
#else
#error "say here how this processor is stepped"
#endif
    iovec piece() { return {&values_, sizeof values_}; }

private:
    user_regs_struct values_{};
};

/* A word of the program, with its first instruction replaced by one that traps. */
inline long with_breakpoint(long word)
{
#if defined(__x86_64__)
    return static_cast<long>((static_cast<uint64_t>(word) & ~UINT64_C(0xFF)) | 0xCC);
#else
    return static_cast<long>((static_cast<uint64_t>(word) & ~UINT64_C(0xFFFFFFFF)) | 0xD4200000u);
#endif
}

/* Where execution comes out of the group of instructions at this address that must not be stepped; none: step it. */
template <class Peek>
std::vector<uintptr_t> indivisible_exits(uintptr_t address, Peek &&peek)
{
#if defined(__aarch64__)
    return exclusive_exits(address, [&](uintptr_t at) { return static_cast<uint32_t>(peek(at)); });
#else
    (void)address;
    (void)peek;
    return {};
#endif
}

} // namespace cqtest
