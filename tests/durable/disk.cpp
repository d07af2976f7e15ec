// disk.cpp - see disk.hpp.
#include "disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

extern "C" {
#include "disk.h"
}

namespace power {

static Disk *disk_in_use;

Cut Cut::any(Random &random)
{
    static const double shares[] = {0, 0, 0.1, 0.5, 0.9, 1, 1};
    Cut cut;
    cut.writes = shares[below(random, 7)], cut.entries = shares[below(random, 7)], cut.torn = shares[below(random, 6)];
    cut.stale = shares[below(random, 5)];
    return cut;
}

Cut Cut::after_words(std::uint64_t words, std::uint64_t but)
{
    Cut cut;
    cut.writes = cut.entries = 1, cut.torn = cut.stale = 0, cut.exact = true, cut.words = words, cut.but = but;
    return cut;
}

Disk::Description::~Description()
{
    if (file)
        for (auto &byte : file->locks)
            byte.second.erase(this);
}

bool Disk::begin()
{
    if (step)
        step();
    ++operations;
    if (countdown == 0)
        return false;
    countdown -= countdown != UINT64_MAX;
    return true;
}

int Disk::add(std::shared_ptr<Description> description)
{
    descriptors_[next_] = {std::move(description), process};
    return next_++;
}

void Disk::forget(const void *who)
{
    for (auto at = descriptors_.begin(); at != descriptors_.end();)
        at = at->second.process == who ? descriptors_.erase(at) : std::next(at);
    for (auto at = held_.begin(); at != held_.end();)
        at = at->second.process == who ? held_.erase(at) : std::next(at);
}

std::uint64_t Disk::bytes() const
{
    std::uint64_t all = 0;
    for (const auto &directory : directories_)
        for (const auto &entry : directory.second.now)
            all += entry.second->size;
    return all;
}

std::size_t Disk::files() const
{
    std::size_t all = 0;
    for (const auto &directory : directories_)
        all += directory.second.now.size();
    return all;
}

std::uint64_t Disk::unflushed() const
{
    std::uint64_t all = 0;
    for (const auto &directory : directories_)
        for (const auto &entry : directory.second.now)
            for (const Write &write : entry.second->pending)
                all += write.bytes.size();
    return all;
}

// The first one, and the newest.
void Disk::free_blocks(const File &file)
{
    if (file.now.empty())
        return;
    if (freed_.size() == 4)
        freed_.erase(freed_.begin() + 1);
    freed_.push_back(file.now);
}

void Disk::remove(const std::string &path)
{
    for (const auto &entry : directories_[path].now)
        free_blocks(*entry.second);
    directories_.erase(path);
}

void Disk::apply(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &write)
{
    const std::uint64_t end = write.offset + write.size;
    size = std::max(size, end);
    if (write.bytes.empty()) {
        if (write.offset < bytes.size())
            std::memset(bytes.data() + write.offset, 0, std::min<std::uint64_t>(end, bytes.size()) - write.offset);
        return;
    }
    if (bytes.size() < end)
        bytes.resize(end);
    std::memcpy(bytes.data() + write.offset, write.bytes.data(), write.size);
}

void Disk::apply_some(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &write, const Cut &cut,
                      Random &random)
{
    if (!chance(random, cut.writes))
        return;
    if (!chance(random, cut.torn) || write.size <= 8) {
        apply(bytes, size, write);
        return;
    }
    // Torn: everything up to some point, or from there on, or words at random, or all but one.
    const std::uint64_t words = (write.size + 7) / 8, at = below(random, words + 1), how = below(random, 4);
    apply_words(bytes, size, write, [&](std::uint64_t word) {
        return how == 0 ? word < at : how == 1 ? word >= at : how == 2 ? !(random() & 1) : word != at;
    });
}

void Disk::apply_words(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &write,
                       const std::function<bool(std::uint64_t)> &survives)
{
    for (std::uint64_t word = 0; word * 8 < write.size; ++word) {
        if (!survives(word))
            continue;
        if (write.bytes.empty()) { // only its size counts
            apply(bytes, size, {write.offset, word * 8 + 8 < write.size ? word * 8 + 8 : write.size, {}});
            continue;
        }
        const std::uint64_t from = word * 8, to = std::min(from + 8, write.size);
        apply(bytes, size,
              {write.offset + from, to - from,
               {write.bytes.begin() + static_cast<std::ptrdiff_t>(from),
                write.bytes.begin() + static_cast<std::ptrdiff_t>(to)}});
    }
}

// The file has got its blocks, and not the zeros: what removed files had there.
void Disk::lay_stale(std::vector<unsigned char> &bytes, std::uint64_t &size, const Write &fill, Random &random) const
{
    static const std::uint64_t block = 4096;
    const std::vector<unsigned char> &old = freed_[below(random, freed_.size())];
    const bool shifted = below(random, 4) == 0;
    apply(bytes, size, fill);
    for (std::uint64_t at = fill.offset / block * block; at < fill.offset + fill.size; at += block) {
        const std::uint64_t from = shifted ? below(random, old.size() / block + 1) * block : at;
        if (from >= old.size() || at < fill.offset || below(random, 8) == 0)
            continue;
        const auto begin = old.begin() + static_cast<std::ptrdiff_t>(from);
        const std::uint64_t part = std::min<std::uint64_t>(block, old.size() - from);
        apply(bytes, size, {at, part, {begin, begin + static_cast<std::ptrdiff_t>(part)}});
    }
}

std::shared_ptr<Disk::File> Disk::left_of(const File &file, const Cut &cut, Random &random) const
{
    auto left = std::make_shared<File>();
    left->inode = file.inode;
    left->now = file.flushed;
    left->size = file.flushed_size;
    for (const auto *writes : {&file.doomed, &file.pending})
        for (const Write &write : *writes)
            if (cut.exact && &write == &file.pending.back())
                apply_words(left->now, left->size, write,
                            [&](std::uint64_t word) { return word < cut.words && word != cut.but; });
            else if (write.bytes.empty() && !freed_.empty() && chance(random, cut.stale))
                lay_stale(left->now, left->size, write, random);
            else
                apply_some(left->now, left->size, write, cut, random);
    left->flushed = left->now;
    left->flushed_size = left->size;
    return left;
}

std::unique_ptr<Disk> Disk::after(const Cut &cut, Random &random) const
{
    auto left = std::make_unique<Disk>();
    left->boot_ = boot_ + 1;
    left->next_inode_ = next_inode_;
    left->freed_ = freed_;
    for (const auto &[path, directory] : directories_) {
        auto names = directory.flushed;
        for (const Entry &entry : directory.pending) {
            if (!chance(random, cut.entries))
                continue;
            if (entry.file)
                names[entry.name] = entry.file;
            else
                names.erase(entry.name);
        }
        Directory &kept = left->directories_[path];
        for (const auto &[name, file] : names)
            kept.now[name] = left_of(*file, cut, random);
        kept.flushed = kept.now;
    }
    return left;
}

std::unique_ptr<Disk> Disk::copy() const
{
    auto other = std::make_unique<Disk>();
    other->boot_ = boot_ + 1;
    other->next_inode_ = next_inode_;
    for (const auto &[path, directory] : directories_) {
        Directory &kept = other->directories_[path];
        for (const auto &[name, file] : directory.now) {
            auto written = std::make_shared<File>();
            written->inode = file->inode;
            written->now = file->now;
            written->size = file->size;
            written->pending.push_back({0, file->size, {}});
            if (!file->now.empty())
                written->pending.push_back({0, file->now.size(), file->now});
            kept.now[name] = written;
            kept.pending.push_back({name, written});
        }
    }
    return other;
}

// ---- what the core calls

struct Disk::Ways {
    static Disk &disk() { return *disk_in_use; }
    static Description *of(int number)
    {
        const auto found = disk().descriptors_.find(number);
        return found == disk().descriptors_.end() ? nullptr : found->second.description.get();
    }

    static int open_directory(const char *path, bool create, std::uint32_t, int *directory)
    {
        if (!disk().begin())
            return EIO;
        const std::string name = path;
        const bool exists = disk().directories_.count(name) != 0 || name.size() < 2 || name.find('/', 1) == name.npos;
        if (!exists && !create)
            return ENOENT;
        auto description = std::make_shared<Description>();
        description->directory = &disk().directories_[name];
        *directory = disk().add(std::move(description));
        return 0;
    }
    static int check(int) { return 0; }
    static int list(int directory, disk_visitor *visitor, void *context)
    {
        if (!disk().begin())
            return EIO;
        std::vector<std::string> names;
        for (const auto &entry : of(directory)->directory->now)
            names.push_back(entry.first);
        int result = 0;
        for (std::size_t i = 0; i < names.size() && result == 0; ++i)
            result = visitor(names[i].c_str(), context);
        return result;
    }
    static int flush_directory(int directory)
    {
        if (!disk().begin())
            return EIO;
        Directory *const what = of(directory)->directory;
        const std::vector<Entry> flushed = what->pending; // others may flush the same meanwhile
        if (!disk().begin())
            return EIO;
        if (const int error = disk().failure(true))
            return error;
        for (const Entry &entry : flushed) {
            const auto same = [&](const Entry &other) { return other.name == entry.name && other.file == entry.file; };
            const auto found = std::find_if(what->pending.begin(), what->pending.end(), same);
            if (found == what->pending.end())
                continue;
            if (entry.file)
                what->flushed[entry.name] = entry.file;
            else
                what->flushed.erase(entry.name);
            what->pending.erase(found);
        }
        return 0;
    }
    static int create(int directory, const char *name, std::uint32_t, int *file)
    {
        if (!disk().begin())
            return EIO;
        Directory *const where = of(directory)->directory;
        if (where->now.count(name) != 0)
            return EEXIST;
        if (const int error = disk().failure(false))
            return error;
        auto description = std::make_shared<Description>();
        description->file = std::make_shared<File>();
        description->file->inode = disk().next_inode_++;
        where->now[name] = description->file;
        where->pending.push_back({name, description->file});
        *file = disk().add(std::move(description));
        return 0;
    }
    static int open(int directory, const char *name, bool, int *file)
    {
        if (!disk().begin())
            return EIO;
        const auto &names = of(directory)->directory->now;
        const auto found = names.find(name);
        if (found == names.end())
            return ENOENT;
        auto description = std::make_shared<Description>();
        description->file = found->second;
        *file = disk().add(std::move(description));
        return 0;
    }
    static int unlink(int directory, const char *name)
    {
        if (!disk().begin())
            return EIO;
        Directory *const where = of(directory)->directory;
        const auto found = where->now.find(name);
        if (found == where->now.end())
            return ENOENT;
        disk().free_blocks(*found->second);
        where->now.erase(found);
        where->pending.push_back({name, nullptr});
        ++disk().unlinks;
        return 0;
    }
    static void close(int file) { disk().descriptors_.erase(file); }
    static int identify(int file, disk_identity *identity, std::uint64_t *size)
    {
        const Description *const description = of(file);
        if (!description || !description->file)
            return EBADF;
        *identity = {1, description->file->inode};
        *size = description->file->size;
        return 0;
    }
    static int fill(int file, std::uint64_t begin, std::uint64_t end)
    {
        if (!disk().begin())
            return EIO;
        if (const int error = disk().failure(false))
            return error;
        File &what = *of(file)->file;
        what.pending.push_back({begin, end - begin, {}});
        apply(what.now, what.size, what.pending.back());
        return 0;
    }
    static int write(int file, const void *from, std::size_t size, std::uint64_t offset)
    {
        if (!disk().begin())
            return EIO;
        File &what = *of(file)->file;
        const auto *const bytes = static_cast<const unsigned char *>(from);
        const int error = disk().failure(false);
        if (error != 0)
            size = disk().partly ? disk().partly(size) : 0;
        if (size == 0)
            return error;
        what.pending.push_back({offset, size, {bytes, bytes + size}});
        apply(what.now, what.size, what.pending.back());
        return error;
    }
    // What the blocks have already is as good as not written.
    static int write_blocks(int file, const void *from, std::size_t size, std::uint64_t offset)
    {
        const File &what = *of(file)->file;
        const auto *const bytes = static_cast<const unsigned char *>(from);
        const auto same = [&](std::size_t at) {
            unsigned char now[8] = {};
            if (offset + at < what.now.size())
                std::memcpy(now, what.now.data() + offset + at, std::min<std::size_t>(8, what.now.size() - offset - at));
            return std::memcmp(now, bytes + at, 8) == 0;
        };
        std::size_t begin = 0, end = size;
        while (begin < end && same(begin))
            begin += 8;
        while (end > begin && same(end - 8))
            end -= 8;
        return write(file, bytes + begin, end - begin, offset + begin);
    }
    static int read(int file, void *to, std::size_t size, std::uint64_t offset, std::size_t *got)
    {
        *got = 0;
        if (!disk().begin())
            return EIO;
        const File &what = *of(file)->file;
        if (offset >= what.size)
            return 0;
        *got = std::min<std::uint64_t>(size, what.size - offset);
        std::memset(to, 0, *got);
        if (offset < what.now.size())
            std::memcpy(to, what.now.data() + offset, std::min<std::uint64_t>(*got, what.now.size() - offset));
        return 0;
    }
    static int flush(int file)
    {
        if (!disk().begin())
            return EIO;
        const std::shared_ptr<File> what = of(file)->file;
        const std::size_t count = what->pending.size();
        if (!disk().begin())
            return EIO;
        // Only one writes to a file, and nobody flushes it at the same time.
        const auto end = what->pending.begin() + static_cast<std::ptrdiff_t>(std::min(count, what->pending.size()));
        if (const int error = disk().failure(true)) {
            what->doomed.insert(what->doomed.end(), what->pending.begin(), end); // as Linux: clean, and not on the disk
            what->pending.erase(what->pending.begin(), end);
            return error;
        }
        for (auto at = what->pending.begin(); at != end; ++at)
            apply(what->flushed, what->flushed_size, *at);
        what->pending.erase(what->pending.begin(), end);
        ++disk().flushes;
        return 0;
    }
    static int lock(int file, std::uint64_t byte, disk_lock kind)
    {
        Description *const description = of(file);
        auto &locks = description->file->locks[byte];
        if (kind == DISK_UNLOCK) {
            locks.erase(description);
            return 0;
        }
        for (const auto &[other, exclusive] : locks)
            if (other != description && (exclusive || kind == DISK_LOCK))
                return EAGAIN;
        locks[description] = kind == DISK_LOCK;
        return 0;
    }
    static int hold(int file, void **held)
    {
        const auto found = disk().descriptors_.find(file);
        *held = new char;
        disk().held_[*held] = found->second;
        return 0;
    }
    static void release(void *held)
    {
        disk().held_.erase(held);
        delete static_cast<char *>(held);
    }
    static int boot(std::uint8_t id[16])
    {
        std::memset(id, 0, 16);
        std::memcpy(id, &disk().boot_, 8);
        return 0;
    }
};

void Disk::use()
{
    static struct ::disk ways;
    ways.open_directory = Ways::open_directory;
    ways.check = Ways::check;
    ways.list = Ways::list;
    ways.flush_directory = Ways::flush_directory;
    ways.create = Ways::create;
    ways.open = Ways::open;
    ways.unlink = Ways::unlink;
    ways.close = Ways::close;
    ways.identify = Ways::identify;
    ways.is_called = [](int, const char *) { return false; }; // identify always says
    ways.fill = Ways::fill;
    ways.write = Ways::write;
    ways.write_blocks = Ways::write_blocks;
    ways.read = Ways::read;
    ways.flush = Ways::flush;
    ways.lock = Ways::lock;
    ways.hold = Ways::hold;
    ways.release = Ways::release;
    ways.boot = Ways::boot;
    disk_in_use = this;
    cq_testing_disk = &ways;
}

} // namespace power
