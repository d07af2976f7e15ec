//! Who is woken, and that no wake is lost.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use cqueue::Error;
use futures_util::future::select_all;
use futures_util::poll;

use crate::support::{Place, rounds};
use crate::tasks;

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

fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if done() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not within a minute");
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
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

/// A waker is its runtime's code. One that panics is not the end of the thread that wakes the others.
#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("this waker panics");
        }
    }
    let place = Place::new();
    let queue = tasks(&place, 10);
    let waker = Waker::from(Arc::new(Panics));
    let mut waiting = Box::pin(queue.take());
    assert!(waiting.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    let other = place.open(10);
    until("the thread sleeps for the task", || other.stats().unwrap().waiting_consumers == 1);
    other.enqueue("one").unwrap();
    until("the thread sleeps no more", || other.stats().unwrap().waiting_consumers == 0);
    drop(waiting);

    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    queue.get_ref().dequeue().unwrap();
    let mut waiting = Box::pin(queue.take());
    assert!(waiting.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    other.enqueue("two").unwrap();
    until("the task is woken", || counter.0.load(Ordering::SeqCst) == 1);
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
