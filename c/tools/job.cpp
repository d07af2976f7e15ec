#include "job.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failure.hpp"

namespace tool {

namespace {

constexpr std::size_t longest_argument = 131071; /* the system's limit for one */

/* A file in memory, so that the command may be slow to read, or never read. */
int input_of(const cq_message &message)
{
    const int file = ::memfd_create("message", MFD_CLOEXEC);
    const char *bytes = static_cast<const char *>(message.data);
    std::size_t written = 0;
    while (file >= 0 && written < message.size) {
        const ssize_t put = ::write(file, bytes + written, message.size - written);
        if (put < 0 && errno != EINTR)
            break;
        written += put > 0 ? static_cast<std::size_t>(put) : 0;
    }
    if (file < 0 || written < message.size || ::lseek(file, 0, SEEK_SET) != 0)
        throw Failure(std::string("cannot pass the message on: ") + std::strerror(errno));
    return file;
}

/* With {} replaced; false if no argument had it. */
bool substitute(std::vector<std::string> &arguments, std::string_view message)
{
    bool found = false;
    for (std::string &argument : arguments) {
        for (std::size_t at = 0; (at = argument.find("{}", at)) != std::string::npos; at += message.size()) {
            argument.replace(at, 2, message);
            found = true;
        }
    }
    return found;
}

} // namespace

void refuse_missing(const std::string &program)
{
    if (program.find("{}") != std::string::npos)
        return;
    const char *path = std::getenv("PATH");
    std::istringstream folders(program.find('/') != std::string::npos ? "" : path ? path : "/bin:/usr/bin");
    int error = ENOENT;
    std::string folder;
    do {
        std::getline(folders, folder, ':');
        if (::access((folder.empty() ? program : folder + "/" + program).c_str(), X_OK) == 0)
            return;
        error = errno == EACCES ? EACCES : error;
    } while (folders);
    throw Failure("cannot run " + program + ": " + std::strerror(error));
}

Job::Job(const std::vector<std::string> &command, const std::string &queue, const cq_message &message,
         const std::string &headers)
{
    const std::string_view payload(static_cast<const char *>(message.data), message.size);
    std::vector<std::string> words = command;
    const bool in_arguments = substitute(words, payload);
    if (in_arguments && (payload.find('\0') != std::string_view::npos || payload.size() > longest_argument)) {
        std::cerr << "cq: message " << message.position
                  << (payload.size() > longest_argument ? " is too long" : " has a NUL")
                  << ", so it cannot be an argument: leave {} out, and the command reads it from standard input"
                  << std::endl;
        well_ = false;
        return;
    }
    std::vector<char *> arguments;
    for (std::string &word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    const int input = in_arguments ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : input_of(message);
    int report[2];
    if (input < 0 || ::pipe2(report, O_CLOEXEC) != 0)
        throw Failure(std::string("cannot start a command: ") + std::strerror(errno));
    const std::string position = std::to_string(message.position), deliveries = std::to_string(message.deliveries);
    const pid_t parent = ::getpid();
    process_ = ::fork();
    if (process_ == 0) {
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent)
            ::_exit(127);
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::signal(SIGPIPE, SIG_DFL);
        ::setenv("CQ_QUEUE", queue.c_str(), 1);
        ::setenv("CQ_POSITION", position.c_str(), 1);
        ::setenv("CQ_DELIVERIES", deliveries.c_str(), 1);
        if (headers.size() < longest_argument - sizeof "CQ_HEADERS=")
            ::setenv("CQ_HEADERS", headers.c_str(), 1);
        ::dup2(input, STDIN_FILENO);
        ::execvp(arguments[0], arguments.data());
        const int error = errno;
        if (::write(report[1], &error, sizeof error) < 0)
            ::_exit(126);
        ::_exit(127);
    }
    const int fork_error = errno;
    ::close(input);
    ::close(report[1]);
    int error = 0;
    const bool told = process_ > 0 && ::read(report[0], &error, sizeof error) == static_cast<ssize_t>(sizeof error);
    ::close(report[0]);
    if (process_ < 0)
        throw Failure(std::string("cannot start a command: ") + std::strerror(fork_error));
    if (told && error != E2BIG) {
        ::waitpid(process_, nullptr, 0);
        throw Failure("cannot run " + command[0] + ": " + std::strerror(error));
    }
    ::setpgid(process_, process_);
}

Job::~Job()
{
    if (process_ > 0 && !well_) {
        kill(true);
        ::waitpid(process_, nullptr, 0);
    }
}

std::optional<bool> Job::ended()
{
    int status;
    if (!well_ && ::waitpid(process_, &status, WNOHANG) == process_)
        well_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return well_;
}

void Job::kill(bool at_once)
{
    if (process_ > 0 && !well_)
        ::kill(-process_, at_once ? SIGKILL : SIGTERM);
}

} // namespace tool
