/*
 * Every command has a file of its own, which adds it to the command line.
 */
#ifndef CQ_TOOL_COMMANDS_HPP
#define CQ_TOOL_COMMANDS_HPP

#include "options.hpp"

namespace tool {

void add_create(CLI::App &app, Command &chosen);
void add_put(CLI::App &app, Command &chosen);
void add_get(CLI::App &app, Command &chosen);
void add_peek(CLI::App &app, Command &chosen);
void add_work(CLI::App &app, Command &chosen);
void add_list(CLI::App &app, Command &chosen);
void add_stat(CLI::App &app, Command &chosen);
void add_top(CLI::App &app, Command &chosen);
void add_plot(CLI::App &app, Command &chosen);
void add_check(CLI::App &app, Command &chosen);
void add_export(CLI::App &app, Command &chosen);
void add_doctor(CLI::App &app, Command &chosen);
void add_move(CLI::App &app, Command &chosen);
void add_copy(CLI::App &app, Command &chosen);
void add_purge(CLI::App &app, Command &chosen);
void add_resize(CLI::App &app, Command &chosen);
void add_rename(CLI::App &app, Command &chosen);
void add_backup(CLI::App &app, Command &chosen); /* and restore */
void add_trim(CLI::App &app, Command &chosen);
void add_sync(CLI::App &app, Command &chosen);
void add_remove(CLI::App &app, Command &chosen);
void add_version(CLI::App &app, Command &chosen);

void set_layout(CLI::App &app);                /* of the help, before any command is added */
void add_help(CLI::App &app, Command &chosen); /* after all others */

/* Becomes the program cq-NAME if `cq NAME` is no command of its own. Returns if there is no such program. */
void become_extension(const CLI::App &app, char **argv);

/* What to say about a command that does not exist. */
std::string unknown_command(const CLI::App &app, const std::string &name);

} // namespace tool

#endif
