#include "directory.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "failure.hpp"

namespace tool {

namespace {

/* What the library allows. Any other name is not a queue's, and might hold what a terminal must not be sent. */
bool is_name(const std::string &name)
{
    static constexpr const char *plain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-";
    return !name.empty() && name.size() <= 200 && name.find_first_not_of(plain) == std::string::npos &&
           std::string("._-").find(name[0]) == std::string::npos;
}

} // namespace

std::vector<std::string> names_in(const Place &where)
{
    const std::string &directory = where.where();
    const std::string prefix = "cqueue.";
    std::vector<std::string> names;
    std::error_code error;
    for (auto file = std::filesystem::directory_iterator(directory, error);
         !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
        const std::string file_name = file->path().filename().string();
        std::error_code unknown; /* a durable queue's directory has a name like a queue's */
        if (file_name.rfind(prefix, 0) == 0 && !file->is_directory(unknown) && is_name(file_name.substr(prefix.size())))
            names.push_back(file_name.substr(prefix.size()));
    }
    if (error)
        throw Failure("cannot list the directory " + directory + ": " + error.message());
    std::sort(names.begin(), names.end());
    return names;
}

bool look_at(Entry &entry, const Place &where)
{
    Place place = where;
    place.name = entry.name;
    const cq_config config = place.config(CQ_READ_ONLY);
    cq_queue *queue = nullptr;
    int result = cq_open(place.name.c_str(), &config, &queue);
    if (result == CQ_ENOENT)
        return false;
    if (result == CQ_OK)
        result = cq_stat(queue, &entry.stats);
    if (result < 0)
        entry.problem = explain(result, place, config);
    if (result == CQ_ENAME)
        throw Failure(entry.problem, exit_usage);
    cq_close(queue);
    return true;
}

} // namespace tool
