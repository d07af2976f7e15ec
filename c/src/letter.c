/*
 * letter.c - messages that are given up go to the queue dead_letter, exactly once.
 *
 * It owns the mover's lease, and the words of the message that is being moved. It must not know why a message is
 * given up beyond the word for it (orphan.c decides).
 *
 * One participant moves at a time. It notes which message it moves (moving), claims it, and feeds it to the other queue
 * as a source does: the source is this region's id, the number one more than the last (moved). Then the message is DONE
 * here, the number is raised, and the note goes. Killed anywhere, the note stays: the message is an orphan again, or
 * DONE. The next mover goes on with it first, under the same number, which the other queue takes once. A note about a
 * message that is gone means that it arrived: the number was used.
 *
 * From a durable queue the note is on the disk before the message goes over, and the message is on the other queue's
 * disk, if it has one, before it is DONE here: so a power cut doubles none and loses none.
 *
 * If it cannot be moved, it stays an orphan, and this handle passes it by for a while. So does a handle that finds
 * another one moving; if that is stopped in the middle, no message is given up until it goes on or dies, and all
 * others are delivered.
 */
#include "letter.h"

#include "config.h"
#include "fast.h"
#include "headers.h"
#include "lease.h"
#include "os.h"
#include "participant.h"
#include "region.h"
#include "source.h"
#include "sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AFTER_OTHERS INT64_C(10000000)   /* another one is moving */
#define AFTER_FAILURE INT64_C(500000000) /* the other queue is full, missing, ... */

static void set_word(_Atomic uint64_t *word, uint64_t value)
{
    /* moving:A release, pairs with moving:B. */
    atomic_store_explicit(word, value, memory_order_release);
}
static uint64_t get_word(_Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire); /* moving:B, pairs with moving:A */
}

/* The name of this queue, and its directory, from its path. */
static const char *name_of(const cq_queue *queue) { return strrchr(queue->path, '/') + sizeof "/cqueue." - 1; }
static bool split_path(const cq_queue *queue, char directory[], size_t room)
{
    size_t length = (size_t)(strrchr(queue->path, '/') - queue->path);

    if (length >= room)
        return false;
    memcpy(directory, queue->path, length);
    directory[length] = '\0';
    return true;
}

/* An open handle on the other queue, by its name now. */
static int open_letters(cq_queue *queue)
{
    char directory[4096];
    cq_config config = {.struct_size = sizeof config, .directory = directory,
                        .flags = CQ_ATTACH | CQ_ANY_FILESYSTEM | CQ_TRUST};

    if (!split_path(queue, directory, sizeof directory))
        return CQ_ESYSTEM;
    if (queue->letters && region_is_linked(queue->letters))
        return CQ_OK;
    cq_close(queue->letters);
    queue->letters = NULL;
    config.directory = *directory ? directory : "/";
    return cq_open(queue->header->dead_letter, &config, &queue->letters);
}

static void add_header(unsigned char *headers, size_t room, size_t *size, const char *key, const char *value)
{
    cq_header_add(headers, room, size, key, value, strlen(value)); /* or it is there already, or does not fit */
}

/* The message's own headers, and why it is given up, as far as the other queue takes them. */
static size_t write_headers(cq_queue *queue, const struct run *run, unsigned char *headers)
{
    const unsigned char *payload = slot_payload(queue, run_slot(queue, run, 0));
    size_t room = (size_t)queue->letters->geometry.max_headers, size = 0;
    char deliveries[16];
    bool often = queue->geometry.max_deliveries != 0 && run->deliveries >= queue->geometry.max_deliveries;

    if (queue->geometry.max_headers > 0 && room > 0) {
        cq_slice own = headers_of(queue, payload);
        size = own.size <= room ? own.size : 0;
        memcpy(headers, own.data, size);
    }
    snprintf(deliveries, sizeof deliveries, "%u", (unsigned)run->deliveries);
    add_header(headers, room, &size, "cq-dead-letter", often ? "deliveries" : "expired");
    add_header(headers, room, &size, "cq-queue", name_of(queue));
    add_header(headers, room, &size, "cq-deliveries", deliveries);
    return size;
}

#define SOURCE_LENGTH (2 * sizeof ((struct layout_header *)0)->id)

/* What the other queue knows this one as. */
static void name_source(const cq_queue *queue, char source[SOURCE_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof queue->header->id; ++i) {
        source[2 * i] = digits[queue->header->id[i] >> 4];
        source[2 * i + 1] = digits[queue->header->id[i] & 15];
    }
    source[SOURCE_LENGTH] = '\0';
}

/* Feed it to the other queue under this number. CQ_OK: it is there, now or before. */
static int send_over(cq_queue *queue, const struct run *run, uint64_t number)
{
    char source[SOURCE_LENGTH + 1];
    struct layout_slot *slot = run_slot(queue, run, 0);
    size_t size = 0;
    int result = slot_size(queue, slot, atomic_load_explicit(&slot->state, memory_order_relaxed), &size); /* ours */
    unsigned char *headers = malloc((size_t)queue->letters->geometry.max_headers + 1);

    if (!headers || result != CQ_OK) {
        free(headers);
        return result != CQ_OK ? result : CQ_ENOMEM;
    }
    name_source(queue, source);
    cq_outgoing message = {.struct_size = sizeof message, .data = slot_payload(queue, slot), .size = size,
                           .headers = headers, .headers_size = write_headers(queue, run, headers)};
    result = cq_enqueue_from(queue->letters, &message, source, number);
    free(headers);
    return result == CQ_DUPLICATE ? CQ_OK : result;
}

static bool claim_spent_pinned(cq_queue *queue, struct run *run)
{
    struct layout_slot *slot = run_slot(queue, run, 0);
    uint64_t word = slot_load(queue, node_at(queue, run->node), run->index);

    if (word_sequence(word) != run->sequence || slot_phase(word) != SLOT_ORPHAN)
        return false;
    run->deliveries = slot_deliveries(word);
    /* orphan_claim:C acquire, pairs with finish:A. The deliveries stay: this is none. */
    return atomic_compare_exchange_strong_explicit(
        &slot->state, &word,
        slot_word(run->sequence, run->deliveries, SLOT_READING | slot_short(word), queue->owner), memory_order_seq_cst,
        memory_order_relaxed);
}

/* Claim an orphan, which is nobody's. *run has its deliveries so far. */
static bool claim_spent(cq_queue *queue, struct run *run)
{
    pin_all(queue); /* its node may have gone */
    bool claimed = node_lives(queue, link_word(run->sequence, run->node)) && claim_spent_pinned(queue, run);
    pin_none(queue);
    return claimed;
}

/* Of a claimed one: it is an orphan again, or DONE. */
static void let_go(cq_queue *queue, const struct run *run, bool moved)
{
    struct layout_slot *slot = run_slot(queue, run, 0);
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_relaxed); /* ours */

    if (moved) {
        struct run orphan = *run;
        orphan.deliveries = 2; /* it has no place behind deq, see fast_finished */
        fast_finish(queue, &orphan, 0);
        return;
    }
    /* finish:A release, pairs with orphan_claim:C. A store will do, as in fast_finish. */
    atomic_store_explicit(&slot->state,
                          slot_word(run->sequence, run->deliveries, SLOT_ORPHAN | slot_short(word), 0),
                          memory_order_release);
    orphan_made(queue, run->node);
    orphan_announce(queue);
}

/* Of a durable queue: have on the disk what was done. */
static int flush_whole(cq_queue *queue) { return queue->durable ? sync_now(queue, SYNC_PATIENT) : CQ_OK; }

/* The note says that the message is gone, or will be under the next number. */
static void end_note(cq_queue *queue, bool moved)
{
    if (moved)
        set_word(&queue->header->moved, get_word(&queue->header->moved) + 1);
    set_word(&queue->header->moving, 0);
}

/* With the lease. The message was noted; it is at hand if it can be claimed. If the other queue refuses it, it is not
   there, and the note may go; if a disk fails, it may be there. */
static int move_noted(cq_queue *queue, struct run *run)
{
    if (!claim_spent(queue, run))
        return CQ_EMPTY;
    bool often = queue->geometry.max_deliveries != 0 && run->deliveries >= queue->geometry.max_deliveries;
    int result = flush_whole(queue), failed = result;
    if (result == CQ_OK)
        result = send_over(queue, run, get_word(&queue->header->moved) + 1);
    if (result == CQ_OK && queue->durable)
        result = failed = flush_whole(queue->letters);
    let_go(queue, run, result == CQ_OK);
    if (failed != CQ_OK)
        return failed;
    if (result == CQ_OK && !often)
        atomic_fetch_add_explicit(&queue->header->expired, 1, memory_order_relaxed); /* a count */
    end_note(queue, result == CQ_OK);
    return result;
}

/* Where the message is that a ticket says, if its node lives the same life still. */
static bool find_noted(cq_queue *queue, uint64_t ticket, struct run *run)
{
    uint64_t touched = node_touched(queue);

    if (ticket_index(ticket) >= queue->geometry.slots_per_node)
        return false;
    for (uint32_t n = 0; n < touched; ++n) {
        /* node_state:A, pairs with help_tail:C: is it the same life still? */
        uint64_t state = atomic_load_explicit(&queue->states[n], memory_order_acquire);
        if (word_sequence(state) == word_sequence(ticket) && node_is_listed(state)) {
            *run = run_of(queue, word_sequence(ticket), n, ticket_index(ticket), 1);
            return true;
        }
    }
    return false;
}

/* What a dead mover had noted: go on with it, or know that it arrived. */
static int finish_note(cq_queue *queue)
{
    struct layout_header *header = queue->header;
    uint64_t ticket = get_word(&header->moving);
    struct run run;

    if (ticket == 0)
        return CQ_OK;
    if (find_noted(queue, ticket, &run)) {
        int result = move_noted(queue, &run);
        if (result != CQ_EMPTY)
            return result;
    }
    end_note(queue, true);
    return CQ_OK;
}

/* Nothing is noted. The next number is above that of any message that the other queue has got: more may have gone over
   than the directory knew of that this region was made from, if that is a copy. */
static void catch_up(cq_queue *queue)
{
    char source[SOURCE_LENGTH + 1];
    uint32_t entry;

    name_source(queue, source);
    if (source_find(queue->letters, source, SOURCE_LENGTH, &entry) &&
        source_number(queue->letters, entry) > get_word(&queue->header->moved))
        set_word(&queue->header->moved, source_number(queue->letters, entry));
}

static int move_spent(cq_queue *queue, struct run *run)
{
    int result = open_letters(queue); /* before any note is touched: only that queue knows what has arrived */

    if (result != CQ_OK || (result = finish_note(queue)) != CQ_OK)
        return result;
    catch_up(queue);
    set_word(&queue->header->moving, ticket_word(run->sequence, run->index, 0));
    result = move_noted(queue, run);
    if (result == CQ_EMPTY) /* the one before was this one, or somebody else has moved it */
        set_word(&queue->header->moving, 0);
    return result == CQ_EMPTY ? CQ_OK : result;
}

/* Move an orphan that is given up, and that nobody has claimed. Whatever comes of it, this handle's next search finds
   something else, or nothing. */
void letter_move(cq_queue *queue, const struct run *spent)
{
    struct run run = *spent;
    int64_t pause = AFTER_OTHERS;
    bool stray = lease_is_stray(queue, &queue->header->mover);

    if (lease_take(queue, &queue->header->mover)) {
        int before = os_hold_cancellation(), result = move_spent(queue, &run);
        /* Relaxed: for people. */
        atomic_store_explicit(&queue->header->move_result, result, memory_order_relaxed);
        lease_drop(&queue->header->mover, queue->owner);
        os_restore_cancellation(before);
        if (result == CQ_OK)
            return;
        pause = AFTER_FAILURE;
    } else if (stray) /* Relaxed: for people. */
        atomic_store_explicit(&queue->header->move_result, CQ_ECORRUPT, memory_order_relaxed);
    /* Relaxed: a hint. */
    atomic_store_explicit(&queue->letters_after, (uint64_t)(os_clock(OS_DATE_COARSE) + pause), memory_order_relaxed);
}
