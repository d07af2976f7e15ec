/*
 * cq version: of the command and of the library in it.
 */
#include "version.hpp"

#include <iostream>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "streams.hpp"

namespace tool {

namespace {

struct VersionOptions {
    bool json = false;
};

int run_version(const VersionOptions &options)
{
    if (options.json)
        std::cout << nlohmann::ordered_json{{"cq", CQ_VERSION_STRING}, {"library", cq_version()},
                                            {"interface", cq_abi_version()}}
                         .dump()
                  << '\n';
    else
        std::cout << version() << '\n';
    finish_output();
    return exit_ok;
}

} // namespace

std::string version()
{
    return std::string("cq ") + CQ_VERSION_STRING + " (library " + cq_version() + ", interface " +
           std::to_string(cq_abi_version()) + ")";
}

void add_version(CLI::App &app, Command &chosen)
{
    add_command<VersionOptions>(app, chosen, "version", "Print the version", run_version,
                                [](CLI::App &command, VersionOptions &options) {
                                    command.add_flag("--json", options.json, "Print it as a line of JSON");
                                    explain(command, {"The same as `cq --version`.", "0 printed; 2 wrong usage.",
                                                      {"cq version", "cq version --json | jq -r .cq"}});
                                });
}

} // namespace tool
