/*
 * Options that several commands share, as CLI11 wants them.
 */
#ifndef CQ_TOOL_OPTIONS_HPP
#define CQ_TOOL_OPTIONS_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "queue.hpp"

namespace tool {

/* The command that the command line names, ready to be run; its result is the exit code. */
using Command = std::function<int()>;

/* Adds a command that is run with the options object that `configure` connects to its command line. */
template <class Options, class Configure>
void add_command(CLI::App &app, Command &chosen, const std::string &name, const std::string &description,
                 int (*run)(const Options &), Configure configure)
{
    CLI::App *command = app.add_subcommand(name, description);
    auto options = std::make_shared<Options>();
    configure(*command, *options);
    command->callback([&chosen, options, run] { chosen = [options, run] { return run(*options); }; });
}

/* An option whose text is turned into a value by a parser of units.hpp. */
template <class Value, class Parser>
CLI::Option *add_parsed(CLI::App &app, const std::string &flag, Value &value, Parser parse, const std::string &type,
                        const std::string &description)
{
    return app
        .add_option_function<std::string>(
            flag,
            [&value, parse, flag](const std::string &text) {
                try {
                    value = parse(text);
                } catch (const std::invalid_argument &error) {
                    throw CLI::ValidationError(flag, error.what());
                }
            },
            description)
        ->type_name(type);
}

inline constexpr const char *accepted_permissions =
    "Accept a queue of somebody else that only such users may write: 0660, or 0640 for looking (default: your own)";

/* Root may look at everybody's queues and drain them; what root puts somewhere must be meant. */
enum class Trust { if_asked, by_root };

/* --directory, --permissions and --trust; with NAME. */
void add_where(CLI::App &app, Place &place, Trust trust, const std::string &permissions = accepted_permissions);
void add_place(CLI::App &app, Place &place, Trust trust, const std::string &permissions = accepted_permissions);

} // namespace tool

#endif
