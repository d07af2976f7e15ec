#include "world.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace model {

static World *world;
static const char source_name[] = "stream";

World *World::current() { return world; }

World::World(const Shape &shape) : shape_(shape)
{
    const extras special{shape.exclusive ? FEATURE_EXCLUSIVE : 0, 0, shape.max_deliveries, 0};
    if (geometry_of(shape.capacity, sizeof(std::uint64_t), shape.slots, shape.hole_slots, shape.spare_nodes, &special,
                    &geometry_) != CQ_OK)
        std::abort();
    region_.reset(static_cast<unsigned char *>(std::aligned_alloc(LAYOUT_PAGE, geometry_.file_size)));
    std::memset(region_.get(), 0, geometry_.file_size);
    world = this;
    reset();
}

World::~World() { world = nullptr; }

// As create.c leaves it: the first node, LINKED and empty.
void World::reset()
{
    unsigned char *const base = region_.get();
    auto *const header = reinterpret_cast<layout_header *>(base);
    const std::uint64_t first = ticket_word(shape_.first_sequence, 0, 0), link = link_word(shape_.first_sequence, 0);

    std::memset(base, 0, sizeof *header);
    std::memset(base + LAYOUT_PARTICIPANTS_OFFSET, 0, 64 * sizeof(layout_participant));
    std::memset(base + LAYOUT_SOURCES_OFFSET, 0, LAYOUT_SUMMARY_OFFSET - LAYOUT_SOURCES_OFFSET);
    std::memset(base + LAYOUT_SUMMARY_OFFSET, 0, 8);
    std::memset(base + geometry_.bitmap_offset, 0, 8);
    std::memset(base + geometry_.marks_offset, 0, geometry_.states_offset - geometry_.marks_offset);
    std::memset(base + geometry_.states_offset, 0, geometry_.node_count * 8);
    std::memset(base + geometry_.nodes_offset, 0, geometry_.node_count * geometry_.node_stride);
    header->tail = header->head = link;
    header->touched = 1;
    header->first_position = header->last_hole = first;
    if (shape_.max_deliveries > 0)
        std::strcpy(header->dead_letter, "letters");
    clock_ = 1;
    letters_number_ = 0;
    memory_of_processes_.clear();
    owned_.clear();
    processes.clear();
    handles_.clear();
    log_.clear();
    memory_.reset(promises);
    reapers_.clear();
    owners_ = 0;
    reaped_.reset();
    running_ = nullptr;
    unsettled_ = false;
    make_handle(63); // to look through
    cq_queue *const queue = handles_[0].get();
    queue->states[0] = ticket_word(shape_.first_sequence, NODE_LINKED, 0);
    node_at(queue, 0)->enq = node_at(queue, 0)->deq = first;
    node_at(queue, 0)->next = link_word(shape_.first_sequence, NODE_NIL);
    ghost.reset(queue, &processes);
}

cq_queue *World::make_handle(std::uint32_t owner)
{
    static std::uint32_t alive = MAY_CLAIM;
    static char path[] = "/dev/shm/cqueue.model";
    auto *const queue = static_cast<cq_queue *>(std::aligned_alloc(LAYOUT_LINE, sizeof(cq_queue)));

    std::memset(queue, 0, sizeof *queue);
    queue->base = region_.get();
    queue->header = reinterpret_cast<layout_header *>(queue->base);
    queue->participants = reinterpret_cast<layout_participant *>(queue->base + LAYOUT_PARTICIPANTS_OFFSET);
    queue->summary = reinterpret_cast<std::uint64_t *>(queue->base + LAYOUT_SUMMARY_OFFSET);
    queue->bitmap = reinterpret_cast<std::uint64_t *>(queue->base + geometry_.bitmap_offset);
    queue->marks = reinterpret_cast<std::uint64_t *>(queue->base + geometry_.marks_offset);
    queue->states = reinterpret_cast<std::uint64_t *>(queue->base + geometry_.states_offset);
    queue->geometry = geometry_;
    queue->owner = owner;
    queue->participants[owner].record = PARTICIPANT_INCARNATION | PARTICIPANT_USED;
    queue->granule = geometry_.node_stride; // so that each node can go by itself
    queue->patience = 1;
    queue->path = path;
    queue->special = shape_.exclusive || shape_.max_deliveries != 0;
    queue->usual_slots = shape_.exclusive ? 0 : geometry_.slots_per_node;
    queue->letters = &letters_;
    queue->reached = geometry_.node_count;
    queue->dues_reached = true;
    queue->next_due = INT64_MAX;
    queue->alive = &alive;
    queue->deq_seen = ticket_word(word_sequence(queue->header->head), 0, 0);
    handles_.emplace_back(queue);
    return queue;
}

Process &World::insert(const std::string &name, Program program, cq_queue *queue)
{
    owned_.push_back(std::make_unique<Process>());
    Process &process = *owned_.back();

    process.name = name;
    process.program = std::move(program);
    process.queue = queue;
    process.results.resize(process.program.size());
    process.loan.struct_size = sizeof process.loan;
    process.sitting.seat = offsetof(cq_queue, seats) + (owned_.size() - 1) % LAYOUT_SEATS * sizeof(seat) + sizeof(seat);
    process.finished = process.program.empty();
    if (fibers_.size() < owned_.size())
        fibers_.push_back(std::make_unique<Fiber>());
    process.fiber = fibers_[owned_.size() - 1].get();
    process.fiber->start(run, &process);
    processes.push_back(&process);
    return process;
}

Process &World::add(const std::string &name, Program program)
{
    return insert(name, std::move(program), make_handle(++owners_));
}

Process &World::add_thread(const std::string &name, Process &of, Program program)
{
    Process &process = insert(name, std::move(program), of.queue);
    process.handle_is_shared = of.handle_is_shared = true;
    return process;
}

Process &World::add_successor(const std::string &name, Process &of, Program program)
{
    of.was_followed = true;
    reaped_[of.owner()] = false;
    std::memset(&handles_[0]->participants[of.owner()], 0, sizeof(layout_participant));
    Process &process = insert(name, std::move(program), make_handle(of.owner()));
    process.thread.now = reapers_;
    return process;
}

void World::give(Process &process, const Action &action)
{
    process.program.push_back(action);
    process.results.emplace_back();
    process.finished = false;
    process.next = Access{};
}

// ---- running -----------------------------------------------------------------------------------------------------

void World::run(void *context)
{
    Process &process = *static_cast<Process *>(context);

    for (;;) {
        for (; process.call < process.program.size(); ++process.call) {
            const Action action = process.program[process.call];
            Result result;
            world->ghost.call_begins(process);
            world->perform(process, action, result);
            world->settle();
            world->ghost.call_ends(process, action, result);
            process.results[process.call] = result;
        }
        process.finished = true;
        process.fiber->yield();
    }
}

void World::perform(Process &process, const Action &action, Result &result)
{
    cq_queue *const queue = process.queue;
    std::uint64_t numbers[most_in_batch]{};
    cq_slice slices[most_in_batch];
    std::size_t done = 0;

    switch (action.what) {
    case Action::enqueue:
        for (std::uint32_t i = 0; i < action.count; ++i) {
            numbers[i] = result.messages[i] = action.message + i;
            slices[i] = {&numbers[i], sizeof numbers[i]};
        }
        if (action.count == 1) {
            result.code = cq_enqueue(queue, numbers, sizeof numbers[0]);
            done = result.code == CQ_OK;
        } else
            result.code = cq_enqueue_batch(queue, slices, action.count, &done);
        result.count = static_cast<std::uint32_t>(done);
        break;
    case Action::dequeue:
        if (action.count == 1) {
            result.code = cq_dequeue(queue, numbers, sizeof numbers[0], nullptr);
            done = result.code == CQ_OK;
        } else
            result.code = cq_dequeue_batch(queue, numbers, sizeof numbers, slices, action.count, &done);
        result.count = static_cast<std::uint32_t>(done);
        for (std::uint32_t i = 0; i < result.count; ++i)
            result.messages[i] = static_cast<std::uint32_t>(numbers[i]);
        break;
    case Action::take:
        result.code = cq_take(queue, &process.loan);
        break;
    case Action::feed: {
        const cq_outgoing outgoing{sizeof outgoing, 0, numbers, sizeof numbers[0], nullptr, 0};
        numbers[0] = result.messages[0] = action.message;
        result.code = cq_enqueue_from(queue, &outgoing, source_name, action.message);
        result.count = result.code == CQ_OK;
        break;
    }
    case Action::raise_to:
        result.code = cq_raise_source(queue, source_name, action.message);
        break;
    case Action::resume: {
        const cq_outgoing outgoing{sizeof outgoing, 0, numbers, sizeof numbers[0], nullptr, 0};
        std::uint64_t number = 0;
        if ((result.code = cq_source(queue, source_name, &number)) != CQ_OK)
            break;
        numbers[0] = number + 1;
        result.messages[0] = static_cast<std::uint32_t>(number + 1);
        result.code = cq_enqueue_from(queue, &outgoing, source_name, number + 1);
        result.count = result.code == CQ_OK;
        break;
    }
    case Action::release: case Action::give_back: case Action::give_back_later:
        if (!process.loan.data)
            break;
        if (action.count > 0) // else the caller has no right to the message, and only tries
            model_copy(numbers, process.loan.data, sizeof numbers[0], "the caller");
        result.messages[0] = static_cast<std::uint32_t>(numbers[0]);
        if (action.what == Action::give_back_later)
            result.code = cq_return_after(queue, &process.loan, action.message == 0 ? std::int64_t{CQ_TO_TAIL} : action.message);
        else
            result.code = action.what == Action::release ? cq_release(queue, &process.loan) : cq_return(queue, &process.loan);
        result.count = result.code == CQ_OK;
        if (action.count == 0 && result.code == CQ_ENOTHELD)
            result.code = CQ_OK;
        break;
    case Action::reserve:
        result.code = cq_reserve(queue, sizeof numbers[0], &process.loan);
        break;
    case Action::commit:
        if (!process.loan.data)
            break;
        numbers[0] = result.messages[0] = action.message;
        model_copy(process.loan.data, numbers, sizeof numbers[0], "the caller");
        result.code = cq_commit(queue, &process.loan, sizeof numbers[0]);
        result.count = result.code == CQ_OK;
        if (result.code == CQ_FULL && cq_abort(queue, &process.loan) != CQ_OK)
            world->ghost.fail("%s cannot give up what it could not commit", process.name.c_str());
        break;
    case Action::give_up:
        if (process.loan.data)
            result.code = cq_abort(queue, &process.loan);
        break;
    case Action::pass:
        clock_ += action.message;
        break;
    case Action::sweep:
        result.code = std::min(reap(queue), 0);
        break;
    case Action::trim:
        trim_all(queue);
        break;
    case Action::walk:
        perform_walk(process, result);
        break;
    }
}

// The kernel takes the memory of what the range covers: it is all 0 if anybody looks.
void World::punched(const void *begin, std::uint64_t size)
{
    unsigned char *const from = region_.get() + (static_cast<const unsigned char *>(begin) - region_.get());
    const auto offset = static_cast<std::uint64_t>(from - region_.get()) - geometry_.nodes_offset;

    reached(MODEL_YIELD, nullptr, "os_punch");
    settle();
    for (std::uint64_t at = 0; weak && at < size; at += sizeof(std::uint64_t)) { // who acquires what follows knows it
        std::uint64_t old;
        std::memcpy(&old, from + at, sizeof old);
        if (old != 0)
            memory_.store(running_->thread, from + at, old, 0, std::memory_order_relaxed);
    }
    std::memset(from, 0, size);
    for (std::uint64_t node = offset / geometry_.node_stride; node * geometry_.node_stride < offset + size; ++node)
        ghost.absent[node] = true;
}

void World::reached(model_operation operation, const void *address, const char *function)
{
    if (!running_)
        return; // the test itself looks
    settle();
    const Word word = classify(queue(), address);
    if (operation != MODEL_YIELD && operation != MODEL_COPY && !is_announced(word, address))
        return;
    running_->next = {operation, address, function};
    running_->fiber->yield();
}

// Who sleeps is not part of the model, and counts decide nothing. Nobody else sees a handle with one thread.
bool World::is_announced(const Word &word, const void *address) const
{
    if (word.kind == Word::handle)
        return running_->handle_is_shared && address != running_->queue->alive;
    return word.kind != Word::wake && word.kind != Word::count && (word.kind != Word::pin || trims);
}

// The access was made: hold what it changed against the rules, before the process does anything that depends on it.
void World::settle()
{
    if (!unsettled_)
        return;
    unsettled_ = false;
    Entry &entry = log_.back();
    const bool is_word = entry.access.operation >= MODEL_LOAD && entry.access.operation <= MODEL_AND;
    if (is_word && entry.word.kind != Word::handle) {
        std::memcpy(&entry.now, entry.access.address, sizeof entry.now);
        ghost.after(*running_, entry.word, entry.old, entry.now);
    }
}

void World::step(Process &process)
{
    if (failed())
        process.finished = true; // nothing moves any more, and loops that wait for something end
    if (!process.runnable())
        return;
    const Access access = process.next;
    const bool is_word = access.operation >= MODEL_LOAD && access.operation <= MODEL_AND;
    const Word word = classify(queue(), access.address);
    std::uint64_t old = 0;

    if (is_word || access.operation == MODEL_COPY)
        ghost.before(process, word);
    if (is_word)
        std::memcpy(&old, access.address, sizeof old);
    log_.push_back({&process, access, word, old, old, old});
    running_ = &process;
    unsettled_ = true;
    process.fiber->resume();
    settle();
    running_ = nullptr;
}

void World::finish_call(Process &process, std::uint32_t limit)
{
    if (!process.runnable())
        return;
    const std::uint32_t call = process.call;
    for (std::uint32_t steps = 0; process.runnable() && process.call == call && !failed(); ++steps) {
        step(process);
        if (steps == limit)
            ghost.fail("%s runs alone and does not finish", process.name.c_str());
    }
    process.finished |= failed();
}

void World::finish(Process &process)
{
    while (process.runnable() && !failed())
        finish_call(process);
}

bool World::is_at(const Process &process, const Place &place) const
{
    const Access &next = process.next;
    return process.runnable() && next.address && (place.operation == MODEL_BEGIN || place.operation == next.operation) &&
           (place.function.empty() || place.function == next.function) &&
           name_of(classify(queue(), next.address)).compare(0, place.word.size(), place.word) == 0;
}

bool World::run_to(Process &process, const Place &place, std::uint32_t times)
{
    for (std::uint32_t steps = 0; process.runnable() && !failed() && steps < 3000; ++steps) {
        step(process);
        if (is_at(process, place) && --times == 0)
            return true;
    }
    ghost.fail("%s never comes to %s %s", process.name.c_str(), place.function.c_str(), place.word.c_str());
    return false;
}

// All threads of its handle die with it.
void World::kill(Process &process)
{
    for (Process *other : processes) {
        if (other->queue != process.queue)
            continue;
        other->dead = true;
        other->killed = !other->finished;
        other->in_call = false;
        other->sweeping.reset();
        log_.push_back({other, {MODEL_BEGIN, nullptr, "killed"}, {Word::none, 0, 0}, 0, 0, 0});
    }
}

} // namespace model
