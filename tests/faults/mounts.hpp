/*
 * File systems of a test's own, in a mount namespace that ends with the process that made it: nobody else sees them,
 * and nothing is left of them. Root may do that, and so may others where user namespaces are allowed.
 */
#pragma once

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cqtest {

/* Not the library's fault, and no test is possible. */
class NotAllowed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/* What a child exits with then, and the reason for the test to be skipped. */
inline constexpr int not_allowed = 77;
inline constexpr char why_skipped[] = "neither root nor a user namespace may do this here; run it as root with CAP_SYS_ADMIN";

inline void must(bool worked, const std::string &what)
{
    if (worked)
        return;
    if (errno == EPERM || errno == EACCES || errno == ENODEV || errno == ENOSPC || errno == ENOSYS)
        throw NotAllowed(what);
    throw std::system_error(errno, std::generic_category(), what);
}

/* CLONE_NEW..., for the process itself or (PID, time) for its children. Who is not root is in a user namespace then, and
   root there, or could not make files. */
inline void own_namespace(int kind, const char *what)
{
    if (::unshare(kind) == 0)
        return;
    if (errno == EINVAL) /* a kernel that has none of this kind */
        throw NotAllowed(what);
    const std::string uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
    must(::unshare(CLONE_NEWUSER | kind) == 0, what);
    const auto write = [&](const char *path, const std::string &text) {
        must((std::ofstream(path) << text).flush().good(), what);
    };
    write("/proc/self/setgroups", "deny");
    write("/proc/self/uid_map", "0 " + uid + " 1");
    write("/proc/self/gid_map", "0 " + gid + " 1");
}

/* For a child of the test: body(), with mounts of its own; its exit code. */
template <class Body>
int with_own_mounts(Body &&body)
{
    try {
        own_namespace(CLONE_NEWNS, "a mount namespace");
        must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
        return body();
    } catch (const NotAllowed &what) {
        std::fprintf(stderr, "not allowed here: %s\n", what.what());
        return not_allowed;
    }
}

inline void mount_at(const std::string &directory, const char *type, const std::string &options, unsigned long flags = 0)
{
    must(::mount("cqtest", directory.c_str(), type, flags, options.c_str()) == 0, std::string(type) + " " + options);
}

/* At directory/merged; everything it needs is made in `directory`, which must not be an overlay itself. */
inline std::string mount_overlay(const std::string &directory)
{
    for (const char *name : {"lower", "upper", "work", "merged"})
        if (::mkdir((directory + "/" + name).c_str(), 0700) != 0)
            throw std::system_error(errno, std::generic_category(), "mkdir");
    const std::string merged = directory + "/merged", options = "lowerdir=" + directory + "/lower,upperdir=" +
                                                                directory + "/upper,workdir=" + directory + "/work";
    mount_at(merged, "overlay", options);
    return merged;
}

} // namespace cqtest
