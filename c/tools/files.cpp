#include "files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.hpp"

namespace tool {

namespace {

/* Where a symbolic link leads, so that it stays one. */
std::string resolved(const std::string &path)
{
    char *real = ::realpath(path.c_str(), nullptr);
    const std::string result = real ? real : path;
    std::free(real);
    return result;
}

/* These are names of what is open already, which may be a file with something in it. */
bool names_a_descriptor(const std::string &path)
{
    return path == "/dev/stderr" || path.rfind("/dev/fd/", 0) == 0 || path.rfind("/proc/", 0) == 0;
}

} // namespace

/* What is there and is no regular file is opened and stays what it is. */
NewFile::NewFile(const std::string &path) : path_(path == "-" ? "standard output" : path)
{
    struct stat file;
    const bool exists = ::stat(path.c_str(), &file) == 0;
    if (path == "-" || path == "/dev/stdout") {
        descriptor_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    } else if (exists && (!S_ISREG(file.st_mode) || names_a_descriptor(path))) {
        descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    } else {
        path_ = resolved(path);
        draft_ = path_ + ".XXXXXX";
        descriptor_ = ::mkostemp(draft_.data(), O_CLOEXEC);
        const mode_t mask = ::umask(022);
        ::umask(mask);
        if (descriptor_ >= 0 && ::fchmod(descriptor_, exists ? file.st_mode & 0777 : 0666 & ~mask) != 0)
            fail("set the permissions of");
    }
    if (descriptor_ < 0)
        fail("write");
}

NewFile::~NewFile()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
    if (!draft_.empty())
        ::unlink(draft_.c_str());
}

void NewFile::fail(const char *what) const
{
    throw Failure("cannot " + std::string(what) + " " + path_ + ": " + std::strerror(errno));
}

void NewFile::write(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR)
            fail("write");
        bytes.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
}

void NewFile::publish()
{
    if (draft_.empty())
        return;
    if (::fsync(descriptor_) != 0 || std::rename(draft_.c_str(), path_.c_str()) != 0)
        fail("write");
    draft_.clear();
}

void write_file(const std::string &path, std::string_view bytes)
{
    NewFile file(path);
    file.write(bytes);
    file.publish();
}

} // namespace tool
