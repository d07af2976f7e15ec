#include "usage.hpp"

#include <algorithm>
#include <vector>

#include "commands.hpp"
#include "suggest.hpp"

namespace tool {

namespace {

/* CLI11 names what it did not expect in no useful order, and not what may have been meant. */
std::string unexpected(const CLI::App &app, const CLI::App &command)
{
    std::vector<std::string> words = command.remaining();
    words.erase(std::remove(words.begin(), words.end(), "--"), words.end());
    if (words.empty())
        return "";
    if (words[0].size() > 1 && words[0][0] == '-') {
        std::vector<std::string> options;
        for (const CLI::Option *option : command.get_options())
            for (const std::string &name : option->get_lnames())
                options.push_back("--" + name);
        const std::string option = words[0].substr(0, words[0].find('='));
        return command.get_name() + " has no option " + option + suggestion(option, options);
    }
    if (&command == &app)
        return unknown_command(app, words[0]);
    std::string list;
    for (const std::string &word : words)
        list += " " + word;
    return command.get_name() + " does not know what to do with:" + list;
}

/* An option that takes one value. */
std::string repeated(const CLI::App &command)
{
    for (const CLI::Option *option : command.get_options()) {
        if (option->get_items_expected_max() != 1 || option->get_positional() || option->count() < 2)
            continue;
        return option->get_name() + " was given " +
               (option->count() == 2 ? "twice" : std::to_string(option->count()) + " times") + "; give it once";
    }
    return "";
}

/* "cq get [OPTIONS] NAME..." */
std::string usage_line(const CLI::App &command)
{
    const std::string title = "Usage: ", help = command.help(command.get_parent() ? "cq" : "");
    const std::size_t begin = help.find(title) + title.size();
    return help.substr(begin, help.find('\n', begin) - begin);
}

std::string without_value(const CLI::App &command, const std::string &text)
{
    const std::string name = text.substr(0, text.find(':'));
    const CLI::Option *option = command.get_option_no_throw(name);
    return option ? name + " needs a value: " + name + " " + option->get_type_name() : text;
}

std::string flag_with_value(const CLI::App &command, const std::string &text)
{
    for (const CLI::Option *option : command.get_options())
        if (option->get_items_expected_max() == 0 && option->count() > 0 &&
            text.find(option->get_name()) != std::string::npos)
            return option->get_name() + " takes no value";
    return text;
}

} // namespace

std::string usage_text(const CLI::App &app, const CLI::ParseError &error)
{
    const std::vector<CLI::App *> commands = app.get_subcommands();
    const CLI::App &command = commands.empty() ? app : *commands[0];
    std::string text = unexpected(app, command);
    for (const CLI::App *one : {&app, &command})
        if (text.empty())
            text = repeated(*one);
    if (!text.empty())
        return text;
    text = error.what();
    switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::ArgumentMismatch:
        return without_value(command.get_option_no_throw(text.substr(0, text.find(':'))) ? command : app, text);
    case CLI::ExitCodes::ConversionError:
        return flag_with_value(command, text);
    case CLI::ExitCodes::RequiredError:
        return text + ": " + usage_line(command);
    default:
        return text;
    }
}

} // namespace tool
