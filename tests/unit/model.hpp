/*
 * What a queue should do, written down as simply as possible: a list of places in order, and the messages to be delivered
 * again. It knows nothing of nodes, tickets or threads. Exact for callers that come one after the other.
 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cqueue.h"

namespace cqtest {

class Model {
public:
    explicit Model(uint64_t capacity) : capacity_(capacity) {}

    struct Delivery {
        uint64_t id;
        std::string text;
        uint32_t deliveries;
    };

    /* `handle` is whose call it is. */
    int enqueue(size_t handle, const std::string &text)
    {
        if (!has_room(handle))
            return CQ_FULL;
        places_.push_back({next_id_++, State::message, text, handle});
        return CQ_OK;
    }

    /* The id of the reservation, or nothing when full. */
    std::optional<uint64_t> reserve(size_t handle)
    {
        if (!has_room(handle))
            return std::nullopt;
        places_.push_back({next_id_, State::reserved, "", handle});
        return next_id_++;
    }

    int commit(size_t handle, uint64_t id, const std::string &text)
    {
        for (Place &place : places_) {
            if (place.id == id) {
                place = {id, State::message, text, handle};
                return CQ_OK;
            }
        }
        /* Its place was given up by somebody: behind everything, if there is room. */
        return enqueue(handle, text);
    }

    void abort(uint64_t id)
    {
        for (Place &place : places_)
            if (place.id == id)
                place.state = State::given_up;
    }

    /* The size of what would be delivered next. */
    std::optional<size_t> next_size()
    {
        if (!again_.empty())
            return again_.begin()->second.text.size();
        return pass_to_a_message() ? std::optional<size_t>(places_.front().text.size()) : std::nullopt;
    }

    std::optional<Delivery> take()
    {
        if (!again_.empty()) {
            Delivery delivery = again_.begin()->second;
            again_.erase(again_.begin());
            delivery.deliveries = std::min(delivery.deliveries + 1, 255u);
            return delivery;
        }
        if (!pass_to_a_message())
            return std::nullopt;
        Delivery delivery{places_.front().id, places_.front().text, 1};
        places_.pop_front();
        return delivery;
    }

    void give_back(const Delivery &delivery) { again_[delivery.id] = delivery; }

    std::vector<std::string> walk() const
    {
        std::vector<std::string> texts;
        for (const auto &[id, delivery] : again_)
            texts.push_back(delivery.text);
        for (const Place &place : places_)
            if (place.state == State::message)
                texts.push_back(place.text);
        return texts;
    }

    uint64_t orphans() const { return again_.size(); }

private:
    enum class State { message, reserved, given_up };
    struct Place {
        uint64_t id;
        State state;
        std::string text;
        size_t handle;
    };

    /* Is there room, or can it be made: do reservations alone fill the queue, and is the first another handle's? */
    bool has_room(size_t handle)
    {
        const auto is_open = [](const Place &place) { return place.state != State::given_up; };
        if (static_cast<uint64_t>(std::count_if(places_.begin(), places_.end(), is_open)) < capacity_)
            return true;
        const auto first = std::find_if(places_.begin(), places_.end(), is_open);
        if (first->handle == handle || std::any_of(first, places_.end(), [](const Place &place) {
                return place.state == State::message;
            }))
            return false;
        places_.erase(first);
        return true;
    }

    /* What consumers do before they deliver: skip what was given up, and give reservations up in front of a message. */
    bool pass_to_a_message()
    {
        const auto message = std::find_if(places_.begin(), places_.end(),
                                          [](const Place &place) { return place.state == State::message; });
        if (message == places_.end())
            return false;
        places_.erase(places_.begin(), message);
        return true;
    }

    uint64_t capacity_;
    uint64_t next_id_ = 1;
    std::deque<Place> places_;
    std::map<uint64_t, Delivery> again_; /* oldest first */
};

} // namespace cqtest
