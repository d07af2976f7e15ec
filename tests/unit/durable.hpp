// durable.hpp - a durable queue for tests in one process: a directory for each test, and a disk that fails when it is told to.
#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>

#include <sys/mman.h>
#include <sys/wait.h>

#include "support/shapes.hpp"

extern "C" {
#include "disk.h"
}

namespace cqtest {

/* ---- a disk that fails when it is told to ---- */

struct Faults {
    std::atomic<int> write{0}, flush{0}, fill{0}, create{0}, flush_directory{0}; /* the error to give */
    std::atomic<int> stop_in_flush{0};
    std::atomic<int> flushes{0};
    std::atomic<int> slow{0}; /* microseconds that a flush takes */
    std::atomic<int> thief{0}; /* put in the place of the next file that is written to */
    std::atomic<int> boot{0}; /* how often the system was started since */
};
inline Faults *faults;

inline void steal(int file)
{
    if (const int thief = faults->thief.exchange(0); thief > 0)
        ::dup2(thief, file);
}
inline int fail_write(int file, const void *from, size_t size, uint64_t offset)
{
    steal(file);
    return faults->write ? faults->write.load() : disk_linux()->write(file, from, size, offset);
}
inline int fail_write_blocks(int file, const void *from, size_t size, uint64_t offset)
{
    steal(file);
    return faults->write ? faults->write.load() : disk_linux()->write_blocks(file, from, size, offset);
}
inline int fail_fill(int file, uint64_t begin, uint64_t end)
{
    return faults->fill ? faults->fill.load() : disk_linux()->fill(file, begin, end);
}
inline int fail_flush(int file)
{
    if (faults->stop_in_flush == ::getpid())
        ::raise(SIGSTOP);
    ++faults->flushes;
    std::this_thread::sleep_for(std::chrono::microseconds(faults->slow));
    return faults->flush ? faults->flush.load() : disk_linux()->flush(file);
}
inline int fail_create(int directory, const char *name, uint32_t permissions, int *file)
{
    return faults->create ? faults->create.load() : disk_linux()->create(directory, name, permissions, file);
}
inline int fail_flush_directory(int directory)
{
    return faults->flush_directory ? faults->flush_directory.load() : disk_linux()->flush_directory(directory);
}
inline int another_boot(uint8_t id[16])
{
    const int error = disk_linux()->boot(id);
    id[0] = static_cast<uint8_t>(id[0] + faults->boot);
    return error;
}

/* ---- a queue ---- */

inline std::vector<std::string> numbered(int from, int count)
{
    std::vector<std::string> all;
    for (int i = from; i < from + count; ++i)
        all.push_back("message " + std::to_string(i));
    return all;
}

struct Taken {
    std::string text;
    uint64_t position;
    uint32_t deliveries;
};

/* A directory for each test. The region is in shared memory; removing it is what a reboot does. */
class Durable : public testing::Test {
protected:
    Durable() : name_("durable." + std::to_string(::getpid())), disk_(*disk_linux())
    {
        char path[] = "/dev/shm/durable_test.XXXXXX"; /* what disks do is tests/durable's */
        directory_ = mkdtemp(path);
        home_ = directory_ + "/home";
        faults = new (mmap(nullptr, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Faults;
        disk_.write = fail_write;
        disk_.write_blocks = fail_write_blocks;
        disk_.fill = fail_fill;
        disk_.flush = fail_flush;
        disk_.create = fail_create;
        disk_.flush_directory = fail_flush_directory;
        disk_.boot = another_boot;
        disk_.check = [](int) { return 0; };
        cq_testing_disk = &disk_;
    }
    ~Durable() override
    {
        close();
        reboot();
        cq_testing = {};
        cq_testing_disk = nullptr;
        munmap(faults, sizeof *faults);
        std::filesystem::remove_all(directory_);
    }

    cq_config config(uint32_t flags = 0) const
    {
        cq_config config{};
        config.struct_size = sizeof config;
        config.flags = CQ_DURABLE | flags;
        config.capacity = capacity_;
        config.max_message_size = message_;
        config.durable_directory = home_.c_str();
        return config;
    }
    int try_open(cq_queue **queue, uint32_t flags = 0) const
    {
        const cq_config how = config(flags);
        return cq_open(name_.c_str(), &how, queue);
    }
    void open(uint32_t flags = 0)
    {
        close();
        ASSERT_EQ(try_open(&queue_, flags), CQ_OK);
    }
    void close()
    {
        cq_close(queue_);
        queue_ = nullptr;
    }
    /* The system is down: nobody has the region any more, and it is gone. */
    void reboot()
    {
        close();
        cq_unlink(name_.c_str(), nullptr);
    }
    void reopen(uint32_t flags = 0)
    {
        reboot();
        open(flags);
    }

    int put(const std::string &text) const { return cq_enqueue(queue_, text.data(), text.size()); }
    void put_all(const std::vector<std::string> &texts) const
    {
        for (const std::string &text : texts)
            ASSERT_EQ(put(text), CQ_OK) << text;
    }
    std::vector<Taken> take_all() const
    {
        std::vector<Taken> all;
        cq_message message{};
        message.struct_size = sizeof message;
        while (cq_take(queue_, &message) == CQ_OK) {
            all.push_back({std::string(static_cast<char *>(message.data), message.size), message.position,
                           message.deliveries});
            EXPECT_EQ(cq_release(queue_, &message), CQ_OK);
        }
        return all;
    }
    std::vector<std::string> drain() const
    {
        std::vector<std::string> texts;
        for (const Taken &taken : take_all())
            texts.push_back(taken.text);
        return texts;
    }
    cq_stats stat() const
    {
        cq_stats stats{};
        stats.struct_size = sizeof stats;
        EXPECT_EQ(cq_stat(queue_, &stats), CQ_OK);
        return stats;
    }
    std::vector<std::string> segments() const
    {
        std::vector<std::string> names;
        for (const auto &file : std::filesystem::directory_iterator(home_))
            if (file.path().filename().string().rfind("segment.", 0) == 0)
                names.push_back(file.path().string());
        return names;
    }

    std::string directory_, name_, home_;
    uint64_t capacity_ = 1000, message_ = 56;
    cq_queue *queue_ = nullptr;
    struct disk disk_;
};

} // namespace cqtest
