/*
 * Commands that are programs of their own: `cq bridge` runs cq-bridge, found beside cq or in PATH.
 */
#include <cerrno>
#include <cstring>
#include <string>

#include <unistd.h>

#include "commands.hpp"
#include "failure.hpp"

namespace tool {

namespace {

/* The folder that this program is in, with a / behind it; "" if the system does not tell. */
std::string own_folder()
{
    std::string path(4096, 0);
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    path.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return path.substr(0, path.rfind('/') + 1);
}

} // namespace

void become_extension(const CLI::App &app, char **argv)
{
    const std::string name = argv[0] != nullptr && argv[1] != nullptr ? argv[1] : "";
    if (name.empty() || name[0] == '-' || name.find('/') != std::string::npos)
        return;
    for (const CLI::App *command : app.get_subcommands(nullptr))
        if (command->get_name() == name)
            return;
    const std::string program = "cq-" + name;
    const std::string folder = own_folder();
    if (!folder.empty())
        ::execv((folder + program).c_str(), argv + 1);
    ::execvp(program.c_str(), argv + 1);
    if (errno != ENOENT && errno != ENOTDIR)
        throw Failure(program + ": " + std::strerror(errno), exit_error);
    if (name == "bridge")
        throw Failure("cq bridge is a program of its own, cq-bridge, and there is none beside cq or in PATH: "
                      "install it with "
                      "`go install cqueue.io/go/bridge/cmd/cq-bridge@latest`",
                      exit_usage);
}

} // namespace tool
