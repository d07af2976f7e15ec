#include "queue.hpp"

#include <cstdlib>
#include <cstring>
#include <regex>
#include <utility>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.hpp"
#include "headers.hpp"
#include "lasting.hpp"

namespace tool {

cq_config Place::config(std::uint32_t flags) const
{
    cq_config config{};
    config.struct_size = sizeof config;
    config.flags = flags | (trust || of_all().trust ? std::uint32_t{CQ_TRUST} : 0);
    config.permissions = permissions;
    config.directory = where().c_str();
    if (!lasting.empty() && !(flags & CQ_READ_ONLY)) {
        config.flags |= CQ_DURABLE;
        config.durable_directory = lasting.c_str();
    }
    return config;
}

Place &Place::of_all()
{
    static Place place;
    return place;
}

const std::string &Place::where() const
{
    static const std::string usual = [] {
        const char *variable = std::getenv("CQ_DIRECTORY");
        return std::string(variable && *variable ? variable : CQ_DIRECTORY);
    }();
    return !directory.empty() ? directory : !of_all().directory.empty() ? of_all().directory : usual;
}

std::string Place::path() const { return where() + "/cqueue." + name; }

namespace {

/* The library speaks to programmers; whoever reads this has a command line. */
std::string in_words_of_the_tool(std::string text)
{
    static constexpr const char *words[][2] = {
        {"(CQ_TRUST; cq: --trust)", "(--trust)"},
        {"(cq_participants and cq doctor show which processes have them)", "(cq stat shows which processes have them)"},
        {"ask for what it has (or 0, whatever it has), or unlink it first",
         "leave the option out, change it with cq resize, or remove it first (cq rm)"},
        {"attach to it, or unlink it first", "use it, or remove it first (cq rm)"},
        {"unlink it and create it anew", "remove it with cq rm and create it anew"},
        {"drain the queue with the old one and unlink it", "empty the queue with the old one and remove it"},
        {" (or what was reserved)", ""},
        {"capacity, max_message_size or max_held", "--capacity, --max-message or --max-held"},
        {"max_message_size", "--max-message"},
        {"max_held", "--max-held"},
        {"max_headers", "--max-headers"},
        {"max_deliveries", "--max-deliveries"},
        {"dead_letter", "--dead-letter"},
        {"time_to_live", "--time-to-live"},
        {"CQ_EXCLUSIVE_CONSUMER", "--exclusive-consumer"},
        {"CQ_ENQUEUE_TIMES", "--enqueue-times"},
        {"max_memory", "--max-memory"},
        {"is no region of cqueue", "is no queue"},
        {"unlink it first", "remove it first (cq rm)"},
        {"leave CQ_DURABLE and CQ_SYNC out", "leave --durable out"},
        {"name another durable_directory", "name another --directory"},
        {"name a durable_directory on", "name a --directory on"},
        {"until cq_sync succeeds", "until cq sync succeeds"},
        {"the region", "the queue"},
        {"region ", "queue "},
    };
    for (const auto &word : words)
        for (std::size_t at = 0; (at = text.find(word[0], at)) != std::string::npos; at += std::strlen(word[1]))
            text.replace(at, std::strlen(word[0]), word[1]);
    return text;
}

/* "; user 1000 is alice": the library says numbers, as it asks no name service. */
std::string names_of_numbers(const std::string &text)
{
    static const std::regex number("\\b(user|group) ([0-9]+)\\b");
    std::string names;
    for (std::sregex_iterator found(text.begin(), text.end(), number), end; found != end; ++found) {
        const unsigned long id = std::strtoul(found->str(2).c_str(), nullptr, 10);
        const passwd *user = found->str(1) == "user" ? ::getpwuid(static_cast<uid_t>(id)) : nullptr;
        const group *members = found->str(1) == "group" ? ::getgrgid(static_cast<gid_t>(id)) : nullptr;
        if ((user || members) && names.find(found->str() + " is ") == std::string::npos)
            names += (names.empty() ? "; " : ", ") + found->str() + " is " + (user ? user->pw_name : members->gr_name);
    }
    return names;
}

} // namespace

std::string explain(int result, const Place &place, const cq_config &config, std::size_t size)
{
    if (result == CQ_STALE) /* what a program would do about it is of no use here */
        return "\"" + place.name + "\": the queue was removed" +
               (::access(place.path().c_str(), F_OK) == 0 ? ", and there is another one of that name now" : "");
    std::string text(512, '\0');
    const std::size_t length = cq_explain(result, place.name.c_str(), &config, size, text.data(), text.size());
    if (length >= text.size()) {
        text.resize(length + 1);
        cq_explain(result, place.name.c_str(), &config, size, text.data(), text.size());
    }
    text.resize(length);
    text = in_words_of_the_tool(text);
    if (result == CQ_EACCESS || result == CQ_EOWNER)
        text += names_of_numbers(text);
    if (result == CQ_ENOSPACE)
        text += "; `cq doctor " + place.name + "` says more";
    if (result == CQ_ENOENT && ::access(config.directory, F_OK) != 0)
        return "there is no directory " + std::string(config.directory);
    if (const std::string kept = remembered_lasting(place.name);
        result == CQ_ENOENT && place.where() == CQ_DIRECTORY && !kept.empty() && !is_lasting(kept))
        return "\"" + place.name + "\" is kept in " + kept + ", where it is not to be found now: mount its disk, or "
               "say where it is with --directory; cq rm --force --durable forgets it";
    if (result == CQ_ENOENT && (config.flags & (CQ_ATTACH | CQ_READ_ONLY)))
        text += "; `cq create " + place.name + "` makes one";
    return text;
}

Parcel::Parcel(const Queue &from, const cq_message &message)
    : Parcel({static_cast<const char *>(message.data), message.size}, headers_of(from, message))
{
}

Parcel::Parcel(std::string_view message, std::string_view headers)
    : outgoing_{sizeof outgoing_, 0, message.data(), message.size(), headers.data(), headers.size()}
{
}

Queue::Queue(Place place, const cq_config &config) : place_(with_lasting(place)), config_(config)
{
    config_.directory = place_.where().c_str();
    if (!place_.lasting.empty() && !(config.flags & CQ_EXCLUSIVE)) {
        /* Whoever only looks on cannot make the region anew. This handle can; the region then stays without it. */
        config_ = place_.config(CQ_ATTACH);
        cq_queue *maker = nullptr;
        must(cq_open(place_.name.c_str(), &config_, &maker));
        cq_close(maker);
        config_ = config;
        config_.directory = place_.where().c_str();
        if (!(config.flags & CQ_READ_ONLY)) {
            config_.flags |= CQ_DURABLE;
            config_.durable_directory = place_.lasting.c_str();
        }
    }
    must(cq_open(place_.name.c_str(), &config_, &queue_));
    struct stat file;
    if (::lstat(place_.path().c_str(), &file) == 0)
        identity_ = {file.st_dev, file.st_ino};
}

int Queue::must(int result, std::size_t size) const
{
    if (result < 0 || result == CQ_STALE)
        throw Failure(explain(result, size), result == CQ_EINVAL || result == CQ_ENAME ? exit_usage : exit_error);
    return result;
}

int Queue::must(int result, const Parcel &parcel) const
{
    if (result < 0 && parcel->headers_size > 0) {
        const std::uint64_t most = stat().max_headers;
        if (parcel->headers_size > most)
            throw Failure("\"" + place_.name + "\": " + headers_refused(most, parcel->headers_size));
    }
    return must(result, parcel->size);
}

std::string Queue::explain(int result, std::size_t size) const { return tool::explain(result, place_, config_, size); }

Stats Queue::stat() const
{
    Stats stats;
    must(cq_stat(queue_, &stats));
    return stats;
}

std::string without_name(const std::string &problem, const std::string &name)
{
    const std::string prefix = "\"" + name + "\": ";
    return problem.compare(0, prefix.size(), prefix) == 0 ? problem.substr(prefix.size()) : problem;
}

void refuse_not_durable(const Queue &queue, const std::string &what)
{
    if (!queue.stat().durable)
        throw Failure("\"" + queue.place().name + "\" is in memory alone: " + what +
                          " is for queues of cq create --durable", exit_usage);
}

void refuse_same(const Queue &from, const Queue &to)
{
    if (from.identity() == to.identity())
        throw Failure("\"" + from.place().name + "\" is named twice: name another queue", exit_usage);
}

} // namespace tool
