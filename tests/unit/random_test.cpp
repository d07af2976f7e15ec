/* Random calls on two handles against the model: every result, every byte, every number must agree. */
#include "model.hpp"
#include "support/leftovers.hpp"
#include "support/seed.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

class Random : public OverShapes {
protected:
    static constexpr size_t max_size = 40;

    void start(uint64_t seed_)
    {
        noise.emplace(seed_);
        capacity = 1 + noise->below(noise->once_in(2) ? 5 : 3 * k() + 10);
        queue.emplace(Config(capacity, max_size), GetParam());
        handles.push_back(queue->attach());
        handles.push_back(queue->attach());
        model.emplace(capacity);
    }

    size_t any_index() { return noise->below(handles.size()); }
    const Handle &any() { return handles[any_index()]; }
    std::string text() { return bytes(next_text++, noise->below(max_size + 1)); }

    void enqueue()
    {
        const std::string sent = text();
        const size_t handle = any_index();
        const int expected = model->enqueue(handle, sent);
        if (noise->once_in(2)) {
            ASSERT_EQ(handles[handle].enqueue(sent), expected);
        } else {
            ASSERT_EQ(cq_enqueue_wait(handles[handle], sent.data(), sent.size(), 0), expected == CQ_FULL ? CQ_TIMEOUT : CQ_OK);
        }
    }

    void enqueue_batch()
    {
        std::vector<std::string> texts(1 + noise->below(noise->once_in(4) ? 2 * k() + 2 : 5));
        std::vector<cq_slice> slices;
        size_t accepted = 0;
        int expected = CQ_OK;
        for (std::string &one : texts) {
            one = text();
            slices.push_back({one.data(), one.size()});
        }
        const size_t handle = any_index();
        while (accepted < texts.size() && (expected = model->enqueue(handle, texts[accepted])) == CQ_OK)
            ++accepted;
        size_t done = 99999;
        ASSERT_EQ(cq_enqueue_batch(handles[handle], slices.data(), slices.size(), &done), expected);
        ASSERT_EQ(done, accepted);
    }

    void dequeue()
    {
        char buffer[max_size];
        size_t size = 99999;
        const size_t room = noise->below(max_size + 1);
        const auto needed = model->next_size();
        const int result = cq_dequeue(any(), buffer, room, &size);
        if (!needed) {
            ASSERT_EQ(result, CQ_EMPTY);
            return;
        }
        ASSERT_EQ(result, *needed > room ? CQ_ETOOSMALL : CQ_OK);
        ASSERT_EQ(size, *needed);
        if (result == CQ_OK) {
            ASSERT_EQ(std::string(buffer, size), model->take()->text);
        }
    }

    void dequeue_batch()
    {
        std::vector<cq_slice> slices(1 + noise->below(noise->once_in(4) ? 2 * k() + 2 : 5));
        std::vector<char> buffer(noise->below(slices.size() * max_size + 1));
        size_t done = 99999, used = 0, count = 0;
        const int result =
            cq_dequeue_batch(any(), buffer.data(), buffer.size(), slices.data(), slices.size(), &done);
        std::optional<size_t> size;
        while (count < slices.size() && (size = model->next_size()) && used + *size <= buffer.size()) {
            ASSERT_EQ(result, CQ_OK);
            ASSERT_LT(count, done);
            ASSERT_EQ(std::string(static_cast<char *>(slices[count].data), slices[count].size), model->take()->text);
            used += *size;
            ++count;
        }
        ASSERT_EQ(done, count);
        if (count == 0) {
            ASSERT_EQ(result, size ? CQ_ETOOSMALL : CQ_EMPTY);
        }
    }

    struct Reserved {
        size_t handle;
        Message message;
        uint64_t id;
        std::string text;
    };

    void reserve()
    {
        const size_t handle = any_index();
        Reserved fresh{handle, Message(), 0, text()};
        const auto id = model->reserve(handle);
        ASSERT_EQ(cq_reserve(handles[handle], fresh.text.size(), &fresh.message), id ? CQ_OK : CQ_FULL);
        if (!id)
            return;
        fresh.id = *id;
        std::memcpy(fresh.message.data, fresh.text.data(), fresh.text.size());
        reserved.push_back(fresh);
    }

    void finish_reservation()
    {
        if (reserved.empty())
            return;
        const size_t chosen = noise->below(reserved.size());
        Reserved &one = reserved[chosen];
        if (noise->once_in(3)) {
            model->abort(one.id);
            ASSERT_EQ(cq_abort(handles[one.handle], &one.message), CQ_OK);
        } else {
            const int expected = model->commit(one.handle, one.id, one.text);
            ASSERT_EQ(cq_commit(handles[one.handle], &one.message, one.text.size()), expected);
            if (expected == CQ_FULL)
                return;
        }
        ASSERT_EQ(cq_abort(handles[one.handle], &one.message), CQ_ENOTHELD);
        reserved.erase(reserved.begin() + static_cast<std::ptrdiff_t>(chosen));
    }

    struct Taken {
        size_t handle;
        Message message;
        Model::Delivery delivery;
    };

    void take()
    {
        const size_t handle = noise->below(handles.size());
        const auto expected = model->take();
        Message message;
        const int result = noise->once_in(2) ? cq_take(handles[handle], &message)
                                             : cq_take_wait(handles[handle], &message, 0);
        if (!expected) {
            ASSERT_TRUE(result == CQ_EMPTY || result == CQ_TIMEOUT) << result;
            return;
        }
        ASSERT_EQ(result, CQ_OK);
        ASSERT_EQ(message.text(), expected->text);
        ASSERT_EQ(message.deliveries, expected->deliveries);
        taken.push_back({handle, message, *expected});
    }

    void finish_taken()
    {
        if (taken.empty())
            return;
        const size_t chosen = noise->below(taken.size());
        Taken &one = taken[chosen];
        ASSERT_EQ(one.message.text(), one.delivery.text);
        if (noise->once_in(3)) {
            model->give_back(one.delivery);
            ASSERT_EQ(cq_return(handles[one.handle], &one.message), CQ_OK);
        } else {
            ASSERT_EQ(cq_release(handles[one.handle], &one.message), CQ_OK);
        }
        ASSERT_EQ(cq_release(handles[one.handle], &one.message), CQ_ENOTHELD);
        taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(chosen));
    }

    /* Close a handle with what it holds, and open another. */
    void close()
    {
        const size_t handle = noise->below(handles.size());
        for (const Reserved &one : reserved)
            if (one.handle == handle)
                model->abort(one.id);
        for (const Taken &one : taken)
            if (one.handle == handle)
                model->give_back(one.delivery);
        reserved.erase(std::remove_if(reserved.begin(), reserved.end(), [&](auto &one) { return one.handle == handle; }),
                       reserved.end());
        taken.erase(std::remove_if(taken.begin(), taken.end(), [&](auto &one) { return one.handle == handle; }),
                    taken.end());
        handles[handle].close();
        handles[handle] = queue->attach();
    }

    void look()
    {
        const auto expected = model->walk();
        ASSERT_EQ(queue->walk(), expected);
        const Stats stats = queue->stat();
        ASSERT_EQ(stats.orphans, model->orphans());
        /* Reservations under way are counted by cq_stat, or not. */
        ASSERT_GE(stats.length, expected.size());
        ASSERT_LE(stats.length, expected.size() + reserved.size());
    }

    void step()
    {
        switch (noise->below(24)) {
        case 0: case 1: case 2: case 3: case 4: return enqueue();
        case 5: case 6: return enqueue_batch();
        case 7: case 8: case 9: case 10: return dequeue();
        case 11: case 12: return dequeue_batch();
        /* Few at a time: what is held pins nodes, and the model has no nodes to run out of. */
        case 13: case 14: return reserved.size() < 6 ? reserve() : finish_reservation();
        case 15: case 16: case 17: return finish_reservation();
        case 18: case 19: return taken.size() < 6 ? take() : finish_taken();
        case 20: case 21: return finish_taken();
        case 22: return look();
        default: return noise->once_in(20) ? close() : enqueue();
        }
    }

    /* Afterwards everything must be there, and the whole capacity free. */
    void finish()
    {
        while (!reserved.empty() || !taken.empty()) {
            finish_reservation();
            finish_taken();
            dequeue();
            if (HasFatalFailure())
                return;
        }
        ASSERT_EQ(queue->walk(), model->walk());
        ASSERT_EQ(queue->drain(), model->walk());
        ASSERT_EQ(queue->fill(), capacity);
        ASSERT_EQ(queue->stat().length, capacity);
        ASSERT_EQ(queue->recover().participants, 0u);
    }

    std::optional<Noise> noise;
    std::optional<Queue> queue;
    std::optional<Model> model;
    std::vector<Handle> handles;
    std::vector<Reserved> reserved;
    std::vector<Taken> taken;
    uint64_t capacity = 0, next_text = 0;
};
CQTEST_OVER_SHAPES(Random);

TEST_P(Random, calls_do_what_the_model_does)
{
    start(seed());
    const uint64_t steps = long_run() ? 1000000 : 10000;
    for (uint64_t i = 0; i < steps; ++i) {
        step();
        ASSERT_FALSE(HasFatalFailure()) << "at step " << i << ", capacity " << capacity;
    }
    finish();
}

} // namespace
} // namespace cqtest
