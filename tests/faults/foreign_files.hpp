/* Files that are nobody's business, and whoever closes all descriptors so that they get the numbers. */
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/directory.hpp"

namespace cqtest {

inline void close_all()
{
#ifdef SYS_close_range
    if (::syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
        return;
#endif
    for (int fd = 3; fd < 1024; ++fd)
        ::close(fd);
}

/* Files that have nothing to do with any queue. */
class ForeignFiles {
public:
    static constexpr size_t count = 16;

    ForeignFiles()
    {
        for (size_t i = 0; i < count; ++i)
            std::ofstream(path(i)) << text_;
    }

    std::string path(size_t index) const { return std::string(directory_.path()) + "/" + std::to_string(index); }

    /* All of them, at their beginning; the lowest numbers that are free become theirs. */
    std::vector<int> open() const
    {
        std::vector<int> descriptors;
        for (size_t i = 0; i < count; ++i)
            descriptors.push_back(::open(path(i).c_str(), O_RDWR));
        return descriptors;
    }

    bool unharmed() const
    {
        for (size_t i = 0; i < count; ++i) {
            struct stat status {};
            std::ifstream file(path(i));
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            if (::stat(path(i).c_str(), &status) != 0 || status.st_blocks > 8 || text != text_)
                return false;
        }
        return true;
    }

    /* Are these still what open() returned, with nothing read or written through them? */
    static bool untouched(const std::vector<int> &descriptors)
    {
        for (const int descriptor : descriptors)
            if (::lseek(descriptor, 0, SEEK_CUR) != 0)
                return false;
        return true;
    }

private:
    const std::string text_ = "nobody's business";
    const Directory directory_;
};

} // namespace cqtest
