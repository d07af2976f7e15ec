/*
 * cq help, and how all help is laid out.
 */
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "streams.hpp"
#include "suggest.hpp"

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
        if (option->get_positional())
            return option->get_items_expected_max() > 1 ? "..." : "";
        /* Behind a colon is the name of what checks the value. */
        return type.empty() ? "" : " " + type.substr(0, type.find(':'));
    }

    std::string make_option_desc(const CLI::Option *option) const override
    {
        return wrap(option->get_description(), line_width - name_width);
    }

    /* Without a trace of arguments that are there only to be refused. */
    std::string make_help(const CLI::App *app, std::string name, CLI::AppFormatMode mode) const override
    {
        std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
        for (const auto &[trace, instead] : {std::pair(" [...]", ""), std::pair("\n\n\n", "\n\n")})
            if (const std::size_t at = help.find(trace); at != std::string::npos)
                help.replace(at, std::strlen(trace), instead);
        return help;
    }
};

const CLI::App &named(const CLI::App &app, const std::string &name)
{
    for (const CLI::App *command : app.get_subcommands(nullptr))
        if (command->get_name() == name)
            return *command;
    throw Failure(unknown_command(app, name), exit_usage);
}

struct HelpOptions {
    const CLI::App *app = nullptr;
    std::string overview; /* made before parsing: afterwards CLI11 only explains the command that was given, help */
    std::string command;
    bool json = false;
};

nlohmann::ordered_json to_json(const CLI::Option &option)
{
    nlohmann::ordered_json object;
    object["names"] = nlohmann::ordered_json::array();
    if (option.get_positional())
        object["names"].push_back(option.get_name());
    for (const std::string &name : option.get_snames())
        object["names"].push_back("-" + name);
    for (const std::string &name : option.get_lnames())
        object["names"].push_back("--" + name);
    const std::string type = option.get_type_size() != 0 && !option.get_positional() ? option.get_type_name() : "";
    if (!type.empty())
        object["type"] = type;
    object["required"] = option.get_required();
    object["several"] = option.get_positional() && option.get_items_expected_max() > 1;
    object["description"] = option.get_description();
    return object;
}

/* All that there is to say about the command; man pages and completions are made from it. */
nlohmann::ordered_json to_json(const CLI::App &command)
{
    const Explanation &explanation = explanation_of(command);
    nlohmann::ordered_json object;
    object["name"] = command.get_name();
    object["description"] = command.get_description();
    object["arguments"] = nlohmann::ordered_json::array();
    object["options"] = nlohmann::ordered_json::array();
    for (const CLI::Option *option : command.get_options())
        if (!option->get_group().empty())
            object[option->get_positional() ? "arguments" : "options"].push_back(to_json(*option));
    object["text"] = explanation.text;
    object["exits"] = explanation.exits;
    object["examples"] = explanation.examples;
    return object;
}

int run_help(const HelpOptions &options)
{
    if (options.json) {
        nlohmann::ordered_json all = nlohmann::ordered_json::array({to_json(*options.app)});
        for (const CLI::App *command : options.app->get_subcommands(nullptr))
            all.push_back(to_json(*command));
        std::cout << all.dump(2) << '\n';
    } else if (options.command.empty()) {
        std::cout << options.overview;
    } else {
        std::cout << named(*options.app, options.command).help("cq");
    }
    finish_output();
    return exit_ok;
}

} // namespace

void set_layout(CLI::App &app)
{
    auto formatter = std::make_shared<Formatter>();
    formatter->label("SUBCOMMAND", "COMMAND");
    app.formatter(formatter);
    app.set_help_flag("-h,--help", "Print this and exit");
}

std::string unknown_command(const CLI::App &app, const std::string &name)
{
    std::vector<std::string> names;
    for (const CLI::App *command : app.get_subcommands(nullptr))
        names.push_back(command->get_name());
    const std::string meant = suggestion(name, names);
    return "there is no command \"" + name + "\"" + (meant.empty() ? "; `cq help` lists them" : meant);
}

void add_help(CLI::App &app, Command &chosen)
{
    add_command<HelpOptions>(
        app, chosen, "help", "Explain a command", run_help, [&app](CLI::App &command, HelpOptions &options) {
            options.app = &app;
            command.add_option("COMMAND", options.command, "The command to explain");
            command.add_flag("--json", options.json, "Print all commands and their options as JSON");
            explain(command, {"The same as `cq COMMAND --help`.", "0 printed; 2 there is no such command.",
                              {"cq help put", "cq help --json | jq -r '.[].name'"}});
            options.overview = app.help();
        });
}

} // namespace tool
