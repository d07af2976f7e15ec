//! Opening and lending, over and over: memory, descriptors and participants stay where they were.
//!
//! One test, in a process of its own: it counts what the whole process has.
#![allow(missing_docs)]

mod support;

use std::fs;

use cqueue::{Error, Queue};
use support::{Place, rounds};

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Mapped and resident, in pages.
fn memory() -> (i64, i64) {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let mut fields = text.split(' ').map(|field| field.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn open_and_close(place: &Place, times: usize) {
    for i in 0..times {
        let queue = place.open(100);
        if i % 16 == 0 {
            queue.fd().unwrap();
            queue.room_fd().unwrap();
        }
        if i % 4 == 0 {
            assert!(matches!(place.options().capacity(7).open("orders"), Err(Error::Mismatch(_))));
        }
    }
}

fn lend(queue: &Queue, times: usize) {
    for i in 0..times {
        let mut reserved = queue.reserve(64).unwrap();
        reserved.fill(7);
        if i % 3 == 0 {
            drop(reserved);
            continue;
        }
        reserved.commit(64).unwrap();
        let mut received = queue.take().unwrap().unwrap();
        if i % 5 == 0 {
            received.give_back().unwrap();
            received = queue.take().unwrap().unwrap();
        }
        match i % 3 {
            1 => received.release().unwrap(),
            _ => drop(received.into_owned().release_on_drop()),
        }
    }
}

fn grows_by_less_than(pages: i64, what: &str, work: impl Fn()) {
    work(); // the first round makes what is kept
    let (mapped, resident, open, running) = (memory().0, memory().1, descriptors(), threads());
    work();
    let (more_mapped, more_resident) = (memory().0 - mapped, memory().1 - resident);
    assert_eq!(descriptors(), open, "descriptors after {what}");
    assert_eq!(threads(), running, "threads after {what}");
    if std::env::var_os("CQ_SANITIZED").is_some() {
        return; // the address sanitizer keeps back what was freed, and looks for leaks itself when the process ends
    }
    assert!(more_mapped < pages, "{more_mapped} pages more are mapped after {what}");
    assert!(more_resident < pages, "{more_resident} pages more are resident after {what}");
}

#[test]
fn nothing_leaks() {
    let place = Place::new();
    let queue = place.open(100);
    let (opens, loans) = (rounds(5_000, 100_000), rounds(100_000, 1_000_000));
    grows_by_less_than(100, "opening and closing", || open_and_close(&place, opens));
    grows_by_less_than(100, "lending", || lend(&queue, loans));

    let stats = queue.stats().unwrap();
    assert_eq!((stats.participants, stats.length), (1, 0));
    let region = stats.memory;
    lend(&queue, loans);
    assert_eq!(queue.stats().unwrap().memory, region);
    for _ in 0..100 {
        queue.enqueue("x").unwrap();
    }
    assert!(matches!(queue.enqueue("x"), Err(Error::Full(_))));
}
