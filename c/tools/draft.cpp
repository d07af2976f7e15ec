#include "draft.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>

#include "failure.hpp"

namespace tool {

namespace {

constexpr const char *prefix = ".cqueue-draft-";

/* Of a folder that is still there; -1 if somebody else has it. */
int lock_folder(const std::string &path, int how)
{
    const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat locked, named;
    if (folder >= 0 && ::flock(folder, how) == 0 && ::fstat(folder, &locked) == 0 &&
        ::lstat(path.c_str(), &named) == 0 && locked.st_ino == named.st_ino)
        return folder;
    if (folder >= 0)
        ::close(folder);
    return -1;
}

int exchange(const std::string &a, const std::string &b, unsigned flags)
{
    return ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), flags) == 0 ? 0 : errno;
}

} // namespace

unsigned remove_abandoned_drafts(const std::string &directory)
{
    unsigned removed = 0;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(directory, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::filesystem::path path = entry->path();
        if (path.filename().string().rfind(prefix, 0) != 0)
            continue;
        const int lock = lock_folder(path, LOCK_EX | LOCK_NB);
        if (lock < 0)
            continue;
        std::error_code kept;
        removed += std::filesystem::remove_all(path, kept) > 0 && !kept ? 1 : 0;
        ::close(lock);
    }
    return removed;
}

Fate::Fate(const Stats &stats)
    : max_headers(stats.max_headers), max_deliveries(stats.max_deliveries), time_to_live(stats.time_to_live),
      dead_letter(stats.dead_letter), enqueue_times(stats.enqueue_times != 0),
      exclusive_consumer(stats.exclusive_consumer != 0)
{
}

void Fate::ask_for(cq_config &config) const
{
    config.max_headers = max_headers;
    config.max_deliveries = max_deliveries;
    config.time_to_live = time_to_live;
    config.dead_letter = dead_letter.empty() ? nullptr : dead_letter.c_str();
    config.flags |= (enqueue_times ? std::uint32_t{CQ_ENQUEUE_TIMES} : 0) |
                    (exclusive_consumer ? std::uint32_t{CQ_EXCLUSIVE_CONSUMER} : 0);
}

Draft::Draft(const Place &place, const Shape &shape) : place_(place)
{
    remove_abandoned_drafts(place.where());
    /* One that looks for abandoned ones may find the folder before it is locked. */
    for (int tries = 0; lock_ < 0; ++tries) {
        folder_ = place.where() + "/" + prefix + "XXXXXX";
        if (!::mkdtemp(folder_.data()) || tries == 100)
            throw Failure("cannot make a folder in " + place.where() + ": " + std::strerror(errno));
        lock_ = lock_folder(folder_, LOCK_EX);
    }
    path_ = folder_ + "/cqueue." + place.name;
    try {
        Place inside = place;
        inside.directory = folder_;
        inside.permissions = 0;
        cq_config config = inside.config(CQ_EXCLUSIVE);
        config.capacity = shape.capacity;
        config.max_message_size = shape.max_message_size;
        config.max_held = shape.max_held;
        config.max_memory = shape.max_memory;
        config.reserve = shape.reserve;
        shape.fate.ask_for(config);
        queue_ = std::make_unique<Queue>(inside, config);
    } catch (...) {
        ::rmdir(folder_.c_str());
        ::close(lock_);
        throw;
    }
}

Draft::~Draft()
{
    queue_.reset();
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
    ::close(lock_);
}

void Draft::fail(const std::string &what, int error) const
{
    throw Failure("\"" + place_.name + "\": " + what + ": " + std::strerror(error));
}

void Draft::give(mode_t mode, uid_t user, gid_t group)
{
    struct stat file;
    if (::stat(path_.c_str(), &file) != 0 ||
        ((file.st_uid != user || file.st_gid != group) && ::chown(path_.c_str(), user, group) != 0))
        fail("the new one cannot be given to the owner and group of the old one", errno);
    set_mode(mode);
}

void Draft::set_mode(mode_t mode)
{
    if (::chmod(path_.c_str(), mode) != 0)
        fail("its permissions cannot be set", errno);
}

void Draft::publish()
{
    const int error = exchange(path_, place_.path(), RENAME_NOREPLACE);
    if (error == EEXIST)
        throw Failure("\"" + place_.name + "\" exists in " + place_.where() + " already: name another, or remove it "
                      "first (cq rm)");
    if (error != 0)
        fail("it cannot be put in its place", error);
}

/* Both files change places in one step. What came out of its place must be the expected one. */
void Draft::publish_instead(const Queue &expected)
{
    if (const int error = exchange(path_, place_.path(), RENAME_EXCHANGE))
        fail("it cannot be put in its place", error);
    struct stat file;
    if (::lstat(path_.c_str(), &file) == 0 && Queue::Identity(file.st_dev, file.st_ino) == expected.identity())
        return;
    exchange(path_, place_.path(), RENAME_EXCHANGE);
    throw Failure("\"" + place_.name + "\" was replaced by another queue meanwhile: nothing was changed");
}

} // namespace tool
