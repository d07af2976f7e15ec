/*
 * What tests with several processes share: memory that a killed process cannot take with it, a place for complaints, and
 * a janitor that removes the files of a test program that was itself killed.
 */
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue.hpp"

namespace cqtest {

/* `count` values, all bytes zero at first, that the children forked later share with their parent. */
template <class T>
class SharedArray {
    /* Nobody constructs or destroys the elements: they must make sense as zeros. */
    static_assert(std::is_trivially_destructible_v<T> && std::is_standard_layout_v<T>);

public:
    explicit SharedArray(size_t count) : count_(count)
    {
        void *memory =
            ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "mmap");
        values_ = static_cast<T *>(memory);
    }
    SharedArray(const SharedArray &) = delete;
    SharedArray &operator=(const SharedArray &) = delete;
    ~SharedArray() { ::munmap(values_, count_ * sizeof(T)); }

    size_t size() const { return count_; }
    T &operator[](size_t index) const { return values_[index]; }

private:
    T *values_;
    size_t count_;
};

template <class T>
class Shared {
public:
    Shared() : array_(1) {}
    T *operator->() const { return &array_[0]; }
    T &operator*() const { return array_[0]; }

private:
    SharedArray<T> array_;
};

/* The first thing that any process or thread of a test found wrong. */
class Complaints {
public:
    __attribute__((format(printf, 2, 3))) void add(const char *format, ...) const
    {
        if (shared_->taken.exchange(true))
            return;
        va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(shared_->text, sizeof shared_->text, format, arguments);
        va_end(arguments);
        shared_->there = true;
    }

    bool any() const { return shared_->taken; }

    /* Empty if there are none. To be called when all others are done. */
    std::string text() const
    {
        if (!shared_->taken)
            return "";
        return shared_->there ? shared_->text : "a complaint whose author was killed";
    }

private:
    struct Board {
        std::atomic<bool> taken, there;
        char text[1000];
    };
    Shared<Board> shared_;
};

/*
 * Removes what this program has in shared memory when it and all its children are gone, however they went. It notices by
 * the end of a pipe that they all have open, and is in a session of its own, out of the way of whoever kills them.
 */
class Janitor : public ::testing::Environment {
public:
    void SetUp() override
    {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const std::string prefix = name_prefix();
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            if (::setsid() < 0 || ::fork() != 0)
                ::_exit(0);
            watch(ends[0], prefix);
        }
        ::close(ends[0]);
        while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR)
            ;
    }

private:
    /* It must hold nothing that anybody waits for to be closed: neither the pipe's other end nor the program's output. */
    [[noreturn]] static void watch(int pipe, const std::string &prefix)
    {
        std::vector<int> descriptors;
        for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
            descriptors.push_back(std::stoi(entry.path().filename().string()));
        for (const int descriptor : descriptors)
            if (descriptor != pipe)
                ::close(descriptor);
        char byte;
        while (::read(pipe, &byte, 1) < 0 && errno == EINTR)
            ;
        std::error_code ignored;
        for (const auto &entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
            const std::string name = entry.path().filename().string();
            for (const std::string &ours : {"cqueue." + prefix, prefix})
                if (name.compare(0, ours.size(), ours) == 0)
                    std::filesystem::remove_all(entry.path(), ignored);
        }
        ::_exit(0);
    }
};

inline ::testing::Environment *const janitor = ::testing::AddGlobalTestEnvironment(new Janitor);

/* True: a process is dead, and its parent knows, that has done this with a handle of its own. */
template <class Hold>
bool dies_holding(const Queue &queue, Hold hold)
{
    return Child([&](Channel &) {
               Handle handle = queue.attach();
               hold(handle);
               ::raise(SIGKILL);
           }).join().signal == SIGKILL;
}

/* Two processes that run in turn do so several times faster on one processor than on two. */
inline void stay_on_one_processor()
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(::sched_getcpu()), &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

/* A number from the environment, for runs longer or narrower than usual. */
inline uint64_t environment_number(const char *name, uint64_t otherwise)
{
    const char *value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::strtoull(value, nullptr, 0) : otherwise;
}

} // namespace cqtest
