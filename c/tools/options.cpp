#include "options.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>

#include <unistd.h>

#include "failure.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

std::map<std::string, Explanation> &explanations()
{
    static std::map<std::string, Explanation> all; /* by the command's name */
    return all;
}

std::string trust_text(Trust trust)
{
    return std::string("Accept a queue of somebody else, and that its group may write it") +
           (trust == Trust::by_root ? "; root always does" : "");
}

} // namespace

std::string wrap(const std::string &text, std::size_t width)
{
    std::string out;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find("\n\n", begin), text.size());
        std::istringstream words(text.substr(begin, end - begin));
        std::size_t column = 0;
        for (std::string word; words >> word; column += word.size() + 1) {
            const bool fits = column + word.size() <= width;
            if (column > 0)
                out += fits ? ' ' : '\n';
            if (!fits)
                column = 0;
            out += word;
        }
        out += end < text.size() ? "\n\n" : "";
        begin = end + 2;
    }
    return out;
}

void explain(CLI::App &command, const Explanation &explanation)
{
    std::string footer = wrap(explanation.text, 80) + "\n\n" + wrap("Exit codes: " + explanation.exits, 80) +
                         (explanation.examples.size() == 1 ? "\n\nExample:" : "\n\nExamples:");
    for (const std::string &example : explanation.examples)
        footer += "\n  " + example;
    command.footer(footer);
    explanations()[command.get_name()] = explanation;
}

const Explanation &explanation_of(const CLI::App &command) { return explanations()[command.get_name()]; }

std::vector<Place> Places::all() const
{
    std::vector<Place> places(names.size(), where);
    for (std::size_t i = 0; i < names.size(); ++i)
        places[i].name = names[i];
    return places;
}

void add_where_of_all(CLI::App &app)
{
    Place &place = Place::of_all();
    app.add_option("--directory", place.directory, "Where queues are, for any command (default: $CQ_DIRECTORY, or " +
                                                       std::string(CQ_DIRECTORY) + ")")
        ->type_name("DIRECTORY");
    app.add_flag("--trust", place.trust, trust_text(Trust::if_asked));
}

void add_where(CLI::App &app, Place &place, Trust trust, const std::string &permissions)
{
    app.add_option("--directory", place.directory,
                   "Where the queue's file is (default: $CQ_DIRECTORY, or " + std::string(CQ_DIRECTORY) + ")")
        ->type_name("DIRECTORY");
    add_parsed(app, "--permissions", place.permissions, parse_permissions, "MODE", permissions);
    place.trust = trust == Trust::by_root && ::geteuid() == 0;
    app.add_flag("--trust", place.trust, trust_text(trust));
}

void add_place(CLI::App &app, Place &place, Trust trust, const std::string &permissions)
{
    app.add_option("NAME", place.name, "The queue")->required();
    add_where(app, place, trust, permissions);
}

CLI::Option *add_places(CLI::App &app, Places &places, Trust trust, const std::string &permissions)
{
    CLI::Option *names = app.add_option("NAME", places.names, "The queue, or several");
    add_where(app, places.where, trust, permissions);
    return names;
}

int for_each(const Places &places, const std::function<int(const Place &)> &run)
{
    const std::vector<Place> all = places.all();
    if (all.size() == 1)
        return run(all[0]);
    int worst = exit_ok;
    for (const Place &place : all) {
        try {
            worst = std::max(worst, run(place));
        } catch (const Failure &failure) {
            finish_output();
            std::cerr << "cq: " << failure.what() << std::endl;
            worst = std::max<int>(worst, failure.code());
        }
    }
    return worst;
}

} // namespace tool
