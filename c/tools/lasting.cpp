#include "lasting.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "failure.hpp"

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

std::string remembered_lasting(const std::string &name)
{
    std::error_code ignored;
    const fs::path folder = registry();
    return folder.empty() ? "" : fs::read_symlink(folder / name, ignored).string();
}

Place to_be_lasting(const Place &asked, const std::string &directory)
{
    Place place = asked;
    place.lasting = directory.empty() ? lasting_in(asked.where(), asked.name) : directory;
    if (!directory.empty())
        return place;
    if (!is_on_disk(asked.where()))
        throw Failure("--durable needs a directory on a disk: name one with --directory; " + asked.where() +
                          (exists(asked.where()) ? " is in memory" : " does not exist"),
                      exit_usage);
    place.directory = CQ_DIRECTORY;
    return place;
}

void remove_lasting(const std::string &name, const std::string &directory)
{
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto &file : fs::directory_iterator(directory, error)) {
        const std::string called = file.path().filename().string();
        if (called == "lock" || called == "restored" || called.rfind("segment.", 0) == 0)
            files.push_back(file.path());
    }
    for (const auto &file : files)
        fs::remove(file, error);
    fs::remove(directory, error);
    if (error)
        throw Failure("\"" + name + "\": cannot remove " + directory + ": " + error.message());
    forget_lasting(name);
}

Place with_lasting(const Place &place)
{
    if (!place.lasting.empty() || exists(place.path()))
        return place;
    Place found = place;
    found.lasting = lasting_in(place.where(), place.name);
    if (!is_lasting(found.lasting) || !is_on_disk(found.lasting)) {
        found.lasting = place.where() != CQ_DIRECTORY ? "" : remembered_lasting(place.name);
        if (found.lasting.empty() || !is_lasting(found.lasting))
            return place;
    }
    found.directory = CQ_DIRECTORY;
    return found;
}

} // namespace tool
