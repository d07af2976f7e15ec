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
void add_list(CLI::App &app, Command &chosen);
void add_stat(CLI::App &app, Command &chosen);
void add_doctor(CLI::App &app, Command &chosen);
void add_remove(CLI::App &app, Command &chosen);

void set_layout(CLI::App &app);                  /* of the help, before any command is added */
void add_help(CLI::App &app, Command &chosen);   /* after all others */

} // namespace tool

#endif
