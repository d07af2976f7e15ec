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

#[test]
fn a_dropped_message_is_released() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue("hello").unwrap();
    drop(queue.take());
    let stats = queue.stats().unwrap();
    assert_eq!((stats.length, stats.orphans, stats.returned), (0, 0, 0));
}

#[test]
fn a_message_that_is_given_back_comes_first_again() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two"]).unwrap();
    let first = queue.take().unwrap().unwrap();
    let position = first.position();
    first.return_().unwrap();
    let again = queue.take().unwrap().unwrap();
    assert_eq!((again.position(), again.deliveries()), (position, 2));
    assert_eq!(*again, *b"one");
    drop(again.return_on_drop());
    assert_eq!(queue.take().unwrap().unwrap().deliveries(), 3);
    assert_eq!(*queue.take().unwrap().unwrap().return_on_drop(), *b"two");
    let last = queue.take().unwrap().unwrap().return_on_drop();
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
        assert_eq!(*message.unwrap(), *text.as_bytes());
    }
    let rest: Vec<Vec<u8>> =
        queue.iter_timeout(Duration::from_millis(1)).map(|message| message.unwrap().to_vec()).collect();
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
    first.return_().unwrap();

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
