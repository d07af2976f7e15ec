/*
 * cq export: figures of all queues for monitoring, as the text that Prometheus and its kin read: printed, kept in a
 * file, or served.
 */
#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "commands.hpp"
#include "failure.hpp"
#include "files.hpp"
#include "figures.hpp"
#include "http.hpp"
#include "readings.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct ExportOptions {
    Places places;
    std::string listen;
    std::string textfile;
    std::optional<std::int64_t> every;
    bool prometheus = false;
    bool json = false;
};

enum class Dialect { prometheus, openmetrics };

/* Names are of letters, digits and . _ - alone, so a label needs no escape. */
std::string label(const Reading &reading) { return "{queue=\"" + reading.name + "\"}"; }

std::string value_of(const Figure &figure, const Stats &stats)
{
    if (figure.unit != Unit::time && figure.unit != Unit::span)
        return std::to_string(figure.of(stats));
    char text[40];
    std::snprintf(text, sizeof text, "%.3f", static_cast<double>(figure.of(stats)) / 1e9);
    return text;
}

void add_family(std::string &out, Dialect dialect, const std::string &name, bool counter, const std::string &help)
{
    /* Of a counter, the older dialect describes the sample, and the newer one what it is a sample of. */
    const std::string described = name + (counter && dialect == Dialect::prometheus ? "_total" : "");
    out += "# HELP " + described + " " + help + "\n# TYPE " + described + (counter ? " counter\n" : " gauge\n");
}

std::string metrics(const std::vector<Reading> &readings, Dialect dialect)
{
    std::string out;
    add_family(out, dialect, "cqueue_up", false, "1: the queue can be looked at. 0: it cannot.");
    for (const Reading &reading : readings)
        out += "cqueue_up" + label(reading) + (reading.problem.empty() ? " 1\n" : " 0\n");
    for (const Figure &figure : figures()) {
        if (!figure.metric)
            continue;
        const std::string name = std::string("cqueue_") + figure.metric;
        const bool counter = figure.kind == Kind::counter;
        add_family(out, dialect, name, counter, help_of(figure) + ".");
        for (const Reading &reading : readings)
            if (reading.problem.empty())
                out += name + (counter ? "_total" : "") + label(reading) + " " + value_of(figure, reading.stats) + "\n";
    }
    return out + (dialect == Dialect::openmetrics ? "# EOF\n" : "");
}

nlohmann::ordered_json to_json(const std::vector<Reading> &readings)
{
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const Reading &reading : readings) {
        nlohmann::ordered_json object;
        object["name"] = reading.name;
        if (reading.problem.empty())
            add_json(object, reading.stats);
        else
            object["error"] = reading.problem;
        all.push_back(object);
    }
    return all;
}

Response answer(Readings &look, const Request &request)
{
    if (request.method != "GET" && request.method != "HEAD")
        return {405, "text/plain", "Only GET is possible.\n"};
    const std::string path = request.path.substr(0, request.path.find('?'));
    if (path == "/")
        return {200, "text/html", "<!doctype html><title>cq export</title><a href=\"/metrics\">metrics</a>\n"};
    if (path != "/metrics")
        return {404, "text/plain", "There is nothing but /metrics.\n"};
    if (request.accept.find("application/openmetrics-text") != std::string::npos)
        return {200, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                metrics(look.look(), Dialect::openmetrics)};
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics(look.look(), Dialect::prometheus)};
}

int run_export(const ExportOptions &options)
{
    Readings look(options.places.where, options.places.names);
    const Dialect dialect = options.prometheus ? Dialect::prometheus : Dialect::openmetrics;
    if (!options.listen.empty()) {
        const Interrupts interrupts;
        serve(options.listen, interrupts, [&](const Request &request) { return answer(look, request); });
    }
    for (;;) {
        const std::vector<Reading> readings = look.look();
        if (!options.textfile.empty()) {
            /* What collects such files reads the older dialect alone. */
            write_file(options.textfile, metrics(readings, Dialect::prometheus));
        } else {
            std::cout << (options.json ? to_json(readings).dump(2) + "\n" : metrics(readings, dialect));
            finish_output();
        }
        if (!options.every)
            return exit_ok;
        std::this_thread::sleep_for(std::chrono::nanoseconds(*options.every));
    }
}

} // namespace

void add_export(CLI::App &app, Command &chosen)
{
    add_command<ExportOptions>(
        app, chosen, "export", "Figures of all queues for monitoring", run_export,
        [](CLI::App &command, ExportOptions &options) {
            add_places(command, options.places, Trust::by_root)->description("These queues alone (default: all)");
            auto *listen = command.add_option("--listen", options.listen,
                                              "Serve /metrics at this address and port: 127.0.0.1:9717, [::1]:9717; "
                                              "port 0 is any that is free, and is printed");
            listen->type_name("ADDRESS");
            auto *textfile = command.add_option("--textfile", options.textfile,
                                                "Write them into this file, whole or not at all, for the textfile "
                                                "collector of node_exporter");
            textfile->type_name("FILE");
            auto *every = add_parsed(command, "--every", options.every, parse_interval, "DURATION",
                                     "Do it again and again, so often");
            auto *json = command.add_flag("--json", options.json, "Print JSON instead");
            auto *prometheus = command.add_flag("--prometheus", options.prometheus,
                                                "Print the older text format of Prometheus, not OpenMetrics");
            listen->excludes(textfile)->excludes(every)->excludes(json)->excludes(prometheus);
            textfile->excludes(json)->excludes(prometheus);
            json->excludes(prometheus);
            explain(command, {"Without --listen and --textfile it prints them. Served, it speaks OpenMetrics to those\n"
                              "who ask for it, else the older format of Prometheus. It serves everybody who can\n"
                              "reach the address: queue names and figures, never messages.\n\n"
                              "A dashboard for Grafana and alert rules are installed in share/cqueue/monitoring.",
                              "0 printed or written; 2 wrong usage; 3 error. A signal ends it as usual.",
                              {"cq export --listen 127.0.0.1:9717", "cq export --textfile cqueue.prom",
                               "cq export --prometheus | grep cqueue_length_messages"}});
        });
}

} // namespace tool
