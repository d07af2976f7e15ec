//! Copying messages in and out, one and many at a time.
#![allow(missing_docs)]

mod support;

use std::io;
use std::thread;
use std::time::Duration;

use cqueue::{Batch, Error};
use support::Place;

const SOON: Duration = Duration::from_millis(5);
/// What does not end before has failed.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn messages_come_out_in_order() {
    let place = Place::new();
    let queue = place.open(10);
    for text in ["one", "", "three"] {
        queue.enqueue(text).unwrap();
    }
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"one");
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"");
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"three");
    assert_eq!(queue.dequeue().unwrap(), None);
}

#[test]
fn exactly_capacity_messages_are_accepted() {
    let place = Place::new();
    let queue = place.open(3);
    for _ in 0..3 {
        queue.enqueue([1]).unwrap();
    }
    let error = queue.enqueue([1]).unwrap_err();
    assert!(matches!(error, Error::Full(_)));
    assert_eq!(error.to_string(), "\"orders\": full, 3 of at most 3 messages are waiting: try later or wait");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::WouldBlock);
    assert_eq!(queue.dequeue().unwrap().unwrap(), [1]);
    queue.enqueue([1]).unwrap();
}

#[test]
fn waiting_ends_when_it_times_out() {
    let place = Place::new();
    let queue = place.open(1);
    assert_eq!(queue.dequeue_wait(SOON).unwrap(), None);
    assert_eq!(queue.dequeue_into_wait(&mut [0; 64], SOON).unwrap(), None);
    assert!(queue.take_wait(SOON).unwrap().is_none());
    queue.enqueue("x").unwrap();
    let error = queue.enqueue_wait("y", SOON).unwrap_err();
    assert!(matches!(error, Error::Timeout(_)));
    assert_eq!(error.to_string(), "\"orders\": timed out");
    assert!(matches!(queue.enqueue_batch_wait(&["y", "z"], SOON), Err(Error::Timeout(_))));
    assert!(matches!(queue.reserve_wait(1, SOON), Err(Error::Timeout(_))));
    assert!(matches!(queue.reserve_wait(1, Duration::ZERO), Err(Error::Timeout(_))));
    assert_eq!(queue.dequeue_wait(Duration::MAX).unwrap().unwrap(), b"x");
    let mut batch = Batch::new(4, 64);
    assert_eq!(queue.dequeue_batch_wait(&mut batch, SOON).unwrap(), 0);
    assert!(queue.take_batch_wait(4, SOON).unwrap().is_empty());
    assert!(queue.take_batch_wait(0, None).unwrap().is_empty());
    assert_eq!(queue.enqueue_batch_wait::<&str>(&[], None).unwrap(), 0);
}

/// As many as there is room for; then the caller waits for the rest.
#[test]
fn batches_and_reservations_wait_for_room_and_messages() {
    let place = Place::new();
    let queue = place.open(3);
    thread::scope(|scope| {
        scope.spawn(|| {
            let all: Vec<_> = (0..50_u8).map(|number| [number]).collect();
            let mut rest = all.as_slice();
            while !rest.is_empty() {
                let done = queue.enqueue_batch_wait(rest, LONG).unwrap();
                assert!(done > 0);
                rest = &rest[done..];
            }
            let mut reserved = queue.reserve_wait(1, LONG).unwrap();
            reserved[0] = 50;
            reserved.commit(1).unwrap();
        });
        let (mut got, mut batch) = (Vec::new(), Batch::new(2, 64));
        while got.len() < 51 {
            if got.len() % 2 == 0 {
                assert!(queue.dequeue_batch_wait(&mut batch, LONG).unwrap() > 0);
                got.extend(batch.iter().map(|message| message[0]));
            } else {
                let taken = queue.take_batch_wait(2, LONG).unwrap();
                assert!((1..=2).contains(&taken.len()));
                got.extend(taken.iter().map(|message| message[0]));
                taken.into_iter().for_each(|message| message.release().unwrap());
            }
        }
        assert!(got.into_iter().eq(0..51));
    });
}

#[test]
fn the_length_is_what_waits() {
    let place = Place::new();
    let queue = place.open(10);
    assert_eq!((queue.capacity().unwrap(), queue.max_message_size().unwrap()), (10, 64));
    assert!(queue.is_empty().unwrap());
    queue.enqueue_batch(&["one", "two", "three"]).unwrap();
    let held = queue.take().unwrap().unwrap();
    assert_eq!(queue.len().unwrap(), 2);
    held.give_back().unwrap();
    assert_eq!(queue.len().unwrap(), 3);
    let reader = place.options().mode(cqueue::Mode::ReadOnly).open("orders").unwrap();
    assert_eq!((reader.len().unwrap(), reader.is_empty().unwrap(), reader.capacity().unwrap()), (3, false, 10));
}

#[test]
fn who_waits_is_woken() {
    let place = Place::new();
    let queue = place.open(1);
    thread::scope(|scope| {
        scope.spawn(|| {
            for text in ["one", "two", "three", "four"] {
                queue.enqueue_wait(text, None).unwrap();
            }
        });
        let mut buffer = [0; 64];
        assert_eq!(queue.dequeue_wait(None).unwrap().unwrap(), b"one");
        let two = queue.take_wait(None).unwrap().unwrap();
        assert_eq!(*two, *b"two");
        two.release().unwrap();
        assert_eq!(queue.dequeue_into_wait(&mut buffer, None).unwrap().unwrap(), b"three");
        assert_eq!(queue.dequeue_wait(Duration::from_secs(3600)).unwrap().unwrap(), b"four");
    });
}

#[test]
fn a_message_that_does_not_fit_stays() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue("hello").unwrap();
    for error in [queue.dequeue_into(&mut [0; 4]).unwrap_err(), queue.dequeue_into_wait(&mut [], None).unwrap_err()] {
        assert!(matches!(error, Error::TooSmall(_)));
        assert_eq!(error.details().size(), 5);
        assert!(error.to_string().contains("the message has 5 bytes, more than the buffer"), "{error}");
    }
    let mut buffer = [b'.'; 8];
    assert_eq!(queue.dequeue_into(&mut buffer).unwrap().unwrap(), b"hello");
    assert_eq!(&buffer, b"hello...");
    assert_eq!(queue.dequeue_into(&mut buffer).unwrap(), None);
}

#[test]
fn a_message_that_is_too_big_is_refused() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue([0; 64]).unwrap();
    for error in [
        queue.enqueue([0; 65]).unwrap_err(),
        queue.enqueue_wait([0; 65], None).unwrap_err(),
        queue.reserve(65).unwrap_err(),
        queue.enqueue_batch(&[vec![0; 3], vec![0; 65]]).unwrap_err(),
    ] {
        assert!(matches!(error, Error::TooBig(_)));
        assert_eq!(error.details().size(), 65);
        assert!(error.to_string().contains("a message of 65 bytes, the region takes 64 at most"), "{error}");
    }
    assert_eq!(queue.stats().unwrap().length, 1);
}

#[test]
fn a_batch_goes_in_as_far_as_there_is_room() {
    let place = Place::new();
    let queue = place.open(3);
    assert_eq!(queue.enqueue_batch::<&str>(&[]).unwrap(), 0);
    assert_eq!(queue.enqueue_batch(&["one", "two"]).unwrap(), 2);
    assert_eq!(queue.enqueue_batch(&["three", "four"]).unwrap(), 1);
    assert_eq!(queue.enqueue_batch(&["four"]).unwrap(), 0);
    for text in ["one", "two", "three"] {
        assert_eq!(queue.dequeue().unwrap().unwrap(), text.as_bytes());
    }
}

/// One more than is passed on without allocating, and many more.
#[test]
fn batches_may_be_long() {
    let place = Place::new();
    let queue = place.open(2000);
    for count in [1, 63, 64, 65, 1000] {
        let messages: Vec<String> = (0..count).map(|i| "m".repeat(i % 40)).collect();
        assert_eq!(queue.enqueue_batch(&messages).unwrap(), count);
        let mut batch = Batch::new(count, 40 * count);
        assert_eq!(queue.dequeue_batch(&mut batch).unwrap(), count);
        assert!(batch.iter().eq(messages.iter().map(String::as_bytes)));
        assert_eq!(batch.iter().len(), count);
    }
}

#[test]
fn a_batch_takes_what_fits_and_grows_for_a_single_message() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["aaaa", "bbbb", "cccc", "", "dddd"]).unwrap();
    let mut batch = Batch::new(8, 10);
    assert!(batch.is_empty());
    let mut seen: Vec<Vec<Vec<u8>>> = Vec::new();
    while queue.dequeue_batch(&mut batch).unwrap() > 0 {
        assert_eq!(batch.len(), batch.iter().count());
        seen.push(batch.into_iter().map(<[u8]>::to_vec).collect());
    }
    assert_eq!(seen, [vec![b"aaaa".to_vec(), b"bbbb".to_vec()], vec![b"cccc".to_vec(), vec![], b"dddd".to_vec()]]);
    assert!(batch.is_empty());

    queue.enqueue([7; 64]).unwrap();
    let mut batch = Batch::new(0, 0); // room for one, as it says
    assert_eq!(queue.dequeue_batch(&mut batch).unwrap(), 1);
    assert!(batch.iter().eq([[7; 64]]));
}

#[test]
fn stats_count_what_happens() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["a", "b", "c"]).unwrap();
    queue.dequeue().unwrap();
    queue.take().unwrap().unwrap().give_back().unwrap();
    let stats = queue.stats().unwrap();
    assert_eq!((stats.enqueued, stats.dequeued, stats.returned), (3, 2, 1));
    assert_eq!((stats.length, stats.orphans), (2, 1));
    assert_eq!((stats.participants, stats.waiting_consumers, stats.waiting_producers), (1, 0, 0));
    let age = stats.created.elapsed().unwrap();
    assert!(age < Duration::from_secs(3600), "{age:?}");
    queue.take().unwrap().unwrap().release().unwrap();
    assert_eq!(queue.stats().unwrap().redelivered, 1);
}
