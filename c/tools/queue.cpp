#include "queue.hpp"

#include <utility>

#include <unistd.h>

#include "failure.hpp"

namespace tool {

cq_config Place::config(std::uint32_t flags) const
{
    cq_config config{};
    config.struct_size = sizeof config;
    config.flags = flags;
    config.permissions = permissions;
    config.directory = directory.empty() ? nullptr : directory.c_str();
    return config;
}

std::string default_directory() { return "/dev/shm"; }

std::string Place::path() const { return (directory.empty() ? default_directory() : directory) + "/cqueue." + name; }

std::string explain(int result, const Place &place, const cq_config &config, std::size_t size)
{
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

Queue::Queue(Place place, std::uint32_t flags, std::uint64_t capacity, std::uint64_t max_message_size)
    : place_(std::move(place)), config_(place_.config(flags))
{
    config_.capacity = capacity;
    config_.max_message_size = max_message_size;
    must(cq_open(place_.name.c_str(), &config_, &queue_));
}

int Queue::must(int result, std::size_t size) const
{
    if (result < 0)
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
