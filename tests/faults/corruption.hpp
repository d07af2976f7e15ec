/*
 * A victim: a process that uses a region while the words in it are made to lie, one lie after the other. It runs as a
 * child, so that a crash or a hang is an observation; it notes what it is doing where its parent can read it.
 */
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ctime>
#include <sys/time.h>

#include "faults/corruption_words.hpp"
#include "support/process.hpp"

namespace cqtest {

/* What the victim is at. Plain words: its parent reads them when it is dead. */
struct Note {
    uint64_t next;   /* the number of the lie it is at, or will be */
    uint64_t total;  /* lies there are; 0: not known yet */
    uint64_t offset; /* of the word, or the seed of many */
    uint64_t value;
    const char *volatile operation; /* the victim is a fork: the address means the same here */
    uint64_t refused;               /* operations that said CQ_ECORRUPT */
    uint64_t wrong;                 /* a result that is none of the operation's, plus 1000 */
    double slowest;                 /* seconds of processor time that an operation took */
    const char *slowest_operation;
    uint64_t slowest_lie;
};

inline double processor_time()
{
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/* Every operation on a handle, each with the results it may have. */
class Operations {
public:
    Operations(cq_queue *queue, Note &note, size_t limit) : queue_(queue), note_(note), limit_(limit), buffer_(limit + 64)
    {
        Stats stats;
        special_ = cq_stat(queue, &stats) != CQ_OK || stats.max_headers != 0 || stats.exclusive_consumer != 0;
    }

    /* The loans that were made before the lie are settled as well. */
    void lend(const Message &taken, const Message &reserved)
    {
        taken_ = taken;
        reserved_ = reserved;
    }

    void all(uint64_t first)
    {
        Message taken = taken_, reserved = reserved_;
        const std::function<void()> operations[] = {
            [&] { enqueue(3, 1); },
            [&] { dequeue(1); },
            [&] { batches(); },
            [&] { loans(); },
            [&] {
                if (special_)
                    feed();
            },
            [&] {
                if (reserved.data != nullptr)
                    check("cq_commit of a loan", cq_commit(queue_, &reserved, 1), {CQ_FULL, CQ_ENOTHELD, CQ_ENOSPACE});
            },
            [&] {
                if (taken.data != nullptr)
                    check("cq_release of a loan", cq_release(queue_, &taken), {CQ_ENOTHELD});
            },
            [&] { check("cq_walk", cq_walk(queue_, look, this), {}); },
            [&] {
                Stats stats;
                check("cq_stat", cq_stat(queue_, &stats), {});
            },
            [&] {
                Recovery recovery;
                check("cq_recover", cq_recover(queue_, &recovery), {});
            },
            [&] { enqueue(limit_, 12); },
            [&] { dequeue(12); },
            [&] {
                size_t size = 0;
                check("cq_dequeue_wait", cq_dequeue_wait(queue_, buffer_.data(), limit_, &size, 1), {CQ_TIMEOUT});
                check("cq_enqueue_wait", cq_enqueue_wait(queue_, buffer_.data(), 1, 1), {CQ_TIMEOUT, CQ_ENOSPACE});
            },
        };
        for (size_t i = 0; i < std::size(operations); ++i) {
            const double before = processor_time();
            operations[(first + i) % std::size(operations)]();
            const double took = processor_time() - before;
            if (took > note_.slowest) {
                note_.slowest = took;
                note_.slowest_operation = note_.operation;
                note_.slowest_lie = note_.next;
            }
        }
    }

private:
    void check(const char *operation, int result, std::initializer_list<int> allowed)
    {
        note_.operation = operation;
        note_.refused += result == CQ_ECORRUPT;
        if (result == CQ_OK || result == CQ_ECORRUPT || (special_ && result == CQ_ECONSUMER))
            return;
        for (const int other : allowed)
            if (result == other)
                return;
        note_.wrong = static_cast<uint64_t>(result + 1000);
    }

    void enqueue(size_t size, int times)
    {
        for (int i = 0; i < times; ++i)
            check("cq_enqueue", cq_enqueue(queue_, buffer_.data(), size), {CQ_FULL, CQ_ENOSPACE});
    }

    void dequeue(int times)
    {
        size_t size = 0;
        check("cq_dequeue of nothing", cq_dequeue(queue_, nullptr, 0, &size), {CQ_EMPTY, CQ_ETOOSMALL});
        for (int i = 0; i < times; ++i) {
            size = 0;
            std::memset(buffer_.data() + limit_, 0x5a, 64);
            check("cq_dequeue", cq_dequeue(queue_, buffer_.data(), limit_, &size), {CQ_EMPTY});
            for (size_t byte = 0; byte < 64; ++byte)
                if (size > limit_ || buffer_[limit_ + byte] != 0x5a)
                    note_.wrong = 1; /* wrote past the buffer */
        }
    }

    void batches()
    {
        cq_slice slices[5] = {};
        size_t done = 0;
        for (cq_slice &slice : slices)
            slice = {buffer_.data(), 2};
        check("cq_enqueue_batch", cq_enqueue_batch(queue_, slices, 5, &done), {CQ_FULL, CQ_ENOSPACE});
        check("cq_dequeue_batch", cq_dequeue_batch(queue_, buffer_.data(), limit_, slices, 5, &done),
              {CQ_EMPTY, CQ_ETOOSMALL});
    }

    void loans()
    {
        Message message;
        const std::initializer_list<int> full{CQ_FULL, CQ_ENOSPACE}, lost{CQ_ENOTHELD};
        for (const bool keep : {true, false}) {
            int result = cq_reserve(queue_, limit_, &message);
            check("cq_reserve", result, full);
            if (result == CQ_OK && keep)
                check("cq_commit", cq_commit(queue_, &message, 1), {CQ_FULL, CQ_ENOTHELD, CQ_ENOSPACE});
            else if (result == CQ_OK)
                check("cq_abort", cq_abort(queue_, &message), lost);
            result = cq_take(queue_, &message);
            check("cq_take", result, {CQ_EMPTY});
            if (result != CQ_OK)
                continue;
            if (message.size > limit_)
                note_.wrong = 2; /* lent more than there is */
            else
                std::memcpy(buffer_.data(), message.data, message.size);
            if (special_) {
                read_headers(message);
                check("cq_return_after", cq_return_after(queue_, &message, keep ? 1 : CQ_TO_TAIL), {CQ_ENOTHELD, CQ_ENOSPACE});
            } else
                check("cq_release or return", keep ? cq_return(queue_, &message) : cq_release(queue_, &message), lost);
        }
    }

    void read_headers(const Message &message)
    {
        cq_slice headers{}, value{};
        int64_t when;
        check("cq_headers", cq_headers(queue_, &message, &headers), {CQ_EFEATURE});
        if (headers.size > 65535)
            note_.wrong = 4; /* more than there is room for */
        else
            check("cq_header_find", cq_header_find(headers.data, headers.size, "no such", &value),
                  {CQ_EMPTY, CQ_EHEADERS});
        check("cq_enqueue_time", cq_enqueue_time(queue_, &message, &when), {CQ_EFEATURE});
    }

    /* From a source that is known, one that is not, and what goes beyond either. */
    void feed()
    {
        const cq_outgoing message{sizeof message, 0, buffer_.data(), 1, nullptr, 0};
        uint64_t number = 0;
        for (const char *source : {"stream", "stream", "other"})
            check("cq_enqueue_from", cq_enqueue_from(queue_, &message, source, ++number_),
                  {CQ_FULL, CQ_DUPLICATE, CQ_ENOSPACE, CQ_ESOURCES});
        check("cq_raise_source", cq_raise_source(queue_, "stream", ++number_), {CQ_DUPLICATE, CQ_ENOSPACE, CQ_ESOURCES});
        check("cq_source", cq_source(queue_, "stream", &number), {});
        check("cq_sources", cq_sources(queue_, [](const char *name, uint64_t, void *) { return int{std::strlen(name) > 200}; },
                                       nullptr), {});
    }

    static int look(const cq_message *message, void *context)
    {
        auto *self = static_cast<Operations *>(context);
        if (message->size > self->limit_)
            self->note_.wrong = 3; /* showed more than there is */
        else
            std::memcpy(self->buffer_.data(), message->data, message->size);
        return 0;
    }

    cq_queue *queue_;
    Note &note_;
    size_t limit_;
    std::vector<unsigned char> buffer_;
    bool special_;
    uint64_t number_ = 10;
    Message taken_, reserved_;
};

/* A region as it was, to be put back after each lie. What it has no memory for is left alone. */
class Image {
public:
    explicit Image(const RegionBytes &bytes) : bytes_(bytes)
    {
        add(0, field::end);
        add(field::participants, 8 * field::participant_size);
        add(field::summary, 8);
        add(bytes.get(field::bitmap_offset), 8);
        add(bytes.marks(), 8);
        add(field::source_table, 4 * field::source_size);
        add(bytes.dues(), bytes.get(field::node_count) * bytes.get<uint32_t>(field::slots_per_node) * 8);
        add(bytes.get(field::states_offset), bytes.get(field::node_count) * 8);
        add(bytes.get(field::nodes_offset), bytes.get(field::node_count) * bytes.get(field::node_stride));
    }

    void restore() const
    {
        for (const Piece &piece : pieces_)
            std::memcpy(bytes_.at(piece.offset), piece.content.data(), piece.content.size());
    }

private:
    struct Piece {
        uint64_t offset;
        std::string content;
    };

    void add(uint64_t offset, uint64_t size)
    {
        pieces_.push_back({offset, {reinterpret_cast<const char *>(bytes_.at(offset)), size}});
    }

    const RegionBytes &bytes_;
    std::vector<Piece> pieces_;
};

/* Processor time for one lie and all operations; counted in that, a busy machine makes no hang. */
inline void limit_processor_time(int seconds)
{
    const itimerval limit{{0, 0}, {seconds, 0}};
    ::setitimer(ITIMER_PROF, &limit, nullptr);
}

} // namespace cqtest
