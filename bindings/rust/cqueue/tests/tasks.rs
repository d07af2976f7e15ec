//! Waiting in tasks (feature `tokio`).
#![cfg(feature = "tokio")]
#![allow(missing_docs)]

mod support;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use cqueue::{AsyncQueue, Batch, Error, Mode};
use futures_util::{FutureExt, SinkExt, StreamExt, poll, stream};
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
    assert_eq!(*queue.take().await.unwrap(), *b"two");
    let mut batch = Batch::new(8, 64);
    assert_eq!(queue.dequeue_batch(&mut batch).await.unwrap(), 2);
    assert!(batch.iter().eq([b"three".as_slice(), b""]));
    assert_eq!(queue.get_ref().stats().unwrap().length, 0);
    assert_eq!(queue.into_inner().name(), "orders");
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
async fn a_task_that_is_cancelled_may_give_its_message_back() {
    let place = Place::new();
    let queue = Arc::new(tasks(&place, 10));
    queue.enqueue("hello").await.unwrap();
    let (holding, held) = tokio::sync::oneshot::channel();
    let worker = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move {
            let message = queue.take().await.unwrap().return_on_drop();
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

#[tokio::test]
async fn a_stream_and_a_sink_pass_everything_in_order() {
    let place = Place::new();
    let queue = tasks(&place, 3);
    let count = rounds(10_000, 1_000_000) as u64;
    let mut sink = queue.sink::<[u8; 8]>().unwrap();
    let mut source = stream::iter((0..count).map(|number| Ok(number.to_le_bytes())));
    let received = queue.stream().unwrap().take(count as usize).enumerate();
    let (sent, received) = tokio::join!(
        sink.send_all(&mut source),
        received.fold(true, |right, (index, message)| async move {
            right && *message.unwrap() == (index as u64).to_le_bytes()
        })
    );
    sent.unwrap();
    assert!(received);
    sink.close().await.unwrap();
    assert_eq!(queue.get_ref().stats().unwrap().length, 0);
}

#[tokio::test]
async fn a_full_sink_keeps_one_message_until_it_is_flushed() {
    let place = Place::new();
    let queue = tasks(&place, 1);
    let mut sink = queue.sink().unwrap();
    sink.feed("one").await.unwrap();
    sink.feed("two").await.unwrap();
    assert!(sink.flush().now_or_never().is_none());
    assert_eq!(queue.get_ref().dequeue().unwrap().unwrap(), b"one");
    sink.flush().await.unwrap();
    assert_eq!(queue.get_ref().dequeue().unwrap().unwrap(), b"two");
    assert!(matches!(sink.send(&"x".repeat(65)).await, Err(Error::TooBig(_))));
}

#[tokio::test]
async fn a_stream_ends_after_an_error() {
    let place = Place::new();
    let queue = tasks(&place, 1);
    let reader = AsyncQueue::new(place.options().mode(Mode::ReadOnly).open("orders").unwrap());
    assert!(matches!(reader.stream(), Err(Error::ReadOnly(_))));
    assert!(matches!(reader.take().await, Err(Error::ReadOnly(_))));
    drop(queue);
}

/// A task that always finds a message gives the others a chance.
#[tokio::test]
async fn a_busy_consumer_lets_others_run() {
    let place = Place::new();
    let queue = Arc::new(tasks(&place, 10_000));
    for _ in 0..10_000 {
        queue.enqueue("x").await.unwrap();
    }
    let consumer = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move {
            let mut messages = queue.stream().unwrap();
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
    let queue = Arc::new(tasks(&place, 17));
    let producers: Vec<_> = (0..50)
        .map(|producer| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                for number in 0..each {
                    let message = ((producer * each + number) as u64).to_le_bytes();
                    match producer % 3 {
                        0 => queue.enqueue(message).await.unwrap(),
                        1 => drop(queue.enqueue_batch(&[message]).await.unwrap()),
                        _ => queue.sink().unwrap().send(message).await.unwrap(),
                    }
                }
            })
        })
        .collect();
    let consumers: Vec<_> = (0..50)
        .map(|consumer| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                let mut got = Vec::new();
                let mut messages = queue.stream().unwrap();
                for _ in 0..each {
                    let message = match consumer % 3 {
                        0 => queue.take().await.unwrap().to_vec(),
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

/// A message that a thread of another handle sends wakes a runtime that has nothing else to do.
#[tokio::test]
async fn a_thread_wakes_a_task() {
    let place = Place::new();
    let queue = tasks(&place, 10);
    let other = place.open(10);
    let mut waiting = pin!(queue.take());
    assert!(matches!(poll!(&mut waiting), Poll::Pending));
    let sender = thread::spawn(move || other.enqueue("hello"));
    assert_eq!(*waiting.await.unwrap(), *b"hello");
    sender.join().unwrap().unwrap();
}
