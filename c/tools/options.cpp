#include "options.hpp"

#include "units.hpp"

namespace tool {

void add_where(CLI::App &app, Place &place, const std::string &permissions)
{
    app.add_option("--directory", place.directory, "Where the queue's file is (default: " + default_directory() + ")")
        ->type_name("DIRECTORY");
    add_parsed(app, "--permissions", place.permissions, parse_permissions, "MODE", permissions);
}

void add_place(CLI::App &app, Place &place, const std::string &permissions)
{
    app.add_option("NAME", place.name, "The queue")->required();
    add_where(app, place, permissions);
}

} // namespace tool
