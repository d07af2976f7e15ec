/*
 * cq work: a command for each message. A message leaves the queue only when its command has ended well; whatever else
 * happens to the command or to this process, it is delivered again, or goes to the dead-letter queue.
 */
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "headers.hpp"
#include "job.hpp"
#include "queue.hpp"
#include "streams.hpp"
#include "units.hpp"

namespace tool {

namespace {

using Clock = std::chrono::steady_clock;

struct WorkOptions {
    Place place;
    std::vector<std::string> command;
    std::uint64_t jobs = 1;
    std::optional<std::uint64_t> count;
    std::optional<std::uint64_t> max_deliveries;
    std::string dead_letter;
    std::optional<std::int64_t> timeout;
    std::int64_t retry_after = 100'000'000;
    std::int64_t wait = forever;
    bool all = false;
    bool json = false;
};

/* A taken message: at first its command runs, then perhaps it waits to be given back. */
struct Task {
    Message message;
    std::optional<Job> job;
    Clock::time_point deadline = Clock::time_point::max(); /* of the command; or when it is given back */
    bool ended = false;
    bool terminated = false;
};

class Worker {
public:
    Worker(const WorkOptions &options, const Queue &queue, const Queue *dead, const Interrupts &interrupts)
        : options_(options), queue_(queue), dead_(dead), interrupts_(interrupts),
          left_(options.count.value_or(std::numeric_limits<std::uint64_t>::max()))
    {
        queue_.must(cq_fd(queue_, &ready_));
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        children_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (children_ < 0)
            throw Failure(std::string("cannot watch for signals: ") + std::strerror(errno));
    }

    ~Worker()
    {
        end_commands();
        for (Task &task : tasks_)
            if (task.message.data)
                cq_return(queue_, &task.message);
        ::close(children_);
    }
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    void work()
    {
        idle_since_ = Clock::now();
        while (!finished()) {
            interrupts_.check();
            start_some();
            sleep();
            for (auto task = tasks_.begin(); task != tasks_.end();)
                task = look_at(*task) ? std::next(task) : tasks_.erase(task);
        }
    }

    std::uint64_t done = 0, failed = 0, buried = 0;

private:
    /* A message whose command failed is tried again later, by anybody; --all tries each once, so that it ends. */
    bool keeps_failed() const { return options_.all && !dead_; }
    std::size_t running() const
    {
        return static_cast<std::size_t>(
            std::count_if(tasks_.begin(), tasks_.end(), [](const Task &task) { return !task.ended; }));
    }
    bool room() const { return left_ > 0 && running() < options_.jobs; }

    bool finished()
    {
        if (running() > 0)
            return false;
        if (left_ == 0)
            return true;
        const bool pending = std::any_of(tasks_.begin(), tasks_.end(), [&](const Task &) { return !keeps_failed(); });
        if (empty_ && options_.all && !pending)
            return true;
        return empty_ && !pending && options_.wait != forever &&
               Clock::now() - idle_since_ >= std::chrono::nanoseconds(options_.wait);
    }

    void start_some()
    {
        if (Clock::now() >= look_for_queue_) {
            if (running() == 0 && queue_.stat().unlinked)
                throw Failure(queue_.explain(CQ_STALE));
            look_for_queue_ = Clock::now() + std::chrono::milliseconds(500);
        }
        while (room()) {
            tasks_.emplace_back();
            const int result = cq_take(queue_, &tasks_.back().message);
            empty_ = result == CQ_EMPTY;
            if (result != CQ_OK) {
                tasks_.pop_back();
                queue_.must(result);
                return;
            }
            --left_;
            start(tasks_.back());
        }
    }

    void start(Task &task)
    {
        if (dead_ && task.message.deliveries > most_deliveries()) {
            /* Whoever had it the last time died of it. */
            task.ended = true;
            bury(task);
            return;
        }
        const std::string headers = headers_to_json(headers_of(queue_, task.message)).dump();
        task.job.emplace(options_.command, queue_.place().name, task.message, headers);
        if (options_.timeout)
            task.deadline = Clock::now() + std::chrono::nanoseconds(*options_.timeout);
    }

    std::uint64_t most_deliveries() const { return options_.max_deliveries.value_or(5); }

    /* Until a command ends, a message comes, a signal comes or a time is over. */
    void sleep()
    {
        std::vector<pollfd> wanted{{interrupts_.descriptor(), POLLIN, 0}, {children_, POLLIN, 0}};
        if (room())
            wanted.push_back({ready_, POLLIN, 0});
        auto until = Clock::now() + std::chrono::milliseconds(500); /* to look for the queue */
        if (empty_ && options_.wait != forever)
            until = std::min(until, idle_since_ + std::chrono::nanoseconds(options_.wait));
        for (Task &task : tasks_) {
            if (!task.ended || !keeps_failed())
                until = std::min(until, task.deadline);
            if (!task.message.data || (!task.ended && task.job->ended()))
                until = Clock::now();
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        ::poll(wanted.data(), wanted.size(), static_cast<int>(std::max<std::int64_t>(left + 1, 0)));
        signalfd_siginfo info;
        while (::read(children_, &info, sizeof info) > 0)
            ;
    }

    /* False: there is nothing more to do for it. */
    bool look_at(Task &task)
    {
        if (!task.message.data)
            return false;
        if (task.ended) {
            if (keeps_failed() || Clock::now() < task.deadline)
                return true;
            if (dead_ && task.message.deliveries >= most_deliveries())
                return !bury(task);
            give_back(task);
            return false;
        }
        if (const std::optional<bool> well = task.job->ended())
            return *well ? release(task) : fail(task);
        if (Clock::now() >= task.deadline) {
            task.job->kill(task.terminated);
            task.deadline = Clock::now() + std::chrono::seconds(2);
            task.terminated = true;
        }
        return true;
    }

    bool release(Task &task)
    {
        idle_since_ = Clock::now();
        ++done;
        const int result = cq_release(queue_, &task.message);
        task.message.data = nullptr;
        queue_.must(result);
        return false;
    }

    bool fail(Task &task)
    {
        idle_since_ = Clock::now();
        ++failed;
        task.ended = true;
        const bool last = dead_ && task.message.deliveries >= most_deliveries();
        if (last)
            return !bury(task);
        task.deadline = Clock::now() + std::chrono::nanoseconds(left_ == 0 ? 0 : options_.retry_after);
        return true;
    }

    void give_back(Task &task)
    {
        const int result = cq_return(queue_, &task.message);
        task.message.data = nullptr;
        queue_.must(result);
        empty_ = false;
        idle_since_ = Clock::now();
    }

    /* First there, then not here any more: killed in between, it is in both. False: there is no room; try again. */
    bool bury(Task &task)
    {
        const Parcel parcel(queue_, task.message);
        const int result = cq_enqueue_message(*dead_, parcel, 0);
        if (result == CQ_TIMEOUT || result == CQ_ENOSPACE) {
            if (!told_)
                std::cerr << "cq: " << dead_->explain(result == CQ_TIMEOUT ? CQ_FULL : result)
                          << "; waiting for room for what cannot be worked on"
                          << std::endl;
            told_ = true;
            task.deadline = Clock::now() + std::chrono::milliseconds(200);
            return false;
        }
        dead_->must(result, parcel);
        const int released = cq_release(queue_, &task.message);
        task.message.data = nullptr;
        queue_.must(released);
        ++buried;
        return true;
    }

    /* Asked to end, then made to. */
    void end_commands()
    {
        for (Task &task : tasks_)
            if (!task.ended)
                task.job->kill(false);
        const auto until = Clock::now() + std::chrono::seconds(1);
        for (Task &task : tasks_) {
            if (task.ended)
                continue;
            while (Clock::now() < until && !task.job->ended())
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            const std::optional<bool> well = task.job->ended();
            if (well && *well && cq_release(queue_, &task.message) == CQ_OK)
                task.message.data = nullptr;
            task.job->kill(true);
        }
    }

    const WorkOptions &options_;
    const Queue &queue_;
    const Queue *dead_;
    const Interrupts &interrupts_;
    int ready_ = -1;    /* readable while a message may be waiting */
    int children_ = -1; /* readable when a command has ended */
    std::uint64_t left_;
    std::list<Task> tasks_;
    bool empty_ = false, told_ = false;
    Clock::time_point idle_since_, look_for_queue_{};
};

void say(const WorkOptions &options, const Worker &worker)
{
    if (options.json)
        std::cout << nlohmann::ordered_json{{"done", worker.done}, {"failed", worker.failed}, {"buried", worker.buried}}
                         .dump()
                  << std::endl;
    else if (worker.failed + worker.buried > 0)
        std::cerr << "cq: " << format_count(worker.done, "message") << " done, " << format_count(worker.failed, "run")
                  << " failed"
                  << (options.dead_letter.empty()
                          ? ""
                          : ", " + std::to_string(worker.buried) + " moved to " + options.dead_letter)
                  << std::endl;
}

int run_work(const WorkOptions &options)
{
    if (options.max_deliveries && *options.max_deliveries > 255)
        throw Failure("--max-deliveries: deliveries are counted up to 255", exit_usage);
    refuse_missing(options.command[0]);
    const Queue queue(options.place, CQ_ATTACH);
    std::optional<Queue> dead;
    if (!options.dead_letter.empty()) {
        Place place = options.place;
        place.name = options.dead_letter;
        dead.emplace(place, CQ_ATTACH);
        refuse_same(queue, *dead);
        if (dead->stat().max_message_size < queue.stat().max_message_size)
            throw Failure("\"" + place.name + "\" takes smaller messages than \"" + options.place.name +
                          "\", so it cannot be its dead-letter queue: cq resize " + place.name + " --max-message " +
                          std::to_string(queue.stat().max_message_size));
        if (dead->stat().max_headers < queue.stat().max_headers)
            throw Failure("\"" + place.name + "\" takes fewer bytes of headers than \"" + options.place.name +
                          "\", so it cannot be its dead-letter queue: create one with --max-headers " +
                          std::to_string(queue.stat().max_headers));
    }
    const Interrupts interrupts;
    std::uint64_t done = 0, failed = 0;
    {
        Worker worker(options, queue, dead ? &*dead : nullptr, interrupts);
        try {
            worker.work();
        } catch (...) {
            say(options, worker);
            throw;
        }
        say(options, worker);
        done = worker.done;
        failed = worker.failed;
    }
    finish_output();
    return done > 0 && failed == 0 ? exit_ok : exit_nothing;
}

} // namespace

void add_work(CLI::App &app, Command &chosen)
{
    add_command<WorkOptions>(
        app, chosen, "work", "Run a command for each message", run_work,
        [](CLI::App &command, WorkOptions &options) {
            add_place(command, options.place, Trust::by_root);
            command.add_option("COMMAND", options.command, "The command and its arguments, behind --")->required();
            add_parsed(command, "-j,--jobs", options.jobs, parse_count, "N", "How many run at a time (default: 1)");
            auto *dead = command.add_option("--dead-letter", options.dead_letter,
                                            "Where a message goes whose command failed too often; it must exist");
            dead->type_name("QUEUE");
            add_parsed(command, "--max-deliveries", options.max_deliveries, parse_count, "N",
                       "How often a message is delivered before that, at most 255 (default: 5)")
                ->needs(dead);
            add_parsed(command, "--timeout", options.timeout, parse_interval, "DURATION",
                       "How long a command may run; then it is terminated, 2 s later killed, and has failed");
            add_parsed(command, "--retry-after", options.retry_after, parse_duration, "DURATION",
                       "How long a message whose command failed is kept before it is given back (default: 100ms)");
            auto *count = add_parsed(command, "-n,--count", options.count, parse_count, "N",
                                     "How many runs, then end (default: no end)");
            command.add_flag("--all", options.all, "End when no message is waiting")->excludes(count);
            add_parsed(command, "--wait", options.wait, parse_duration, "DURATION",
                       "End when none was there for so long (default: forever)");
            command.add_flag("--json", options.json, "At the end, print a line of JSON: done, failed, buried");
            explain(command, {"The command gets the message on standard input; or in place of {} in its arguments,\n"
                              "and then nothing on standard input. No shell is involved. To have one, keep {} out of\n"
                              "its script, which would run what a message says: sh -c 'echo \"$1\"' sh {} is safe.\n"
                              "CQ_QUEUE, CQ_POSITION, CQ_DELIVERIES and CQ_HEADERS (JSON) tell it what it works on.\n\n"
                              "At least once: the message is removed when the command has exited with 0, else\n"
                              "given back and delivered again. With --all and no dead-letter queue, what failed is\n"
                              "given back at the end. Interrupted, cq terminates the commands and gives back what\n"
                              "they have not done. Killed, the same happens without it. If it is killed while it\n"
                              "moves a message to the dead-letter queue, the message may be in both.",
                              "0 every run went well; 1 a run failed, or no message came; 2 wrong\n"
                              "usage; 3 error, such as a command that does not exist. A signal ends it as usual.",
                              {"cq work orders --all -- wc -c", "cq work orders --all --jobs 3 -- echo received {}",
                               "cq work orders --all -j 3 --timeout 30s --dead-letter failed -- sh -c 'cat'"}});
        });
}

} // namespace tool
