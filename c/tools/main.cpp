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
#include "usage.hpp"
#include "version.hpp"

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

int run(int argc, char **argv)
{
    CLI::App app("Queues of messages in shared memory, for the processes of one machine.", "cq");
    tool::set_layout(app);
    tool::Command chosen;
    tool::add_where_of_all(app);
    for (const auto add :
         {tool::add_create, tool::add_put, tool::add_get, tool::add_peek, tool::add_work, tool::add_list,
          tool::add_stat, tool::add_top, tool::add_plot, tool::add_check, tool::add_export, tool::add_doctor,
          tool::add_move, tool::add_copy, tool::add_purge, tool::add_trim, tool::add_sync, tool::add_resize,
          tool::add_rename,
          tool::add_backup, tool::add_remove, tool::add_version})
        add(app, chosen);
    app.set_version_flag("--version", tool::version(), "Print the version and exit");
    /* At most one, so that a queue may be called like a command. */
    app.require_subcommand(0, 1);
    tool::explain(app, {"Durations are written 500ms, 2s, 1m or forever; a number alone is seconds.\n"
                        "Numbers of messages may be written 100k, 1M or 1e6, sizes 64K, 1M or 1G.\n"
                        "`cq COMMAND --help` explains a command.\n"
                        "`cq NAME` runs the program cq-NAME if there is one, such as cq-bridge.",
                        "0 done; 1 empty, full or timed out; 2 wrong usage; 3 error.",
                        {"cq create greetings", "echo hello | cq put orders", "cq get orders"}});
    tool::add_help(app, chosen);
    tool::become_extension(app, argv);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
            return app.exit(error);
        throw tool::Failure(tool::usage_text(app, error) + "\n" + hint, tool::exit_usage);
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
