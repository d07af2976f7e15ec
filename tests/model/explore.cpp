#include "explore.hpp"

#include <cstdlib>

namespace model {

namespace {

constexpr std::uint32_t most_steps = 20000;

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
    std::uint32_t below(std::uint32_t limit)
    {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<std::uint32_t>((state_ >> 11) % limit);
    }

private:
    std::uint64_t state_;
};

bool may_die(const Process &process) { return process.runnable() && process.program.size() > 0; }

// A new process that only looks for the dead.
void add_reaper(World &world) { world.add("R" + std::to_string(world.processes.size()), {sweep()}); }

void run_at_random(World &world, const Scenario &scenario, std::uint64_t seed)
{
    Random random(seed);
    const bool uniform = seed % 3 == 0;
    std::uint32_t kills = scenario.kills > 0 ? random.below(scenario.kills + 1) : 0, successors = scenario.successors;
    std::uint32_t length = 60 + random.below(200), changes = 1 + random.below(4);
    std::vector<std::uint32_t> priority;

    if (scenario.weak)
        world.choice = [&random](std::uint32_t oldest, std::uint32_t newest) {
            return random.below(3) > 0 ? newest : random.below(2) > 0 ? oldest : oldest + random.below(newest - oldest + 1);
        };
    for (std::uint32_t steps = 0; steps < most_steps && !world.failed(); ++steps) {
        Process *chosen = nullptr;
        std::uint32_t runnable = 0;
        while (priority.size() < world.processes.size())
            priority.push_back(1000 + random.below(1000));
        for (Process *process : world.processes)
            runnable += process->runnable();
        if (runnable == 0)
            return;
        if (uniform) {
            std::uint32_t which = random.below(runnable);
            for (Process *process : world.processes)
                if (process->runnable() && which-- == 0)
                    chosen = process;
        } else {
            std::size_t best = 0;
            for (std::size_t i = 0; i < world.processes.size(); ++i)
                if (world.processes[i]->runnable() && (!chosen || priority[i] > priority[best])) {
                    chosen = world.processes[i];
                    best = i;
                }
            /* Every now and then the one with the highest priority falls behind all others; and one that yields to a
               thread of its own process falls behind that. */
            if (random.below(length) < changes)
                priority[best] = random.below(1000);
            if (chosen->handle_is_shared && chosen->next.operation == MODEL_YIELD) {
                for (std::uint32_t &each : priority)
                    ++each;
                priority[best] = 0;
            }
        }
        if (kills > 0 && random.below(length) == 0) {
            if (may_die(*chosen)) {
                world.kill(*chosen);
                --kills;
                if (scenario.reaper)
                    add_reaper(world);
            }
            continue;
        }
        if (successors > 0 && random.below(20) == 0)
            for (std::size_t i = 0; i < world.processes.size(); ++i) {
                Process &dead = *world.processes[i];
                if (!dead.killed || dead.was_followed || dead.handle_is_shared || !world.is_free(dead.owner()))
                    continue;
                Program rest(dead.program.begin() + dead.call, dead.program.end());
                for (Action &action : rest)
                    action.message += 100;
                world.add_successor(dead.name + "'", dead, rest);
                --successors;
                break;
            }
        const bool waits = chosen->handle_is_shared && chosen->queue->feeding; /* for a thread of its process */
        if (random.below(400) == 0 && !waits)
            world.finish_call(*chosen); /* alone, whatever the others were doing */
        else
            world.step(*chosen);
        if (steps + 1 == most_steps)
            world.ghost.fail("no end after %u steps", most_steps);
    }
}

std::uint32_t factor() { return std::getenv("CQ_LONG") ? 10 : 1; }

} // namespace

std::string explore_at_random(const Scenario &scenario, std::uint32_t runs)
{
    World world(scenario.shape);
    world.weak = scenario.weak;
    world.promises = scenario.promises;
    const char *const only = std::getenv("CQ_MODEL_SEED");
    const std::uint64_t first = only ? std::strtoull(only, nullptr, 0) : 1;
    const std::uint64_t last = only ? first : std::uint64_t{runs} * factor();

    for (std::uint64_t seed = first; seed <= last; ++seed) {
        world.reset();
        scenario.begin(world);
        run_at_random(world, scenario, seed);
        world.choice = nullptr;
        world.finish_all();
        if (world.failed())
            return world.report() + "repeat it: CQ_MODEL_SEED=" + std::to_string(seed) + ", the same test\n";
    }
    return "";
}

namespace {

// One decision: options are to go on with who runs, then to let another run, then to kill who runs.
struct Decision {
    std::uint32_t options, chosen;
};

// Replay the decisions, and take the first option from there on, noting how many there were.
void run_decided(World &world, const Scenario &scenario, std::uint32_t preemptions, std::vector<Decision> &decisions)
{
    std::size_t next = 0;
    std::uint32_t kills = scenario.kills;
    Process *running = nullptr;
    std::vector<Process *> others;

    for (std::uint32_t steps = 0; steps < most_steps && !world.failed(); ++steps) {
        const bool goes_on = running && running->runnable();
        others.clear();
        for (Process *process : world.processes)
            if (process != running && process->runnable())
                others.push_back(process);
        if (!goes_on && others.empty())
            return;
        const auto switches = static_cast<std::uint32_t>(!goes_on || preemptions > 0 ? others.size() : 0);
        const std::uint32_t options = goes_on + switches + (goes_on && kills > 0 && may_die(*running));
        std::uint32_t choice = 0;
        if (options > 1) {
            if (next == decisions.size())
                decisions.push_back({options, 0});
            choice = decisions[next++].chosen;
        }
        if (choice >= goes_on + switches) {
            world.kill(*running);
            --kills;
            if (scenario.reaper)
                add_reaper(world);
            continue;
        }
        if (choice >= goes_on) {
            preemptions -= goes_on;
            running = others[choice - goes_on];
        }
        world.step(*running);
        if (steps + 1 == most_steps)
            world.ghost.fail("no end after %u steps", most_steps);
    }
}

} // namespace

std::string explore_all(const Scenario &scenario, std::uint32_t preemptions, std::uint32_t limit, std::uint32_t *count)
{
    World world(scenario.shape);
    std::vector<Decision> decisions;
    const std::uint64_t most = std::uint64_t{limit} * factor();

    for (std::uint64_t runs = 1; runs <= most; ++runs) {
        if (count)
            *count = static_cast<std::uint32_t>(runs);
        world.reset();
        scenario.begin(world);
        run_decided(world, scenario, preemptions, decisions);
        world.finish_all();
        if (world.failed())
            return world.report() + "schedule " + std::to_string(runs) + " of the search\n";
        while (!decisions.empty() && decisions.back().chosen + 1 == decisions.back().options)
            decisions.pop_back();
        if (decisions.empty())
            return "";
        ++decisions.back().chosen;
    }
    return "";
}

} // namespace model
