#include "lasting.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace tool {

namespace fs = std::filesystem;

namespace {

/* One symbolic link for each queue: the system's for root, else the user's. */
fs::path registry()
{
    if (::geteuid() == 0)
        return "/var/lib/cqueue";
    if (const char *state = std::getenv("XDG_STATE_HOME"); state && *state == '/')
        return fs::path(state) / "cqueue";
    const char *home = std::getenv("HOME");
    return home && *home == '/' ? fs::path(home) / ".local/state/cqueue" : fs::path();
}

bool exists(const std::string &path)
{
    struct stat file;
    return ::lstat(path.c_str(), &file) == 0;
}

} // namespace

std::string lasting_in(const std::string &directory, const std::string &name)
{
    return directory + "/cqueue." + name + ".d";
}

bool is_lasting(const std::string &directory) { return exists(directory + "/lock"); }

bool is_on_disk(const std::string &directory)
{
    struct statfs system;
    return ::statfs(directory.c_str(), &system) == 0 && system.f_type != 0x01021994 /* tmpfs */ &&
           static_cast<unsigned long>(system.f_type) != 0x858458f6UL /* ramfs */;
}

void remember_lasting(const std::string &name, const std::string &directory)
{
    const fs::path folder = registry();
    std::error_code ignored;
    if (folder.empty())
        return;
    fs::create_directories(folder, ignored);
    fs::remove(folder / name, ignored);
    fs::create_symlink(fs::absolute(directory, ignored), folder / name, ignored);
}

void forget_lasting(const std::string &name)
{
    std::error_code ignored;
    if (const fs::path folder = registry(); !folder.empty() && fs::is_symlink(folder / name, ignored))
        fs::remove(folder / name, ignored);
}

Place with_lasting(const Place &place)
{
    if (!place.lasting.empty() || exists(place.path()))
        return place;
    Place found = place;
    found.lasting = lasting_in(place.where(), place.name);
    if (!is_lasting(found.lasting) || !is_on_disk(found.lasting)) {
        std::error_code error;
        const fs::path folder = registry(), link = folder / place.name;
        found.lasting = folder.empty() || place.where() != CQ_DIRECTORY ? "" : fs::read_symlink(link, error).string();
        if (found.lasting.empty() || error || !is_lasting(found.lasting))
            return place;
    }
    found.directory = CQ_DIRECTORY;
    return found;
}

} // namespace tool
