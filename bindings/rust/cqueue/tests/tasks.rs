//! Waiting in tasks (feature `tokio`).
#![cfg(feature = "tokio")]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use cqueue::{AsyncQueue, Batch, Error, Mode};
use futures_util::future::select_all;
use futures_util::{FutureExt, SinkExt, StreamExt, TryStreamExt, poll, stream};
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

#[tokio::test]
async fn a_stream_and_a_sink_pass_everything_in_order() {
    let place = Place::new();
    let queue = tasks(&place, 3);
    let count = rounds(10_000, 1_000_000) as u64;
    let mut sink = queue.sink::<[u8; 8]>();
    let mut source = stream::iter((0..count).map(|number| Ok(number.to_le_bytes())));
    let received = queue.stream().take(count as usize).enumerate();
    let (sent, received) = tokio::join!(
        sink.send_all(&mut source),
        received.fold(true, |right, (index, message)| async move {
            let message = message.unwrap();
            let right = right && *message == (index as u64).to_le_bytes();
            message.release().unwrap();
            right
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
    let mut sink = queue.sink();
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
    let mut stream = reader.stream();
    assert!(matches!(stream.next().await, Some(Err(Error::ReadOnly(_)))));
    assert!(stream.next().await.is_none());
    assert!(matches!(reader.take().await, Err(Error::ReadOnly(_))));
    drop(queue);
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

/// Streams that are dropped with messages in them, as chunks, peeked at, or handled at a time when one fails.
#[tokio::test]
async fn what_a_stream_holds_when_it_is_dropped_is_given_back() {
    let place = Place::new();
    let queue = tasks(&place, 100);
    queue.enqueue_batch(&[[0]; 10]).await.unwrap();
    {
        let mut chunks = queue.stream().chunks(100);
        assert!(poll!(chunks.next()).is_pending());
        assert_eq!(queue.get_ref().stats().unwrap().held, 10);
    }
    assert_eq!(queue.get_ref().len().unwrap(), 10);
    assert!(pin!(queue.stream().peekable()).peek().await.is_some());
    assert_eq!(queue.get_ref().len().unwrap(), 10);
    let mut handled = 0;
    let failed = queue.stream().map_err(|_| "error").try_for_each_concurrent(8, |message| {
        handled += 1;
        async move { if message.is_empty() { Ok(()) } else { Err("no good") } }
    });
    assert_eq!(failed.await, Err("no good"));
    assert!(handled > 0);
    let timed_out = tokio::time::timeout(Duration::from_millis(1), async {
        let _message = queue.take().await.unwrap();
        std::future::pending::<()>().await;
    });
    timed_out.await.unwrap_err();
    let stats = queue.get_ref().stats().unwrap();
    assert_eq!((stats.length, stats.held), (10, 0));
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

/// Counts how often a task is woken.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if done() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not within a minute");
}

/// However many tasks wait; and it is the one that has waited longest.
#[test]
fn a_message_wakes_one_task() {
    const TASKS: usize = 10_000;
    let place = Place::new();
    let queue = tasks(&place, 10);
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut context = std::task::Context::from_waker(&waker);
    let mut waiting: Vec<_> = (0..TASKS).map(|_| Box::pin(queue.take())).collect();
    assert!(waiting.iter_mut().all(|task| task.as_mut().poll(&mut context).is_pending()));
    assert_eq!(counter.0.load(Ordering::SeqCst), 0);
    for (index, task) in waiting.iter_mut().enumerate().take(5) {
        queue.get_ref().enqueue([index as u8]).unwrap();
        until("a task is woken", || counter.0.load(Ordering::SeqCst) == index + 1);
        let Poll::Ready(message) = task.as_mut().poll(&mut context) else { panic!("not the one that waited longest") };
        let message = message.unwrap();
        assert_eq!(*message, [index as u8]);
        message.release().unwrap();
    }
    // Several at once: who was woken wakes the next, or has the thread do it.
    queue.get_ref().enqueue_batch(&["x", "y", "z"]).unwrap();
    for (index, task) in waiting.iter_mut().enumerate().skip(5).take(3) {
        until("the next is woken", || counter.0.load(Ordering::SeqCst) == index + 1);
        assert!(task.as_mut().poll(&mut context).map(|message| message.unwrap().release().unwrap()).is_ready());
    }
    thread::sleep(Duration::from_millis(50));
    assert_eq!(counter.0.load(Ordering::SeqCst), 8);
    // One that was woken and goes leaves the message to the next.
    queue.get_ref().enqueue("left").unwrap();
    until("a task is woken", || counter.0.load(Ordering::SeqCst) == 9);
    drop(waiting.remove(8));
    until("the next is woken", || counter.0.load(Ordering::SeqCst) == 10);
    assert!(waiting[8].as_mut().poll(&mut context).is_ready());
}

#[test]
fn it_works_in_runtimes_that_come_and_go() {
    let place = Place::new();
    let queue = tasks(&place, 1);
    let other = place.open(1);
    for number in 0..3_u8 {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap(); // no I/O, no time
        let send = |number| {
            let other = &other;
            move || {
                until("somebody waits", || other.stats().unwrap().waiting_consumers > 0);
                other.enqueue([number]).unwrap();
            }
        };
        thread::scope(|scope| {
            scope.spawn(send(number));
            assert_eq!(runtime.block_on(queue.dequeue()).unwrap(), [number]);
        });
        drop(runtime);
        thread::scope(|scope| {
            scope.spawn(send(number));
            assert_eq!(block_on(queue.dequeue()), [number]);
        });
    }
}

/// The smallest runtime that there is.
fn block_on(future: impl Future<Output = Result<Vec<u8>, Error>>) -> Vec<u8> {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            Poll::Ready(result) => return result.unwrap(),
            Poll::Pending => thread::park(),
        }
    }
}

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

/// Waits that are given up all the time, as in `select!` and time-outs, lose nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_that_are_given_up_lose_nothing() {
    let count = rounds(2_000, 200_000);
    let place = Place::new();
    let queue = tasks(&place, 3);
    let producer = tokio::spawn({
        let queue = queue.clone();
        async move {
            for number in 0..count as u64 {
                queue.enqueue(number.to_le_bytes()).await.unwrap();
            }
        }
    });
    let mut got = Vec::new();
    while got.len() < count {
        let waits = (0..5).map(|_| Box::pin(queue.take()));
        let (message, _, given_up) = select_all(waits).await;
        let message = message.unwrap();
        got.push(u64::from_le_bytes((*message).try_into().unwrap()));
        message.release().unwrap();
        drop(given_up);
    }
    producer.await.unwrap();
    assert!(got.into_iter().eq(0..count as u64));
    assert_eq!(queue.get_ref().stats().unwrap().redelivered, 0);
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

/// A task that was dropped has no use for the next message: whoever sleeps on another handle gets it at once. Looks of the
/// library would wake that one as well, but 40 ms later on average.
#[test]
fn a_dropped_wait_keeps_no_wake_from_other_handles() {
    const ROUNDS: usize = 25;
    let place = Place::new();
    let queue = tasks(&place, 10);
    let other = place.open(10);
    let mut context = std::task::Context::from_waker(Waker::noop());
    let mut quick = 0;
    for _ in 0..ROUNDS {
        let mut waiting = Box::pin(queue.take());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        until("the thread sleeps for the task", || other.stats().unwrap().waiting_consumers == 1);
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| other.dequeue_wait(None).unwrap());
            until("both sleep", || other.stats().unwrap().waiting_consumers == 2);
            drop(waiting);
            let start = std::time::Instant::now();
            queue.get_ref().enqueue("x").unwrap();
            assert_eq!(sleeper.join().unwrap().unwrap(), b"x");
            quick += usize::from(start.elapsed() < Duration::from_millis(20));
        });
        // The thread may sleep for nobody still: a message that is taken again wakes it.
        until("the thread is idle", || {
            if other.stats().unwrap().waiting_consumers > 0 {
                other.enqueue("wake").unwrap();
                other.dequeue().unwrap();
            }
            other.stats().unwrap().waiting_consumers == 0
        });
    }
    assert!(quick >= ROUNDS / 2, "{quick} of {ROUNDS}");
}

/// A task that was woken for a message and is dropped, and the queue with it, leaves it to whoever sleeps on another handle.
#[test]
fn a_queue_that_is_dropped_keeps_no_wake() {
    const ROUNDS: usize = 25;
    let place = Place::new();
    let (other, sender) = (place.open(10), place.open(10));
    let mut quick = 0;
    for _ in 0..ROUNDS {
        let queue = tasks(&place, 10);
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        let mut waiting = Box::pin(async move { queue.take().await.map(drop) }); // it owns the queue
        assert!(waiting.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
        until("the thread sleeps for the task", || other.stats().unwrap().waiting_consumers == 1);
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| other.dequeue_wait(None).unwrap());
            until("both sleep", || other.stats().unwrap().waiting_consumers == 2);
            sender.enqueue("x").unwrap();
            until("one is woken", || counter.0.load(Ordering::SeqCst) == 1 || sender.is_empty().unwrap());
            let start = std::time::Instant::now();
            drop(waiting);
            assert_eq!(sleeper.join().unwrap().unwrap(), b"x");
            quick += usize::from(start.elapsed() < Duration::from_millis(20));
        });
    }
    assert!(quick >= ROUNDS / 2, "{quick} of {ROUNDS}");
}
