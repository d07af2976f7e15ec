#include "options.hpp"

#include <unistd.h>

#include "units.hpp"

namespace tool {

void add_where(CLI::App &app, Place &place, Trust trust, const std::string &permissions)
{
    app.add_option("--directory", place.directory, "Where the queue's file is (default: " + default_directory() + ")")
        ->type_name("DIRECTORY");
    add_parsed(app, "--permissions", place.permissions, parse_permissions, "MODE", permissions);
    place.trust = trust == Trust::by_root && ::geteuid() == 0;
    app.add_flag("--trust", place.trust,
                 trust == Trust::by_root ? "Accept a queue of somebody else, and that its group may write it; "
                                           "root always does"
                                         : "Accept a queue of somebody else, and that its group may write it");
}

void add_place(CLI::App &app, Place &place, Trust trust, const std::string &permissions)
{
    app.add_option("NAME", place.name, "The queue")->required();
    add_where(app, place, trust, permissions);
}

} // namespace tool
