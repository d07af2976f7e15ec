/*
 * A queue that appears under its name complete or not at all. Until then it is in a folder of its own beside it, locked
 * while its maker lives; what dead makers left is removed by the next one.
 */
#ifndef CQ_TOOL_DRAFT_HPP
#define CQ_TOOL_DRAFT_HPP

#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

#include "queue.hpp"

namespace tool {

/* What becomes of messages on their way. */
struct Fate {
    std::uint64_t max_headers = 0;
    std::uint64_t max_deliveries = 0;
    std::int64_t time_to_live = 0;
    std::string dead_letter;
    bool enqueue_times = false;
    bool exclusive_consumer = false;

    Fate() = default;
    explicit Fate(const Stats &stats);
    void ask_for(cq_config &config) const; /* valid while this object is */
};

struct Shape {
    std::uint64_t capacity = 0; /* 0: the default */
    std::uint64_t max_message_size = 0;
    std::uint64_t max_held = 0;
    std::uint64_t max_memory = 0;
    std::uint64_t reserve = 0;
    Fate fate;
};

class Draft {
public:
    /* Throws Failure if it cannot be made; so do the others. */
    Draft(const Place &place, const Shape &shape);
    ~Draft();
    Draft(const Draft &) = delete;
    Draft &operator=(const Draft &) = delete;

    const Queue &queue() const { return *queue_; }

    /* Whose it will be. */
    void give(mode_t mode, uid_t user, gid_t group);
    void set_mode(mode_t mode);

    void publish();                      /* fails if there is a queue of that name */
    void publish_instead(const Queue &); /* fails if the name does not lead to that queue any more */

private:
    [[noreturn]] void fail(const std::string &what, int error) const;

    Place place_;
    std::string folder_;
    std::string path_; /* of the file, while it is in the folder */
    int lock_ = -1;
    std::unique_ptr<Queue> queue_;
};

/* Removes what dead makers left in the directory; how many drafts that were. */
unsigned remove_abandoned_drafts(const std::string &directory);

} // namespace tool

#endif
