/*
 * cq help, and how all help is laid out.
 */
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "commands.hpp"
#include "failure.hpp"

namespace tool {

namespace {

constexpr std::size_t name_width = 26;
constexpr std::size_t line_width = 80;

/* CLI11's layout without what it derives from the code: which options exclude each other, and the like. */
class Formatter : public CLI::Formatter {
public:
    Formatter() { column_width(name_width); }

    std::string make_option_opts(const CLI::Option *option) const override
    {
        const std::string type = option->get_type_size() != 0 ? option->get_type_name() : "";
        /* Behind a colon is the name of what checks the value. */
        return type.empty() || option->get_positional() ? "" : " " + type.substr(0, type.find(':'));
    }

    std::string make_option_desc(const CLI::Option *option) const override
    {
        std::istringstream words(option->get_description());
        std::string text;
        std::size_t column = 0;
        for (std::string word; words >> word; column += word.size() + 1) {
            const bool fits = name_width + column + word.size() <= line_width;
            if (!text.empty())
                text += fits ? ' ' : '\n';
            if (!fits)
                column = 0;
            text += word;
        }
        return text;
    }
};

struct HelpOptions {
    const CLI::App *app = nullptr;
    std::string overview; /* made before parsing: afterwards CLI11 only explains the command that was given, help */
    std::string command;
};

int run_help(const HelpOptions &options)
{
    if (options.command.empty()) {
        std::cout << options.overview;
        return exit_ok;
    }
    for (const CLI::App *command : options.app->get_subcommands(nullptr)) {
        if (command->get_name() == options.command) {
            std::cout << command->help("cq");
            return exit_ok;
        }
    }
    throw Failure("there is no command \"" + options.command + "\"; `cq help` lists them", exit_usage);
}

} // namespace

void set_layout(CLI::App &app)
{
    auto formatter = std::make_shared<Formatter>();
    formatter->label("SUBCOMMAND", "COMMAND");
    app.formatter(formatter);
    app.set_help_flag("-h,--help", "Print this and exit");
}

void add_help(CLI::App &app, Command &chosen)
{
    add_command<HelpOptions>(app, chosen, "help", "Explain a command", run_help,
                             [&app](CLI::App &command, HelpOptions &options) {
                                 options.app = &app;
                                 options.overview = app.help();
                                 command.add_option("COMMAND", options.command, "The command to explain");
                             });
}

} // namespace tool
