// disk.hpp - a simulated disk behind c/src/disk.h: it keeps for each file and directory what was flushed, and every later
// write and entry, and can tell what may be left of them after a power cut.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace power {

using Random = std::mt19937_64;

inline std::uint64_t below(Random &random, std::uint64_t end) { return random() % end; }
inline bool chance(Random &random, double probability)
{
    return static_cast<double>(random() >> 11) * 0x1p-53 < probability;
}

// How much of what was not flushed survives.
struct Cut {
    double writes = 0.5, entries = 0.5, torn = 0.3;
    double stale = 0.2; // of what was filled with zeros: it has what other files had there before
    static Cut any(Random &random);
    // Or so exactly: of the newest write to each file the first so many words, but for one. All else survives.
    bool exact = false;
    std::uint64_t words = 0, but = 0;
    static Cut after_words(std::uint64_t words, std::uint64_t but);
};

class Disk {
public:
    Disk() : boot_(1) {}
    Disk(const Disk &) = delete;
    Disk &operator=(const Disk &) = delete;

    // What another boot finds. The disk itself goes on.
    std::unique_ptr<Disk> after(const Cut &cut, Random &random) const;

    // On another machine, where all was only written.
    std::unique_ptr<Disk> copy() const;

    // The disk that the core sees. One at a time.
    void use();

    // A directory and its files, for good; later files may get their blocks.
    void remove(const std::string &path);

    // A descriptor or a lock of this process goes with it.
    void forget(const void *process);

    std::uint64_t bytes() const;    // of all files with a name
    std::size_t files() const;      // with a name, in all directories
    std::uint64_t unflushed() const; // bytes that were written
    std::uint64_t flushes = 0, unlinks = 0, refused = 0, operations = 0;

    // Faults. `fails`: asked before each write, fill, creation and flush; an errno, or 0. Countdown: after so many
    // operations nothing happens any more, and all is EIO: the moment of a power cut for who is just recovering.
    std::function<int(bool flush)> fails;
    std::function<std::uint64_t(std::uint64_t size)> partly; // so much of a write that fails is written all the same
    std::uint64_t countdown = UINT64_MAX;
    // Before each operation, and in the middle of a flush.
    std::function<void()> step;
    const void *process = nullptr; // that calls

    // The operations of c/src/disk.h, on the disk in use.
    struct Ways;

private:
    struct Write {
        std::uint64_t offset, size;
        std::vector<unsigned char> bytes; // empty: zeros
    };
    struct Description;
    struct File {
        std::uint64_t inode = 0;
        std::vector<unsigned char> now, flushed; // zeros behind their end
        std::uint64_t size = 0, flushed_size = 0;
        std::vector<Write> pending, doomed; // doomed: a flush of them failed
        std::map<std::uint64_t, std::map<const Description *, bool>> locks; // by byte; true: exclusive
    };
    struct Entry {
        std::string name;
        std::shared_ptr<File> file; // none: removed
    };
    struct Directory {
        std::map<std::string, std::shared_ptr<File>> now, flushed;
        std::vector<Entry> pending;
    };
    struct Description {
        std::shared_ptr<File> file; // or
        Directory *directory = nullptr;
        ~Description();
    };
    struct Descriptor {
        std::shared_ptr<Description> description;
        const void *process;
    };

    bool begin(); // false: nothing happens any more
    int failure(bool flush) { const int error = fails ? fails(flush) : 0; refused += error != 0; return error; }
    int add(std::shared_ptr<Description> description);
    static void apply(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &write);
    static void apply_some(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &write, const Cut &cut,
                           Random &random);
    static void apply_words(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &write,
                            const std::function<bool(std::uint64_t)> &survives);
    void lay_stale(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &fill, Random &random) const;
    void free_blocks(const File &file);
    std::shared_ptr<File> left_of(const File &file, const Cut &cut, Random &random) const;

    std::map<std::string, Directory> directories_;
    std::map<int, Descriptor> descriptors_;
    std::map<void *, Descriptor> held_;
    std::vector<std::vector<unsigned char>> freed_; // of files that were removed
    int next_ = 1 << 20;
    std::uint64_t next_inode_ = 1, boot_;
};

} // namespace power
