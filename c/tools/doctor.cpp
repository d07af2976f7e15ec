/*
 * cq doctor: are queues in order? It prints what examine.cpp finds, and says at the end what will give out first.
 */
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "directory.hpp"
#include "draft.hpp"
#include "examine.hpp"
#include "failure.hpp"
#include "queue.hpp"
#include "segments.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

struct DoctorOptions {
    Places places;
    std::int64_t watch = 500'000'000;
    bool json = false;
};

const char *word_of(Finding::Kind kind)
{
    switch (kind) {
    case Finding::ok: return "ok";
    case Finding::repaired: return "repaired";
    case Finding::note: return "note";
    case Finding::problem: return "PROBLEM";
    }
    return "";
}

/* Prints what is found as it is found: the last line before a failure says how far things were in order. */
class Report {
public:
    Report(std::string name, bool json) : name_(std::move(name)), json_(json) {}

    void add(Finding::Kind kind, const std::string &text)
    {
        healthy_ = healthy_ && kind != Finding::problem;
        if (json_) {
            findings_.push_back({{"kind", kind == Finding::problem ? "problem" : word_of(kind)}, {"text", text}});
        } else {
            const std::string word = word_of(kind);
            std::cout << word << std::string(10 - word.size(), ' ') << text << '\n';
        }
    }

    int end(const std::string &what, const std::string &but = "")
    {
        if (json_)
            std::cout << nlohmann::ordered_json{{"name", name_}, {"healthy", healthy_}, {"findings", findings_}}.dump()
                      << '\n';
        else
            std::cout << name_ << what << (healthy_ ? " healthy" : " NOT healthy") << but << '\n';
        return healthy_ ? exit_ok : exit_error;
    }

private:
    std::string name_;
    bool json_;
    bool healthy_ = true;
    nlohmann::ordered_json findings_ = nlohmann::ordered_json::array();
};

/* All queues together, and what is no queue but was one, or was to become one. */
int examine_all(const DoctorOptions &options, const std::vector<Place> &places, std::uint64_t sick)
{
    Report report(options.places.where.where(), options.json);
    const auto add = [&](Finding::Kind kind, const std::string &text) { report.add(kind, text); };
    if (!options.json)
        std::cout << '\n';
    if (const unsigned drafts = remove_abandoned_drafts(options.places.where.where()))
        add(Finding::repaired, "removed " + format_count(drafts, "unfinished queue") +
                                   " of a resize or restore that was killed");
    examine_together(places, add);
    return report.end(" is", sick == 0 ? "" : ", but " + std::to_string(sick) + " of " +
                                                  format_count(places.size(), "queue") +
                                                  (sick == 1 ? " is NOT" : " are NOT"));
}

/* A durable queue's directory, whether or not its queue is open: nothing is changed. */
int examine_directory(const std::string &directory, bool json)
{
    Report report(directory, json);
    examine_segments(directory, [&](Finding::Kind kind, const std::string &text) { report.add(kind, text); });
    return report.end(" is");
}

int run_doctor(const DoctorOptions &options)
{
    Places places = options.places;
    if (places.names.size() == 1 && places.names[0].find('/') != std::string::npos) {
        const int code = examine_directory(places.names[0], options.json);
        finish_output();
        return code;
    }
    const bool all = places.names.empty();
    if (all)
        places.names = names_in(places.where);
    bool first = true;
    int code = exit_ok;
    std::uint64_t sick = 0;
    for (const Place &place : places.all()) {
        if (!first && !options.json)
            std::cout << '\n';
        first = false;
        Report report(place.name, options.json);
        examine(place, options.watch, [&](Finding::Kind kind, const std::string &text) { report.add(kind, text); });
        const int found = report.end(" is");
        sick += found != exit_ok;
        code = std::max(code, found);
    }
    if (all)
        code = std::max(code, examine_all(options, places.all(), sick));
    finish_output();
    return code;
}

} // namespace

void add_doctor(CLI::App &app, Command &chosen)
{
    add_command<DoctorOptions>(
        app, chosen, "doctor", "Check queues, and clean up after dead processes", run_doctor,
        [](CLI::App &command, DoctorOptions &options) {
            add_places(command, options.places, Trust::by_root)
                ->description("These queues (default: all), or the directory of a durable one, which has a / in it");
            add_parsed(command, "--watch", options.watch, parse_interval, "DURATION",
                       "How long to look on where somebody holds or waits for something (default: 500ms)");
            command.add_flag("--json", options.json, "Print a line of JSON for each queue");
            explain(command, {"It looks at the file, the file system, the contents, at who has the queue open and\n"
                              "holds what without moving, and says what will give out first. Without a name it\n"
                              "looks at all queues, at files of other versions, and at those that nobody has open.\n"
                              "Of the directory of a durable queue it reads all files, opens no queue and changes\n"
                              "nothing, and says what would be recovered.\n\n"
                              "Nobody needs to run this: whoever opens a queue or waits at it cleans up too.",
                              "0 healthy, or repaired; 2 wrong usage; 3 there is a problem.",
                              {"cq doctor orders", "cq doctor /var/lib/ledger/cqueue.ledger.d",
                               "cq doctor --json | jq 'select(.healthy | not)'"}});
        });
}

} // namespace tool
