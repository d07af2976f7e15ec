//! How waits end, and the handle.

use std::fs;
use std::pin::pin;
use std::time::Duration;

use cqueue::Error;
use futures_util::{SinkExt, StreamExt, poll};

use crate::support::Place;
use crate::tasks;

#[tokio::test]
async fn tasks_hear_that_the_queue_was_removed() {
    let (place, full_place) = (Place::new(), Place::new());
    let (empty, full) = (tasks(&place, 1), tasks(&full_place, 1));
    full.enqueue("one").await.unwrap();
    let mut waits = Vec::new();
    for number in 0..20 {
        let (empty, full) = (empty.clone(), full.clone());
        waits.push(tokio::spawn(async move {
            match number % 4 {
                0 => empty.take().await.map(drop),
                1 => empty.stream().next().await.unwrap().map(drop),
                2 => full.enqueue("two").await,
                _ => full.sink().send("two").await,
            }
        }));
    }
    tokio::task::yield_now().await;
    fs::remove_file(place.path().join("cqueue.orders")).unwrap();
    fs::remove_file(full_place.path().join("cqueue.orders")).unwrap();
    for wait in waits {
        assert!(matches!(wait.await.unwrap(), Err(Error::Stale(_))));
    }
    assert!(matches!(empty.take().await, Err(Error::Stale(_))));
    assert_eq!(full.dequeue().await.unwrap(), b"one");
}

#[tokio::test]
async fn cancel_ends_the_waits_of_tasks_until_it_is_reset() {
    let place = Place::new();
    let queue = tasks(&place, 1);
    let waits: Vec<_> = (0..20)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.take().await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    queue.get_ref().cancel().unwrap();
    for wait in waits {
        assert!(matches!(wait.await.unwrap(), Err(Error::Cancelled(_))));
    }
    assert!(matches!(queue.dequeue().await, Err(Error::Cancelled(_))));
    queue.enqueue("there").await.unwrap();
    assert_eq!(queue.dequeue().await.unwrap(), b"there");
    queue.get_ref().reset_cancel().unwrap();
    let mut waiting = pin!(queue.dequeue());
    assert!(poll!(&mut waiting).is_pending());
    queue.get_ref().enqueue("late").unwrap();
    assert_eq!(waiting.await.unwrap(), b"late");
}

/// Threads wait on the queue afterwards as if there had been no tasks; and a queue that the user cancelled stays so.
#[tokio::test]
async fn a_queue_that_is_given_back_waits_as_before() {
    let place = Place::new();
    for cancelled in [false, true] {
        let queue = tasks(&place, 1);
        assert!(poll!(pin!(queue.take())).is_pending());
        if cancelled {
            queue.get_ref().cancel().unwrap();
        }
        let queue = queue.into_inner().unwrap();
        let waited = queue.take_wait(Duration::from_millis(1));
        assert_eq!(matches!(waited, Err(Error::Cancelled(_))), cancelled, "{waited:?}");
    }
}

/// The thread that waits goes with the queue, and with it the handle.
#[tokio::test]
async fn dropping_the_last_one_closes_the_handle() {
    let place = Place::new();
    let other = place.open(1);
    for _ in 0..100 {
        let queue = tasks(&place, 1);
        let (mut stream, clone) = (queue.stream(), queue.clone());
        assert!(poll!(stream.next()).is_pending());
        assert!(poll!(pin!(queue.take())).is_pending());
        drop(queue);
        drop(clone);
        assert_eq!(other.stats().unwrap().participants, 2);
        drop(stream);
        assert_eq!(other.stats().unwrap().participants, 1);
    }
}
