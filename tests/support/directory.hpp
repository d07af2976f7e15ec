/*
 * Directories for tests that look at the files behind queues, and the check that a test program leaves no file behind.
 */
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/mount.h>

#include "queue.hpp"

namespace cqtest {

/* The names in a directory that begin with a prefix, in no order. */
inline std::vector<std::string> entries(const std::string &directory, const std::string &prefix = "")
{
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(directory)) {
        std::string name = entry.path().filename().string();
        if (name.compare(0, prefix.size(), prefix) == 0)
            names.push_back(std::move(name));
    }
    return names;
}

/* A directory of its own, in shared memory, removed at the end with everything in it. */
class Directory {
public:
    explicit Directory(std::string parent = "/dev/shm") : path_(std::move(parent) + "/" + name_prefix() + "XXXXXX")
    {
        if (::mkdtemp(path_.data()) == nullptr)
            throw std::runtime_error("cannot create " + path_);
    }
    Directory(const Directory &) = delete;
    Directory &operator=(const Directory &) = delete;
    ~Directory()
    {
        std::error_code ignored;
        ::umount2(path_.c_str(), MNT_DETACH); // a test may have mounted something on it
        std::filesystem::remove_all(path_, ignored);
    }

    const char *path() const { return path_.c_str(); }

    /* The path of the file of the queue of this name. */
    std::string file(const std::string &queue) const { return path_ + "/cqueue." + queue; }

    /* The config, with this directory in it. */
    Config in(Config config) const
    {
        config.directory = path();
        return config;
    }

private:
    std::string path_;
};

} // namespace cqtest
