// world_images.cpp - what must hold of an image that a power cut may leave, and how the world goes on with one.
#include "../model/core.hpp"

extern "C" {
#include "disk.h"
#include "testing.h"
}

#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace power {

// Each slot that has a message, whoever has it. Nobody moves meanwhile.
std::vector<World::Found> World::messages_of(cq_queue *queue, bool proposed) const
{
    std::vector<Found> found;
    unsigned char bytes[4096];
    for (std::uint64_t number = 0; number < queue->header->touched; ++number) {
        const std::uint64_t state = queue->states[number];
        if (!node_is_listed(state))
            continue;
        layout_node *const node = node_at(queue, static_cast<std::uint32_t>(number));
        for (std::uint32_t i = 0; i < queue->geometry.slots_per_node; ++i) {
            layout_slot *const slot = slot_at(queue, node, i);
            const std::uint64_t word = slot->state;
            const std::uint32_t phase = slot_phase(word);
            std::size_t size = 0;
            const bool there = phase == SLOT_FULL || phase == SLOT_READING || phase == SLOT_ORPHAN;
            if (word_sequence(word) != word_sequence(state) || !(proposed ? phase == SLOT_FED : there))
                continue;
            if (slot_size(queue, slot, word, &size) != CQ_OK || size > sizeof bytes)
                continue;
            slot_read(queue, slot, 0, bytes, size);
            found.push_back({id_of(bytes, size), word_sequence(word) * queue->geometry.slots_per_node + i,
                             slot_deliveries(word)});
        }
    }
    return found;
}

std::unordered_set<std::uint64_t> World::ids(const std::vector<Found> &found)
{
    std::unordered_set<std::uint64_t> ids;
    for (const Found &one : found)
        ids.insert(one.id);
    return ids;
}

std::uint64_t World::live() const { return messages_of(observer_).size(); }

// How far a position is from another on the ring of sequences.
static std::uint64_t ahead(std::uint64_t to, std::uint64_t from, std::uint32_t slots)
{
    const std::uint64_t ring = SEQUENCE_MAX * slots;
    return (to + ring - from) % ring;
}

std::vector<World::Found> World::drain(cq_queue *queue, const char *when)
{
    std::vector<Found> found;
    for (;;) {
        cq_message message{};
        message.struct_size = sizeof message;
        const int result = cq_take(queue, &message);
        if (result == CQ_EMPTY)
            break;
        if (result != CQ_OK) {
            fail(std::string(when) + ": cq_take: " + cq_strerror(result));
            break;
        }
        const std::uint64_t id = id_of(message.data, message.size);
        if (id == 0)
            fail(std::string(when) + ": torn or foreign bytes at position " + std::to_string(message.position));
        if (message.deliveries < 2)
            fail(std::string(when) + ": message " + std::to_string(id) + " is not marked");
        if (shape_.rich && id != 0)
            check_extras(queue, message, id, when);
        if (!found.empty() &&
            ahead(message.position, found.back().position, shape_.slots) > SEQUENCE_MAX / 2 * shape_.slots)
            fail(std::string(when) + ": not in the order of positions");
        found.push_back({id, message.position, message.deliveries});
        cq_release(queue, &message);
    }
    return found;
}

void World::check_extras(cq_queue *queue, const cq_message &message, std::uint64_t id, const char *when)
{
    unsigned char expected[20];
    const std::size_t size = messages_[id].headers ? headers_of(id, expected) : 0;
    cq_slice headers{};
    std::int64_t time = 0;
    if (cq_headers(queue, &message, &headers) != CQ_OK || headers.size != size ||
        std::memcmp(headers.data, expected, size) != 0)
        fail(std::string(when) + ": message " + std::to_string(id) + " has other headers");
    if (cq_enqueue_time(queue, &message, &time) != CQ_OK || time < messages_[id].earliest || time > messages_[id].latest)
        fail(std::string(when) + ": message " + std::to_string(id) + " has another time");
}

// A source's number and its messages are those of one moment, which is not before the last sync.
void World::check_sources(cq_queue *queue, const std::vector<Found> &found, const std::unordered_set<std::uint64_t> &live,
                          const std::unordered_set<std::uint64_t> &proposed, const char *when)
{
    std::uint64_t numbers[sources + 1] = {};
    for (std::uint32_t source = 1; source <= sources; ++source) {
        const std::string name = std::string(when) + ": source " + source_name(source);
        if (const int result = cq_source(queue, source_name(source), &numbers[source]); result != CQ_OK)
            fail(name + ": " + cq_strerror(result));
        auto synced = sources_[source].reached.lower_bound(floor_);
        if (synced != sources_[source].reached.begin() && (--synced)->second > numbers[source])
            fail(name + " is at " + std::to_string(numbers[source]) + " though " + std::to_string(synced->second) +
                 " was synced");
        if (numbers[source] > sources_[source].newest)
            fail(name + " is at a number that nobody has used");
    }
    std::unordered_set<std::uint64_t> there;
    for (const Found &one : found) {
        const Message &message = messages_[one.id];
        there.insert(one.id);
        if (message.source != 0 && message.number > numbers[message.source])
            fail(std::string(when) + ": message " + std::to_string(one.id) + " is there and would be fed again");
    }
    for (const std::uint64_t id : live)
        if (messages_[id].source != 0 && messages_[id].number <= numbers[messages_[id].source] && there.count(id) == 0)
            fail(std::string(when) + ": message " + std::to_string(id) + " is lost, and would not be fed again");
    for (const std::uint64_t id : proposed) // nobody else's has this number
        if (messages_[id].number == numbers[messages_[id].source] && there.count(id) == 0)
            fail(std::string(when) + ": message " + std::to_string(id) + " is not there, and its number is");
}

// Feeders go on where the queue says.
void World::settle_sources(bool power_cut)
{
    for (std::uint32_t source = 1; source <= sources; ++source) {
        Source &one = sources_[source];
        one.reached.erase(one.reached.lower_bound(floor_), one.reached.end());
        if (cq_source(observer_, source_name(source), &one.newest) == CQ_OK)
            one.reached[power_cut ? 1 : ++tick_] = one.newest;
        if (power_cut)
            one.reached.erase(std::next(one.reached.begin()), one.reached.end());
    }
}

void World::note_positions(const std::vector<Found> &found, const char *when)
{
    for (const Found &one : found) {
        if (one.id == 0) {
            fail(std::string(when) + ": bytes of no message in the queue");
            continue;
        }
        std::uint64_t &name = names_[one.position];
        if (name != 0 && name != one.id)
            fail(std::string(when) + ": position " + std::to_string(one.position) + " names messages " +
                 std::to_string(name) + " and " + std::to_string(one.id));
        name = one.id;
        messages_[one.id].position = one.position;
    }
}

void World::check(const std::vector<Found> &found, const std::unordered_set<std::uint64_t> &live, const char *when)
{
    std::unordered_set<std::uint64_t> there;
    const auto say = [&](std::uint64_t id, const std::string &what) {
        fail(std::string(when) + ": message " + std::to_string(id) + " at " + std::to_string(messages_[id].position) + " " +
             what);
    };
    for (const Found &one : found) {
        ++seen;
        if (one.id == 0)
            continue; // was told
        const Message &message = messages_[one.id];
        if (!there.insert(one.id).second)
            say(one.id, "is there twice");
        if (message.lost)
            say(one.id, "comes back, after it was absent");
        if (message.released != 0 && message.released < floor_)
            say(one.id, "is back, though its release was synced");
        const auto name = names_.find(one.position);
        if ((message.position != 0 && message.position != one.position) || (name != names_.end() && name->second != one.id))
            say(one.id, "is at another's position, " + std::to_string(one.position));
        for (const auto &[time, deliveries] : message.delivered)
            if (time < floor_ && deliveries < 255 && one.deliveries <= deliveries)
                say(one.id, "says " + std::to_string(one.deliveries) + " deliveries after " + std::to_string(deliveries));
    }
    for (const std::uint64_t id : live)
        if (id != 0 && messages_[id].accepted != 0 && messages_[id].accepted < floor_ && !messages_[id].lost &&
            there.count(id) == 0)
            say(id, "is lost, though it was synced");
}

void World::check_capacity(cq_queue *queue, const char *when)
{
    std::uint64_t count = 0;
    int result;
    while ((result = cq_enqueue(queue, "12345678", 8)) == CQ_OK && count <= shape_.capacity)
        ++count;
    if (result != CQ_FULL || count != shape_.capacity)
        fail(std::string(when) + ": takes " + std::to_string(count) + " of " + std::to_string(shape_.capacity) + ": " +
             cq_strerror(result));
    char bytes[64];
    std::size_t size;
    while (cq_dequeue(queue, bytes, 8, &size) == CQ_OK)
        --count;
    if (count != 0)
        fail(std::string(when) + ": not what was put is got");
}

void World::look(const Cut &cut)
{
    ++images;
    most_files = std::max<std::uint64_t>(most_files, disk_->files());
    most_bytes = std::max(most_bytes, disk_->bytes());
    const std::vector<Found> now_there = messages_of(observer_);
    note_positions(now_there, "in the queue");
    const std::unordered_set<std::uint64_t> live = ids(now_there), proposed = ids(messages_of(observer_, true));

    std::unique_ptr<Disk> world = disk_->after(cut, random);
    std::swap(world, disk_); // `world` is the real one until the end
    const std::string name = next_name();
    int result = CQ_OK;
    cq_queue *queue = nullptr;
    const std::uint64_t how = below(random, 8);
    if (how == 0) { // recovery is cut, once or more
        for (std::uint64_t times = 1 + below(random, 3); times > 0; --times) {
            use_disk(*disk_);
            disk_->countdown = below(random, 60);
            queue = open(name, nullptr, CQ_ATTACH, &result);
            cq_close(queue);
            remove(name);
            auto left = disk_->after(Cut::any(random), random);
            disk_ = std::move(left);
            ++recoveries_cut;
        }
    }
    use_disk(*disk_);
    queue = open(name, nullptr, 0, &result);
    std::vector<Found> first;
    if (how == 1 && queue) { // nothing is done, and the power goes again
        first = messages_of(queue);
        cq_close(queue);
        remove(name);
        auto left = disk_->after(Cut::any(random), random);
        disk_ = std::move(left);
        use_disk(*disk_);
        queue = open(name, nullptr, 0, &result);
    }
    if (!queue)
        fail(std::string("an image: cq_open: ") + cq_strerror(result));
    else {
        std::vector<Found> found = drain(queue, "an image");
        check(found, live, "an image");
        check_sources(queue, found, live, proposed, "an image");
        if (how == 1) {
            const auto by_position = [](const Found &a, const Found &b) { return a.position < b.position; };
            std::vector<Found> second = found;
            std::sort(first.begin(), first.end(), by_position);
            std::sort(second.begin(), second.end(), by_position);
            if (first != second)
                fail("a second recovery finds " + std::to_string(second.size()) + " messages, the first " +
                     std::to_string(first.size()));
        }
        if (how < 4)
            check_capacity(queue, "an image");
        cq_close(queue);
    }
    remove(name);
    std::swap(world, disk_);
    use_disk(*disk_);
}

void World::cut() { begin_again(disk_->after(Cut::any(random), random), below(random, 2) != 0, "after a cut"); }

void World::lose_region() { begin_again(nullptr, true, "without the region"); }

void World::copy() { begin_again(disk_->copy(), true, "in a copy"); }

void World::end()
{
    switch (below(random, 8)) {
    case 0: return lose_region();
    case 1: return copy();
    default: return cut();
    }
}

void World::begin_again(std::unique_ptr<Disk> left, bool removed, const char *when)
{
    ++cuts;
    most_files = std::max<std::uint64_t>(most_files, disk_->files());
    most_bytes = std::max(most_bytes, disk_->bytes());
    const std::vector<Found> before = messages_of(observer_);
    note_positions(before, "in the queue");
    const std::unordered_set<std::uint64_t> live = ids(before), proposed = ids(messages_of(observer_, true));
    for (Process &process : processes_)
        kill(process);
    processes_.clear();
    kill(observing_);
    const bool power_cut = left != nullptr;
    if (power_cut) {
        collected += disk_->unlinks;
        disk_ = std::move(left);
        use_disk(*disk_);
    }
    if (removed) { // else the region of before still lies there
        remove(name_);
        name_ = next_name();
    }
    observer_ = open(name_, &observing_, below(random, 2) ? std::uint32_t{CQ_ATTACH} : 0u);
    if (!observer_)
        return;
    const std::vector<Found> found = messages_of(observer_);
    check(found, live, when);
    check_sources(observer_, found, live, proposed, when);
    settle(found, power_cut);
    settle_sources(power_cut);
    note_positions(found, when);
}

// What is not there is gone for ever. What is there after a power cut, or in a copy, stays; what somebody only wrote, and maybe
// failed to flush, still has to be synced.
void World::settle(const std::vector<Found> &found, bool power_cut)
{
    std::unordered_set<std::uint64_t> there;
    for (const Found &one : found) {
        there.insert(one.id);
        Message &message = messages_[one.id];
        if (power_cut || (message.accepted != 0 && message.accepted < floor_))
            message.accepted = 1;
        else
            message.accepted = ++tick_;
        message.released = 0;
        message.recovered = true;
        message.delivered.assign(1, {power_cut ? 1 : ++tick_, one.deliveries});
    }
    for (auto at = open_.begin(); at != open_.end();) {
        if (there.count(*at) == 0) {
            messages_[*at].lost = true;
            messages_[*at].delivered.clear();
            at = open_.erase(at);
        } else
            ++at;
    }
}

} // namespace power
