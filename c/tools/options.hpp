/*
 * Options that several commands share, as CLI11 wants them, and how a command explains itself.
 */
#ifndef CQ_TOOL_OPTIONS_HPP
#define CQ_TOOL_OPTIONS_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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
            [&value, parse, name = flag.substr(flag.find("--"))](const std::string &text) {
                try {
                    value = parse(text);
                } catch (const std::invalid_argument &error) {
                    throw CLI::ValidationError(name, error.what());
                }
            },
            description)
        ->type_name(type);
}

/* What stands below the options in a command's help. The tests run the examples. */
struct Explanation {
    std::string text;
    std::string exits;
    std::vector<std::string> examples;
};

/* Words put into lines of at most that many columns; an empty line stays one. */
std::string wrap(const std::string &text, std::size_t width);

void explain(CLI::App &command, const Explanation &explanation);
const Explanation &explanation_of(const CLI::App &command);

inline constexpr const char *accepted_permissions =
    "Accept a queue of somebody else that only such users may write: 0660, or 0640 for looking (default: your own)";

/* Root may look at everybody's queues and drain them; what root puts somewhere must be meant. */
enum class Trust { if_asked, by_root };

/* Several queues, in one place. */
struct Places {
    Place where;
    std::vector<std::string> names;

    std::vector<Place> all() const;
};

/* --directory and --trust before the command. */
void add_where_of_all(CLI::App &app);

/* --directory, --permissions and --trust; with NAME, or with one or more of them. */
void add_where(CLI::App &app, Place &place, Trust trust, const std::string &permissions = accepted_permissions);
void add_place(CLI::App &app, Place &place, Trust trust, const std::string &permissions = accepted_permissions);
CLI::Option *add_places(CLI::App &app, Places &places, Trust trust,
                        const std::string &permissions = accepted_permissions);

/* Runs it for each queue. If there are several, one that fails is reported and the others follow; the worst exit code
   is returned. */
int for_each(const Places &places, const std::function<int(const Place &)> &run);

} // namespace tool

#endif
