//! Waits that end before there is a message or room: cancelled, or because the queue was removed.
#![allow(missing_docs)]

mod support;

use std::ffi::{CString, c_char, c_int, c_ulong, c_void};
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime};

use cqueue::{Batch, Error, Mode, Queue};
use support::Place;

/// A wait that ends neither by what it waits for nor by what the test does fails after so long.
const LONG: Duration = Duration::from_secs(60);

/// Each way to wait for a message; the queue must be empty.
fn wait_for_messages(queue: &Queue) -> [Error; 6] {
    [
        queue.dequeue_batch_wait(&mut Batch::new(1, 1), LONG).unwrap_err(),
        queue.take_batch_wait(1, LONG).unwrap_err(),
        queue.dequeue_wait(LONG).unwrap_err(),
        queue.dequeue_into_wait(&mut [0; 64], LONG).unwrap_err(),
        queue.take_wait(LONG).unwrap_err(),
        queue.iter().next().unwrap().unwrap_err(),
    ]
}

/// Each way to wait for room; the queue must be full.
fn wait_for_room(queue: &Queue) -> [Error; 3] {
    [
        queue.enqueue_wait("two", LONG).unwrap_err(),
        queue.enqueue_batch_wait(&["two"], LONG).unwrap_err(),
        queue.reserve_wait(1, LONG).unwrap_err(),
    ]
}

fn is_cancelled(error: &Error) -> bool {
    matches!(error, Error::Cancelled(_))
}

fn is_stale(error: &Error) -> bool {
    matches!(error, Error::Stale(_))
}

/// As another process would: who calls unlink knows what becomes of the queue.
fn remove(place: &Place) {
    fs::remove_file(place.path().join("cqueue.orders")).unwrap();
}

#[test]
fn cancel_ends_the_waits_of_all_threads_until_it_is_reset() {
    let (place, full_place) = (Place::new(), Place::new());
    let (empty, full) = (place.open(1), full_place.open(1));
    full.enqueue("one").unwrap();
    thread::scope(|scope| {
        let consumers: Vec<_> = (0..10).map(|_| scope.spawn(|| wait_for_messages(&empty))).collect();
        let producers: Vec<_> = (0..10).map(|_| scope.spawn(|| wait_for_room(&full))).collect();
        while empty.stats().unwrap().waiting_consumers < 10 || full.stats().unwrap().waiting_producers < 10 {
            thread::yield_now();
        }
        empty.cancel().unwrap();
        full.cancel().unwrap();
        for consumer in consumers {
            assert!(consumer.join().unwrap().iter().all(is_cancelled));
        }
        for producer in producers {
            assert!(producer.join().unwrap().iter().all(is_cancelled));
        }
    });

    // What need not wait goes on as ever.
    assert_eq!(full.dequeue_wait(None).unwrap().unwrap(), b"one");
    full.enqueue_wait("two", None).unwrap();
    assert!(empty.dequeue().unwrap().is_none());
    let error = empty.take_wait(None).unwrap_err();
    assert_eq!((error.c_name(), error.meaning()), ("CQ_CANCELLED", "the wait was cancelled"));
    assert!(error.to_string().starts_with("\"orders\": "), "{error}");

    empty.reset_cancel().unwrap();
    assert!(empty.dequeue_wait(Duration::from_millis(1)).unwrap().is_none());
    let other = place.open(1);
    thread::scope(|scope| {
        let consumer = scope.spawn(|| empty.dequeue_wait(LONG));
        other.enqueue("late").unwrap();
        assert_eq!(consumer.join().unwrap().unwrap().unwrap(), b"late");
    });
}

#[test]
fn who_waits_is_shown_and_since_when() {
    let place = Place::new();
    let queue = place.open(1);
    let reader = place.options().mode(Mode::ReadOnly).open("orders").unwrap();
    let before = SystemTime::now() - Duration::from_secs(1); // clocks of different precision
    thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.take_wait(LONG).map(|_| ()));
        let shown = loop {
            let all = reader.participants().unwrap();
            assert_eq!(all.len(), 1, "readers are none");
            if all[0].waiting_consumers > 0 && all[0].waiting_since.is_some() {
                break all[0].clone();
            }
            assert!(before.elapsed().unwrap() < LONG, "{all:?}");
        };
        assert_eq!((shown.pid, shown.alive, shown.waiting_producers), (std::process::id(), true, 0));
        let since = shown.waiting_since.unwrap();
        assert!(before < since && since <= SystemTime::now() + Duration::from_secs(1), "{shown:?}");
        queue.cancel().unwrap();
        assert!(is_cancelled(&waiting.join().unwrap().unwrap_err()));
    });
    let idle = &queue.participants().unwrap()[0];
    assert_eq!((idle.waiting_consumers, idle.waiting_since), (0, None));
}

#[test]
fn cancel_leaves_other_handles_alone() {
    let place = Place::new();
    let (ours, theirs) = (place.open(1), place.open(1));
    ours.cancel().unwrap();
    assert!(theirs.dequeue_wait(Duration::from_millis(1)).unwrap().is_none());
    assert!(is_cancelled(&ours.dequeue_wait(Duration::from_millis(1)).unwrap_err()));
    let reader = place.options().mode(Mode::ReadOnly).open("orders").unwrap();
    let error = reader.cancel().unwrap_err();
    assert!(matches!(error, Error::ReadOnly(_)));
    assert!(error.to_string().contains("read-only"), "{error}");
    assert!(matches!(reader.reset_cancel(), Err(Error::ReadOnly(_))));
}

static INTERRUPTED: OnceLock<Queue> = OnceLock::new();

extern "C" fn interrupt(_: c_int) {
    if let Some(queue) = INTERRUPTED.get() {
        let _ = queue.cancel();
    }
}

#[test]
fn a_signal_handler_ends_a_wait() {
    const SIGUSR1: c_int = 10;
    unsafe extern "C" {
        fn signal(number: c_int, handler: extern "C" fn(c_int)) -> *const ();
        fn raise(number: c_int) -> c_int;
    }
    let place = Place::new();
    let queue = INTERRUPTED.get_or_init(|| place.open(1));
    // SAFETY: the handler does only what a handler may.
    unsafe { signal(SIGUSR1, interrupt) };
    let waiting = thread::spawn(|| queue.take_wait(LONG).map(|_| ()));
    while queue.stats().unwrap().waiting_consumers < 1 {
        thread::yield_now();
    }
    // SAFETY: the signal has a handler.
    assert_eq!(unsafe { raise(SIGUSR1) }, 0);
    assert!(is_cancelled(&waiting.join().unwrap().unwrap_err()));
}

#[test]
fn waits_end_when_the_queue_is_removed() {
    let (place, full_place) = (Place::new(), Place::new());
    let (empty, full) = (place.open(1), full_place.open(1));
    full.enqueue("one").unwrap();
    thread::scope(|scope| {
        let consumers: Vec<_> = (0..5).map(|_| scope.spawn(|| wait_for_messages(&empty))).collect();
        let producer = scope.spawn(|| wait_for_room(&full));
        remove(&place);
        remove(&full_place);
        for consumer in consumers {
            assert!(consumer.join().unwrap().iter().all(is_stale));
        }
        assert!(producer.join().unwrap().iter().all(is_stale));
    });
    // What need not wait goes on as ever, and the name leads to a new queue.
    assert_eq!(full.dequeue_wait(None).unwrap().unwrap(), b"one");
    assert!(is_stale(&full.dequeue_wait(None).unwrap_err()));
    assert_eq!(full_place.open(2).stats().unwrap().capacity, 2);
}

#[test]
fn who_knows_that_the_queue_is_removed_waits_on() {
    let (place, our_place) = (Place::new(), Place::new());
    let kept = place.options().keep_unlinked(true).open("orders").unwrap();
    let unlinked = our_place.open(1);
    remove(&place);
    our_place.options().unlink("orders").unwrap();
    for queue in [kept, unlinked] {
        assert!(queue.dequeue_wait(Duration::from_millis(300)).unwrap().is_none());
        queue.enqueue("still here").unwrap();
        assert_eq!(queue.dequeue_wait(None).unwrap().unwrap(), b"still here");
    }
}

/// What event loops own and watch.
#[test]
fn a_queue_is_a_descriptor() {
    fn watch(source: impl AsFd) -> i32 {
        source.as_fd().as_raw_fd()
    }
    let place = Place::new();
    let queue = place.open(1);
    assert_eq!(watch(&queue), queue.fd().unwrap().as_raw_fd());
    assert_eq!(queue.as_raw_fd(), queue.fd().unwrap().as_raw_fd());
}

/// A place of a few MiB, or none where nobody may mount one.
struct Small(Place, CString);

unsafe extern "C" {
    fn mount(
        source: *const c_char,
        target: *const c_char,
        kind: *const c_char,
        flags: c_ulong,
        data: *const c_void,
    ) -> c_int;
    fn umount2(target: *const c_char, flags: c_int) -> c_int;
}

impl Small {
    fn new() -> Option<Self> {
        let place = Place::new();
        let path = CString::new(place.path().to_str().unwrap()).unwrap();
        let (kind, size) = (c"tmpfs".as_ptr(), c"size=4m".as_ptr().cast());
        // SAFETY: the strings live until the call is over.
        let mounted = unsafe { mount(c"cqueue-rust".as_ptr(), path.as_ptr(), kind, 0, size) };
        (mounted == 0).then_some(Self(place, path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        const MNT_DETACH: c_int = 2;
        // SAFETY: the string lives until the call is over.
        assert_eq!(unsafe { umount2(self.1.as_ptr(), MNT_DETACH) }, 0);
    }
}

/// Whatever waits for room says in the end that it was memory that it waited for.
#[test]
fn a_wait_for_memory_says_so() {
    let Some(small) = Small::new() else {
        return eprintln!("skipped: no file system of a chosen size can be mounted");
    };
    let queue = small.0.options().open("orders").unwrap();
    let message = [1; 4096];
    while queue.enqueue(message).is_ok() {}
    let brief = Duration::from_millis(20);
    let said = [
        ("enqueue_wait", queue.enqueue_wait(message, brief).unwrap_err()),
        ("enqueue_batch_wait", queue.enqueue_batch_wait(&[message, message], brief).unwrap_err()),
        ("reserve_wait", queue.reserve_wait(4096, brief).unwrap_err()),
    ];
    for (name, error) in said {
        assert!(matches!(error, Error::NoSpace(_)), "{name}: {error:?}");
    }
    assert!(queue.len().unwrap() > 0);
}
