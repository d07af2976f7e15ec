/*
 * The shape of the next region: what a caller of the public interface cannot choose, but a test must, to meet node
 * boundaries often and the wrap of the 40-bit node sequence at all. Only the cqueue_testing library has this.
 */
#pragma once

#include <cstdint>
#include <ostream>

#include "testing.h"

namespace cqtest {

/* The sequence of the last node before the count starts again. */
inline constexpr uint64_t last_sequence = (UINT64_C(1) << 40) - 1;

struct Shape {
    uint32_t slots_per_node = 0; /* 0 anywhere: the library's own choice */
    uint64_t first_sequence = 0;
    uint64_t hole_slots = 0;
    uint32_t spare_nodes = 0;

    Shape() = default;
    explicit Shape(uint32_t slots, uint64_t first = 0, uint64_t holes = 0, uint32_t spare = 0)
        : slots_per_node(slots), first_sequence(first), hole_slots(holes), spare_nodes(spare)
    {
    }
};

inline std::ostream &operator<<(std::ostream &out, const Shape &shape)
{
    return out << "K=" << shape.slots_per_node << " first=" << shape.first_sequence << " S=" << shape.hole_slots
               << " X=" << shape.spare_nodes;
}

inline void set_shape(const Shape &shape)
{
    cq_testing.slots_per_node = shape.slots_per_node;
    cq_testing.first_sequence = shape.first_sequence;
    cq_testing.hole_slots = shape.hole_slots;
    cq_testing.spare_nodes = shape.spare_nodes;
}

/* From here on every region that is created has k slots a node; 0 gives the choice back to the library. */
inline void set_slots_per_node(uint32_t k) { cq_testing.slots_per_node = k; }

/* The shape holds as long as this object lives. One that asks for nothing leaves what was set before. */
class ShapeScope {
public:
    explicit ShapeScope(const Shape &shape) : before_(cq_testing)
    {
        if (shape.slots_per_node || shape.first_sequence || shape.hole_slots || shape.spare_nodes)
            set_shape(shape);
    }
    ShapeScope(const ShapeScope &) = delete;
    ShapeScope &operator=(const ShapeScope &) = delete;
    ~ShapeScope() { cq_testing = before_; }

private:
    struct cq_testing before_;
};

} // namespace cqtest
