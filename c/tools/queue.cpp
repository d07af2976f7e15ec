#include "queue.hpp"

#include <utility>

#include <unistd.h>

#include "failure.hpp"

namespace tool {

cq_config Place::config(std::uint32_t flags) const
{
    cq_config config{};
    config.struct_size = sizeof config;
    config.flags = flags | (trust ? std::uint32_t{CQ_TRUST} : 0);
    config.permissions = permissions;
    config.directory = directory.empty() ? nullptr : directory.c_str();
    return config;
}

std::string default_directory() { return CQ_DIRECTORY; }

std::string Place::path() const { return (directory.empty() ? default_directory() : directory) + "/cqueue." + name; }

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
    if (result == CQ_ENOENT && ::access(config.directory ? config.directory : default_directory().c_str(), F_OK) != 0)
        return "there is no directory " + (config.directory ? config.directory : default_directory());
    if (result == CQ_ENOENT && (config.flags & (CQ_ATTACH | CQ_READ_ONLY)))
        text += "; `cq create " + place.name + "` makes one";
    return text;
}

Queue::Queue(Place place, const cq_config &config) : place_(std::move(place)), config_(config)
{
    config_.directory = place_.directory.empty() ? nullptr : place_.directory.c_str();
    must(cq_open(place_.name.c_str(), &config_, &queue_));
}

int Queue::must(int result, std::size_t size) const
{
    if (result < 0 || result == CQ_STALE)
        throw Failure(explain(result, size));
    return result;
}

std::string Queue::explain(int result, std::size_t size) const { return tool::explain(result, place_, config_, size); }

Stats Queue::stat() const
{
    Stats stats;
    must(cq_stat(queue_, &stats));
    return stats;
}

} // namespace tool
