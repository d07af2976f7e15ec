/*
 * The bytes of a region as c/FORMAT.md draws them, written down a second time: tests that spoil regions must not
 * share a mistake with the library.
 */
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cqtest {

/* Where fields of the header are, in bytes. */
namespace field {
inline constexpr uint64_t magic = 0, format_version = 8, byte_order = 12, word_bits = 16, slots_per_node = 20,
                          features = 24, capacity = 32, max_message_size = 40, hole_slots = 48, spare_nodes = 56,
                          slot_stride = 64, node_stride = 72, node_count = 80, summary_offset = 88,
                          bitmap_offset = 96, states_offset = 104, nodes_offset = 112, file_size = 120,
                          first_position = 128, created = 136, tail = 256, head = 384, orphans = 392, touched = 512,
                          last_hole = 520, consumers = 640, producers = 768, holes = 896, voided = 904,
                          redelivered = 912, returned = 920, reaped = 928, turn = 1024, highest_id = 1032, free_id = 1036, removed = 1040,
                          lookout = 1044, sleepers = 1048, holed = 528, needed = 1152, period = 1160, patience = 1168,
                          regrets = 1172, trimmed = 1176, consumer = 3072, mover = 3080, moving = 3088,
                          moved = 3096, move_result = 3104, expired = 3112, sources = 3200,
                          end = 3328;
inline constexpr uint64_t participants = 4096, participant_size = 256, source_table = 1052672, source_size = 256, summary = 1073152;
inline constexpr uint64_t node_enq = 0, node_deq = 128, node_next = 256, node_holed = 264, node_pinned = 272, node_slots = 384;
} // namespace field

/* The file of a region, mapped for writing, whatever is in it. */
class RegionBytes {
public:
    explicit RegionBytes(const std::string &path)
    {
        const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        struct stat status {};
        if (fd < 0 || ::fstat(fd, &status) != 0)
            throw std::system_error(errno, std::generic_category(), path);
        size_ = static_cast<size_t>(status.st_size);
        void *memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
        ::close(fd);
        if (memory == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "mmap " + path);
        bytes_ = static_cast<unsigned char *>(memory);
    }
    RegionBytes(const RegionBytes &) = delete;
    RegionBytes &operator=(const RegionBytes &) = delete;
    ~RegionBytes() { ::munmap(bytes_, size_); }

    unsigned char *at(uint64_t offset) const { return bytes_ + offset; }
    size_t size() const { return size_; }

    /* Of a region with few nodes: a page each. */
    uint64_t marks() const { return get(field::bitmap_offset) + 4096; }
    uint64_t dues() const { return marks() + 4096; }

    template <class T = uint64_t>
    T get(uint64_t offset) const
    {
        return __atomic_load_n(reinterpret_cast<T *>(bytes_ + offset), __ATOMIC_SEQ_CST);
    }

    template <class T = uint64_t>
    void put(uint64_t offset, T value) const
    {
        __atomic_store_n(reinterpret_cast<T *>(bytes_ + offset), value, __ATOMIC_SEQ_CST);
    }

private:
    unsigned char *bytes_;
    size_t size_;
};

} // namespace cqtest
