//! Waiting in tasks (feature `tokio`).
#![cfg(feature = "tokio")]
#![allow(missing_docs)]

mod ends;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod waking;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cqueue::{AsyncQueue, Batch};
use futures_util::{FutureExt, SinkExt, StreamExt, poll};
use support::{Place, rounds};

fn tasks(place: &Place, capacity: u64) -> AsyncQueue {
    AsyncQueue::new(place.open(capacity))
}

#[tokio::test]
async fn what_is_there_is_had_at_once() {
    let place = Place::new();
    let queue = tasks(&place, 10);
    queue.enqueue("one").await.unwrap();
    assert_eq!(queue.enqueue_batch(&["two", "three"]).await.unwrap(), 2);
    assert_eq!(queue.enqueue_batch::<&str>(&[]).await.unwrap(), 0);
    queue.reserve(8).await.unwrap().commit(0).unwrap();
    assert_eq!(queue.dequeue().await.unwrap(), b"one");
    let two = queue.take().await.unwrap();
    assert_eq!(*two, *b"two");
    two.release().unwrap();
    let mut batch = Batch::new(8, 64);
    assert_eq!(queue.dequeue_batch(&mut batch).await.unwrap(), 2);
    assert!(batch.iter().eq([b"three".as_slice(), b""]));
    assert!(queue.get_ref().is_empty().unwrap());
    let clone = queue.clone();
    assert!(queue.into_inner().is_none());
    assert_eq!(clone.into_inner().unwrap().name(), "orders");
}

#[tokio::test]
async fn a_task_waits_for_a_message_and_for_room() {
    let place = Place::new();
    let queue = tasks(&place, 1);
    let other = place.open(1);
    for round in 0..200_u32 {
        let message = round.to_le_bytes();
        let mut dequeued = pin!(queue.dequeue());
        assert!(poll!(&mut dequeued).is_pending());
        other.enqueue(message).unwrap();
        assert_eq!(dequeued.await.unwrap(), message);

        other.enqueue(message).unwrap();
        let mut enqueued = pin!(queue.enqueue(b"mine"));
        assert!(poll!(&mut enqueued).is_pending());
        assert_eq!(other.dequeue().unwrap().unwrap(), message);
        enqueued.await.unwrap();
        assert_eq!(other.dequeue().unwrap().unwrap(), b"mine");
    }
}

#[tokio::test]
async fn a_cancelled_wait_takes_nothing() {
    let place = Place::new();
    let queue = tasks(&place, 10);
    {
        let mut waiting = pin!(queue.take());
        assert!(poll!(&mut waiting).is_pending());
        queue.get_ref().enqueue("hello").unwrap();
    }
    assert_eq!(queue.dequeue().now_or_never().unwrap().unwrap(), b"hello");
}

#[tokio::test]
async fn a_task_that_is_cancelled_gives_its_message_back() {
    let place = Place::new();
    let queue = tasks(&place, 10);
    queue.enqueue("hello").await.unwrap();
    let (holding, held) = tokio::sync::oneshot::channel();
    let worker = tokio::spawn({
        let queue = queue.clone();
        async move {
            let message = queue.take().await.unwrap();
            holding.send(()).unwrap();
            std::future::pending::<()>().await;
            message.release().unwrap();
        }
    });
    held.await.unwrap();
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    assert_eq!(queue.take().await.unwrap().deliveries(), 2);
}

/// A task that always finds a message gives the others a chance.
#[tokio::test]
async fn a_busy_consumer_lets_others_run() {
    let place = Place::new();
    let queue = tasks(&place, 10_000);
    for _ in 0..10_000 {
        queue.enqueue("x").await.unwrap();
    }
    let consumer = tokio::spawn({
        let queue = queue.clone();
        async move {
            let mut messages = queue.stream().auto_ack();
            loop {
                drop(messages.next().await);
            }
        }
    });
    tokio::task::yield_now().await; // on the one thread that there is
    tokio::task::yield_now().await;
    let left = queue.get_ref().stats().unwrap().length;
    assert!((1..10_000).contains(&left), "{left}");
    consumer.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_tasks_share_a_handle() {
    let each = rounds(200, 20_000);
    let place = Place::new();
    let queue = tasks(&place, 17);
    let producers: Vec<_> = (0..50)
        .map(|producer| {
            let queue = queue.clone();
            tokio::spawn(async move {
                for number in 0..each {
                    let message = ((producer * each + number) as u64).to_le_bytes();
                    match producer % 3 {
                        0 => queue.enqueue(message).await.unwrap(),
                        1 => drop(queue.enqueue_batch(&[message]).await.unwrap()),
                        _ => queue.sink().send(message).await.unwrap(),
                    }
                }
            })
        })
        .collect();
    let consumers: Vec<_> = (0..50)
        .map(|consumer| {
            let queue = queue.clone();
            tokio::spawn(async move {
                let mut got = Vec::new();
                let mut messages = queue.stream().auto_ack();
                for _ in 0..each {
                    let message = match consumer % 3 {
                        0 => queue.take().await.unwrap().release_on_drop().to_vec(),
                        1 => queue.dequeue().await.unwrap(),
                        _ => messages.next().await.unwrap().unwrap().to_vec(),
                    };
                    got.push(u64::from_le_bytes(message.try_into().unwrap()));
                }
                got
            })
        })
        .collect();
    for producer in producers {
        producer.await.unwrap();
    }
    let mut all = Vec::new();
    for consumer in consumers {
        all.extend(consumer.await.unwrap());
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..50 * each as u64));
}

/// The first thing that is written: a task for each message.
#[tokio::test]
async fn messages_go_with_tasks_that_are_spawned() {
    let place = Place::new();
    let queue = tasks(&place, 100);
    queue.enqueue_batch(&["1", "2", "x", "4", "y"]).await.unwrap();
    let handled = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = queue
        .stream()
        .take(5)
        .map(|message| {
            let (message, handled) = (message.unwrap(), Arc::clone(&handled));
            tokio::spawn(async move {
                let number: usize = std::str::from_utf8(&message).unwrap().parse()?;
                message.release().unwrap();
                handled.fetch_add(number, Ordering::Relaxed);
                Ok::<(), std::num::ParseIntError>(())
            })
        })
        .collect()
        .await;
    let failed = futures_util::future::join_all(workers).await;
    assert_eq!(failed.iter().filter(|result| result.as_ref().unwrap().is_err()).count(), 2);
    assert_eq!(handled.load(Ordering::Relaxed), 7);
    assert_eq!(queue.get_ref().stats().unwrap().orphans, 2);
}

#[tokio::test]
async fn a_batch_of_loans_is_owned() {
    let place = Place::new();
    let queue = tasks(&place, 10);
    assert!(queue.take_batch(0).await.unwrap().is_empty());
    let batch = {
        let mut waiting = pin!(queue.take_batch(10));
        assert!(poll!(&mut waiting).is_pending());
        queue.get_ref().enqueue_batch(&["one", "two"]).unwrap();
        waiting.await.unwrap()
    };
    drop(queue);
    let released = tokio::spawn(async move { batch.into_iter().map(|message| message.release().unwrap()).count() });
    assert!((1..=2).contains(&released.await.unwrap()));
    let queue = place.open(10);
    queue.try_iter().for_each(|message| message.unwrap().release().unwrap());
    assert_eq!(queue.stats().unwrap().participants, 1);
}

#[test]
fn everything_goes_where_it_is_needed() {
    fn check<T: Send + Sync + 'static>() {}
    check::<AsyncQueue>();
    check::<cqueue::Incoming>();
    check::<cqueue::Outgoing<Vec<u8>>>();
    check::<cqueue::Received<'static>>();
    check::<cqueue::Reserved<'static>>();
}
