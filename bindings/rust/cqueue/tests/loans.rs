//! Messages in place, and what becomes of them when a guard is dropped; iterating and walking.
#![allow(missing_docs)]

mod support;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use std::{mem, thread};

use cqueue::{Error, Queue, Received, Reserved};
use support::Place;

#[test]
fn a_message_is_written_and_read_in_place() {
    let place = Place::new();
    let queue = place.open(10);
    let mut reserved = queue.reserve(64).unwrap();
    assert_eq!(reserved.len(), 64);
    assert_eq!(reserved.as_ptr() as usize % 8, 0);
    reserved[..5].copy_from_slice(b"hello");
    let position = reserved.commit(5).unwrap();

    let received = queue.take().unwrap().unwrap();
    assert_eq!(*received, *b"hello");
    assert_eq!(received.as_ptr() as usize % 8, 0);
    assert_eq!((received.position(), received.deliveries()), (position, 1));
    assert_eq!(format!("{received:?}"), format!("Received {{ size: 5, position: {position}, deliveries: 1, .. }}"));
    received.release().unwrap();
    assert!(queue.take().unwrap().is_none());
}

#[test]
fn messages_may_be_empty() {
    let place = Place::new();
    let queue = place.open(10);
    queue.reserve(0).unwrap().commit(0).unwrap();
    assert!(queue.take().unwrap().unwrap().is_empty());
}

#[test]
fn a_dropped_reservation_is_given_up() {
    let place = Place::new();
    let queue = place.open(1);
    drop(queue.reserve(8).unwrap());
    queue.reserve(8).unwrap().abort().unwrap();
    let reserved = queue.reserve(8).unwrap();
    assert!(matches!(queue.reserve(8), Err(Error::Full(_))));
    drop(reserved);
    queue.enqueue("room again").unwrap();
}

/// Every way out but `release`.
#[test]
fn a_dropped_message_is_given_back() {
    fn parse(queue: &Queue) -> Result<u32, Box<dyn std::error::Error>> {
        let message = queue.take()?.ok_or("nothing there")?;
        let number = std::str::from_utf8(&message)?.parse()?;
        message.release()?;
        Ok(number)
    }
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue("no number").unwrap();
    drop(queue.take());
    parse(&queue).unwrap_err();
    assert!(queue.try_iter().peekable().peek().is_some());
    drop(queue.take_batch(5));
    drop(queue.take().unwrap().unwrap().into_owned());
    let stats = queue.stats().unwrap();
    assert_eq!((stats.length, stats.held, stats.returned), (1, 0, 5));
    let message = queue.take().unwrap().unwrap();
    assert_eq!((&*message, message.deliveries()), (b"no number".as_slice(), 6));
    message.release().unwrap();
    assert!(queue.take().unwrap().is_none());
}

/// That a thread panics says nothing about a message that it drops meanwhile.
#[test]
fn a_panic_elsewhere_changes_nothing() {
    struct Work<'q>(&'q Queue);
    impl Drop for Work<'_> {
        fn drop(&mut self) {
            self.0.take().unwrap().unwrap().release().unwrap();
            drop(self.0.take().unwrap().unwrap().release_on_drop());
        }
    }
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two"]).unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _work = Work(&queue);
        panic!("on purpose");
    }));
    assert!(panic.is_err());
    let stats = queue.stats().unwrap();
    assert_eq!((stats.length, stats.held, stats.returned), (0, 0, 0));
}

#[test]
fn at_most_once_is_asked_for() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two", "three", "four"]).unwrap();
    drop(queue.take().unwrap().unwrap().release_on_drop());
    drop(queue.take().unwrap().unwrap().release_on_drop().into_owned());
    assert_eq!(queue.try_iter().auto_ack().count(), 2);
    let stats = queue.stats().unwrap();
    assert_eq!((stats.length, stats.held, stats.returned), (0, 0, 0));
    queue.enqueue("five").unwrap();
    queue.take().unwrap().unwrap().release_on_drop().give_back().unwrap();
    assert_eq!(queue.take().unwrap().unwrap().deliveries(), 2);
}

#[test]
fn a_batch_of_loans_is_released_one_by_one() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["a", "b", "c", "d", "e"]).unwrap();
    let batch = queue.take_batch(4).unwrap();
    assert_eq!(batch.iter().map(|message| message[0]).collect::<Vec<_>>(), b"abcd");
    assert_eq!(queue.len().unwrap(), 1);
    for (index, message) in batch.into_iter().enumerate() {
        if index % 2 == 0 {
            message.release().unwrap(); // the others are dropped
        }
    }
    let rest = queue.take_batch(usize::MAX).unwrap();
    let mut rest: Vec<_> = rest.iter().map(|message| (message[0], message.deliveries())).collect();
    rest.sort_unstable();
    assert_eq!(rest, [(b'b', 2), (b'd', 2), (b'e', 1)]);
    let reader = place.options().mode(cqueue::Mode::ReadOnly).open("orders").unwrap();
    assert!(matches!(reader.take_batch(4), Err(Error::ReadOnly(_))));
}

/// As they are handed to threads, and outlive the queue that they came from.
#[test]
fn owned_guards_keep_the_handle_open() {
    let place = Place::new();
    let queue = place.open(10);
    let other = place.open(10);
    queue.enqueue("hello").unwrap();
    let received = queue.take().unwrap().unwrap().into_owned();
    let mut reserved = queue.reserve(8).unwrap().into_owned();
    queue.close();
    let worker = thread::spawn(move || {
        assert_eq!(received.bytes().unwrap(), b"hello");
        received.release().unwrap();
        reserved.bytes_mut().unwrap()[..5].copy_from_slice(b"later");
        reserved.commit(5).unwrap();
    });
    worker.join().unwrap();
    assert_eq!(other.stats().unwrap().participants, 1);
    assert_eq!(other.dequeue().unwrap().unwrap(), b"later");
}

#[test]
fn a_message_that_is_given_back_comes_first_again() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two"]).unwrap();
    let first = queue.take().unwrap().unwrap();
    let position = first.position();
    first.give_back().unwrap();
    let again = queue.take().unwrap().unwrap();
    assert_eq!((again.position(), again.deliveries()), (position, 2));
    assert_eq!(*again, *b"one");
    again.release().unwrap();
    let last = queue.take().unwrap().unwrap();
    assert_eq!((&*last, last.deliveries()), (b"two".as_slice(), 1));
    last.release().unwrap();
    assert!(queue.take().unwrap().is_none());
}

#[test]
fn a_panic_gives_the_message_back() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue("hello").unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let message = queue.take().unwrap().unwrap();
        assert_eq!(message.len(), 0, "on purpose");
    }));
    assert!(panic.is_err());
    let again = queue.take().unwrap().unwrap();
    assert_eq!((&*again, again.deliveries()), (b"hello".as_slice(), 2));
}

#[test]
fn a_leaked_message_is_delivered_again_after_close() {
    let place = Place::new();
    let queue = place.open(10);
    let other = place.open(10);
    queue.enqueue("hello").unwrap();
    mem::forget(queue.take());
    assert!(other.take().unwrap().is_none());
    queue.close();
    assert_eq!(other.take().unwrap().unwrap().deliveries(), 2);
}

#[test]
fn a_failed_commit_keeps_the_reservation() {
    let place = Place::new();
    let queue = place.open(2);
    let mut late = queue.reserve(4).unwrap();
    late.copy_from_slice(b"late");
    let error = late.commit(5).unwrap_err();
    assert!(matches!(error.error(), Error::TooBig(_)), "{error}");
    let late = error.into_reserved();

    // A consumer does not wait for it: it is moved behind what is there, and there is no room.
    queue.enqueue("early").unwrap();
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"early");
    queue.enqueue_batch(&["x", "y"]).unwrap();
    let error = late.commit(4).unwrap_err();
    assert!(matches!(error.error(), Error::Full(_)), "{error}");
    let late = error.into_reserved();
    assert_eq!(*late, *b"late");

    queue.dequeue().unwrap();
    late.commit(4).unwrap();
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"y");
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"late");
}

#[test]
fn a_question_mark_gives_a_failed_commit_up() {
    fn send(queue: &Queue) -> Result<(), Error> {
        queue.reserve(4)?.commit(5)?;
        Ok(())
    }
    let place = Place::new();
    let queue = place.open(1);
    assert!(matches!(send(&queue), Err(Error::TooBig(_))));
    queue.enqueue("the room is there again").unwrap();
}

#[test]
fn another_thread_may_end_a_loan() {
    let place = Place::new();
    let queue = place.open(10);
    let reserved = queue.reserve(1).unwrap();
    thread::scope(|scope| scope.spawn(|| reserved.commit(1).map(drop).unwrap()).join().unwrap());
    let received = queue.take().unwrap().unwrap();
    thread::scope(|scope| scope.spawn(|| received.release().unwrap()).join().unwrap());
    assert_eq!(queue.stats().unwrap().length, 0);
}

#[test]
fn guards_can_be_shared_and_sent() {
    fn check<T: Send + Sync>() {}
    check::<Queue>();
    check::<Reserved<'_>>();
    check::<Received<'_>>();
    check::<cqueue::Batch>();
    check::<cqueue::BatchIter<'_>>();
    check::<Error>();
}

#[test]
fn iterators_take_what_is_there() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two", "three"]).unwrap();
    let mut messages = queue.try_iter();
    for (text, message) in ["one", "two"].into_iter().zip(messages.by_ref()) {
        let message = message.unwrap();
        assert_eq!(*message, *text.as_bytes());
        message.release().unwrap();
    }
    let rest = queue.iter_timeout(Duration::from_millis(1)).auto_ack();
    let rest: Vec<Vec<u8>> = rest.map(|message| message.unwrap().to_vec()).collect();
    assert_eq!(rest, [b"three"]);
    assert!(messages.next().is_none());
    assert_eq!(queue.stats().unwrap().length, 0);
}

#[test]
fn an_iterator_waits_and_ends_after_an_error() {
    let place = Place::new();
    let queue = place.open(10);
    thread::scope(|scope| {
        let first = scope.spawn(|| queue.into_iter().next().unwrap().unwrap().to_vec());
        queue.enqueue("hello").unwrap();
        assert_eq!(first.join().unwrap(), b"hello");
    });
    let reader = place.options().mode(cqueue::Mode::ReadOnly).open("orders").unwrap();
    let mut messages = reader.iter();
    assert!(matches!(messages.next(), Some(Err(Error::ReadOnly(_)))));
    assert!(messages.next().is_none());
}

#[test]
fn a_walk_shows_and_takes_nothing() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "", "three"]).unwrap();
    let first = queue.take().unwrap().unwrap();
    let position = first.position();
    first.give_back().unwrap();

    let reader = place.options().mode(cqueue::Mode::ReadOnly).open("orders").unwrap();
    let mut seen = Vec::new();
    let end = reader.walk(|message| {
        seen.push((message.data.to_vec(), message.position - position, message.deliveries));
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(end.unwrap(), None);
    assert_eq!(seen.iter().map(|(data, ..)| data.as_slice()).collect::<Vec<_>>(), [b"one".as_slice(), b"", b"three"]);
    assert_eq!(seen.iter().map(|&(_, position, _)| position).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(seen.iter().map(|&(.., deliveries)| deliveries).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(queue.walk(|message| ControlFlow::Break(message.data.len())).unwrap(), Some(3));
    assert_eq!(queue.stats().unwrap().length, 3);
}

#[test]
fn a_panic_in_a_visitor_comes_out_of_the_walk() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two"]).unwrap();
    let mut calls = 0;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        queue.walk(|_| -> ControlFlow<()> {
            calls += 1;
            panic!("on purpose")
        })
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"on purpose"));
    assert_eq!(calls, 1);
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"one");
}
