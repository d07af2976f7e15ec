//! The library's words in Rust's: where it names something of C that has another name here.
//!
//! It must not know what a sentence is about. Names that are the same, such as `max_message_size`, stay.

/// A longer one before one that it begins with.
const WORDS: [(&str, &str); 22] = [
    (
        "flags has CQ_EXCLUSIVE, which creates the queue, and CQ_ATTACH or CQ_READ_ONLY, which never create it",
        "Mode::Exclusive creates the queue, and other modes do not",
    ),
    ("flags has CQ_SYNC and CQ_READ_ONLY, which", "it is to sync and is Mode::ReadOnly, which"),
    ("flags has no CQ_DURABLE", "durable is not"),
    ("(CQ_TRUST; cq: --trust)", "(Options::trust)"),
    (
        "an argument is NULL or 0 and must not be, or a struct_size is not set; cq_open's config is in order",
        "an argument is invalid",
    ),
    ("the headers are not as cq_header_add makes them: each", "the headers are not in order: each"),
    ("cq_cancel_reset", "Queue::reset_cancel"),
    ("cq_cancel", "Queue::cancel"),
    ("cq_participants", "Queue::participants"),
    ("cq_enqueue_from", "Queue::enqueue_from"),
    ("cq_source", "Queue::source"),
    ("cq_sync", "Queue::sync"),
    ("CQ_READ_ONLY", "Mode::ReadOnly"),
    ("CQ_EXCLUSIVE_CONSUMER", "Options::exclusive_consumer"),
    ("CQ_EXCLUSIVE", "Mode::Exclusive"),
    ("CQ_ATTACH", "Mode::Attach"),
    ("CQ_ENQUEUE_TIMES", "Options::enqueue_times"),
    ("CQ_ANY_FILESYSTEM", "Options::any_filesystem"),
    ("CQ_KEEP_UNLINKED", "Options::keep_unlinked"),
    ("CQ_TRUST", "Options::trust"),
    ("CQ_DURABLE", "Options::durable"),
    ("CQ_SYNC", "Options::sync"),
];

pub(crate) fn in_rust(mut text: String) -> String {
    for (theirs, ours) in WORDS {
        if text.contains(theirs) {
            text = text.replace(theirs, ours);
        }
    }
    text
}
