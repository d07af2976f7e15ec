/*
 * cq: queues from the command line. This file puts the commands together and turns whatever ends one into an exit code;
 * what they do is in files of their own.
 */
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "commands.hpp"
#include "failure.hpp"
#include "streams.hpp"

namespace {

/* A descriptor 0, 1 or 2 that is closed would be given to the queue's file, and messages printed into it. */
void occupy_standard_descriptors()
{
    for (int descriptor = 0; descriptor <= 2; ++descriptor) {
        /* Opened the wrong way round, so that using it is the error that it should be. */
        if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY) < 0)
            ::_exit(tool::exit_error);
    }
}

constexpr const char *hint = "`cq --help` and `cq COMMAND --help` say what is possible.";

std::string version()
{
    return std::string("cq ") + CQ_VERSION_STRING + " (library " + cq_version() + ", interface " +
           std::to_string(cq_abi_version()) + ")";
}

int run(int argc, char **argv)
{
    CLI::App app("Queues of messages in shared memory, for the processes of one machine.", "cq");
    tool::set_layout(app);
    tool::Command chosen;
    tool::add_create(app, chosen);
    tool::add_put(app, chosen);
    tool::add_get(app, chosen);
    tool::add_peek(app, chosen);
    tool::add_list(app, chosen);
    tool::add_stat(app, chosen);
    tool::add_doctor(app, chosen);
    tool::add_remove(app, chosen);
    app.set_version_flag("--version", version(), "Print the version and exit");
    /* At most one, so that a queue may be called like a command. */
    app.require_subcommand(0, 1);
    app.footer("Exit codes: 0 done; 1 empty, full or timed out; 2 wrong usage; 3 error.\n"
               "Durations are written 500ms, 2s, 1m or forever.\n\n"
               "Example:\n"
               "  cq create orders\n"
               "  echo hello | cq put orders\n"
               "  cq get orders\n\n"
               "`cq COMMAND --help` explains a command.");
    tool::add_help(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
            return app.exit(error);
        throw tool::Failure(std::string(error.what()) + "\n" + hint, tool::exit_usage);
    }
    if (!chosen)
        throw tool::Failure(std::string("which command?\n") + hint, tool::exit_usage);
    return chosen();
}

} // namespace

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    try {
        return run(argc, argv);
    } catch (const tool::Interrupted &interrupted) {
        tool::end_by_signal(interrupted.signal);
    } catch (const tool::Failure &failure) {
        std::cerr << "cq: " << failure.what() << std::endl;
        return failure.code();
    } catch (const std::exception &error) {
        std::cerr << "cq: " << error.what() << std::endl;
        return tool::exit_error;
    }
}
