#include "participants.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

#include <sys/stat.h>

#include "units.hpp"

namespace tool {

namespace {

/* Called from C, through which no exception may pass: for want of memory it ends the process. */
int collect(const cq_participant *participant, void *context) noexcept
{
    cq_participant copy{};
    std::memcpy(&copy, participant, std::min<std::size_t>(participant->struct_size, sizeof copy));
    static_cast<std::vector<cq_participant> *>(context)->push_back(copy);
    return 0;
}

/* The process of that number may be another one, in another PID namespace: it must have the queue's file mapped. */
bool has_mapped(const std::string &process, const std::string &path)
{
    struct stat file;
    if (::lstat(path.c_str(), &file) != 0)
        return false;
    std::ifstream maps(process + "/maps");
    for (std::string range, access, offset, device, rest; maps >> range >> access >> offset >> device;) {
        unsigned long inode = 0;
        if (maps >> inode && inode == file.st_ino)
            return true;
        std::getline(maps, rest);
    }
    return false;
}

/* SIGSTOP, or a debugger. */
bool is_stopped(const cq_participant &participant, const Place &place)
{
    const std::string process = "/proc/" + std::to_string(participant.pid);
    std::ifstream file(process + "/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t end = line.rfind(')'); /* of the name, which may have anything in it */
    if (end == std::string::npos || end + 2 >= line.size())
        return false;
    return (line[end + 2] == 'T' || line[end + 2] == 't') && has_mapped(process, place.path());
}

void add(std::string &text, const std::string &what) { text += (text.empty() ? ": " : ", ") + what; }

} // namespace

std::vector<cq_participant> participants(const Queue &queue)
{
    std::vector<cq_participant> all;
    queue.must(cq_participants(queue, collect, &all));
    return all;
}

nlohmann::ordered_json to_json(const cq_participant &handle)
{
    nlohmann::ordered_json object;
    object["id"] = handle.id;
    object["pid"] = handle.pid;
    object["alive"] = handle.alive != 0;
    object["held"] = handle.held;
    object["writing"] = handle.writing;
    object["waiting_producers"] = handle.waiting_producers;
    object["waiting_consumers"] = handle.waiting_consumers;
    object["waiting_since"] = handle.waiting_since;
    object["command"] = command_of(handle);
    return object;
}

std::string command_of(const cq_participant &participant)
{
    std::string command(participant.command, ::strnlen(participant.command, sizeof participant.command));
    std::replace_if(command.begin(), command.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return command;
}

std::string name_of(const cq_participant &participant)
{
    const std::string command = command_of(participant);
    return "process " + std::to_string(participant.pid) + (command.empty() ? "" : " (" + command + ")");
}

std::string describe(const cq_participant &participant, const Place &place)
{
    std::string what;
    if (participant.held > 0)
        add(what, "holds " + format_count(participant.held, "message"));
    if (participant.writing > 0)
        add(what, "is writing " + format_count(participant.writing, "message"));
    if (participant.waiting_producers > 0)
        add(what, format_count(participant.waiting_producers, "producer") + " waiting");
    if (participant.waiting_consumers > 0)
        add(what, format_count(participant.waiting_consumers, "consumer") + " waiting");
    if (participant.waiting_since > 0)
        what += " for " + format_span(now() - participant.waiting_since);
    const char *state = !participant.alive ? ", dead" : is_stopped(participant, place) ? ", stopped" : "";
    return name_of(participant) + state + what;
}

} // namespace tool
