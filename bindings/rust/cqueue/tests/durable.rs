//! Queues that survive power cuts.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::time::Duration;

use cqueue::{Batch, Error, Headers, Options, Queue};
use support::Place;

/// A queue on a disk. A directory in /tmp may be in memory, which does for a test.
struct Disk {
    place: Place,
    disk: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        Self { place: Place::new(), disk: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> Options {
        let options = self.place.options().capacity(10_000).max_message_size(64).any_filesystem(true);
        options.durable_directory(self.disk.path().join("orders"))
    }

    /// As a reboot does.
    fn reboot(&self, queue: Queue) {
        drop(queue);
        fs::remove_file(self.place.path().join("cqueue.orders")).unwrap();
    }
}

#[test]
fn what_was_synced_survives() {
    let disk = Disk::new();
    let queue = disk.options().open("orders").unwrap();
    queue.enqueue_batch(&["one", "two", "three"]).unwrap();
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"one");
    queue.sync(None).unwrap();
    let stats = queue.stats().unwrap();
    assert!(stats.durable && stats.unsynced == 0 && stats.flushes_done > 0 && stats.disk_error == 0, "{stats:?}");
    assert!(queue.durable_directory().unwrap().ends_with("orders"));
    disk.reboot(queue);
    let queue = disk.options().open("orders").unwrap();
    assert_eq!(queue.stats().unwrap().recovered, 2);
    for text in ["two", "three"] {
        let message = queue.take().unwrap().unwrap();
        assert_eq!((&*message, message.deliveries()), (text.as_bytes(), 2));
        message.release().unwrap();
    }
}

#[test]
fn with_sync_every_call_is_on_the_disk() {
    let disk = Disk::new();
    let queue = disk.options().sync(true).open("orders").unwrap();
    let other = disk.place.options().open("orders").unwrap(); // which does not sync
    type Change = fn(&Queue) -> Result<(), Error>;
    let changes: [(&str, Change); 10] = [
        ("enqueue", |queue| queue.enqueue("x")),
        ("enqueue_wait", |queue| queue.enqueue_wait("x", None)),
        ("enqueue_with", |queue| queue.enqueue_with("x", &Headers::new())),
        ("enqueue_batch", |queue| queue.enqueue_batch(&["x", "y"]).map(drop)),
        ("commit", |queue| Ok(queue.reserve(1)?.commit(1).map(drop)?)),
        ("release", |queue| queue.take()?.unwrap().release()),
        ("give_back", |queue| queue.take()?.unwrap().give_back()),
        ("give_back_to_tail", |queue| queue.take()?.unwrap().give_back_to_tail()),
        ("dequeue", |queue| queue.dequeue().map(drop)),
        ("dequeue_batch", |queue| queue.dequeue_batch(&mut Batch::new(2, 200)).map(drop)),
    ];
    for (name, change) in changes {
        other.enqueue("there").unwrap();
        let before = queue.stats().unwrap().flushes_done;
        change(&queue).unwrap();
        assert!(queue.stats().unwrap().flushes_done > before, "{name}");
    }
}

/// What a call was to do is done, and its caller has the message, or is told how many.
#[test]
fn a_disk_that_fails_loses_nothing() {
    let disk = Disk::new();
    let queue = disk.options().sync(true).open("orders").unwrap();
    fs::remove_dir_all(disk.disk.path().join("orders")).unwrap();
    let failed = |result: Result<(), Error>| match result {
        Err(Error::Io(details)) => details,
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(queue.enqueue_batch(&[r#""tea""#; 8]).map(drop)).size(), 8);
    let error = queue.reserve(5).unwrap().commit(0).unwrap_err();
    assert!(matches!(error.error(), Error::Io(_)));
    let mut published = error.into_reserved();
    assert!(published.is_empty() && published.bytes_mut().unwrap().is_empty());
    assert!(matches!(published.commit(0), Err(error) if matches!(error.error(), Error::NotHeld(_))));
    assert_eq!(queue.len().unwrap(), 9);

    assert_eq!(failed(queue.dequeue().map(drop)).message().unwrap(), br#""tea""#);
    assert_eq!(failed(queue.dequeue_wait(None).map(drop)).message().unwrap(), br#""tea""#);
    let mut buffer = [0; 64];
    let details = failed(queue.dequeue_into(&mut buffer).map(drop));
    assert_eq!(buffer[..details.size()], *br#""tea""#);
    let mut batch = Batch::new(3, 200);
    assert_eq!(failed(queue.dequeue_batch(&mut batch).map(drop)).size(), 3);
    assert!(batch.iter().eq([br#""tea""#; 3]));
    failed(queue.take().unwrap().unwrap().release());
    assert_eq!(queue.len().unwrap(), 2);
    #[cfg(feature = "serde")]
    {
        let values = cqueue::Typed::<String, cqueue::Json>::from(queue);
        assert_eq!(failed(values.dequeue().map(drop)).message().unwrap(), br#""tea""#);
        assert_eq!(values.bytes().len().unwrap(), 1);
    }
}

#[test]
fn a_queue_that_is_not_durable_cannot_be_synced() {
    let place = Place::new();
    let queue = place.open(1);
    assert!(matches!(queue.sync(None), Err(Error::Invalid(_))));
    assert!(matches!(queue.sync(Duration::ZERO), Err(Error::Invalid(_))));
    assert!(matches!(queue.durable_directory(), Err(Error::Invalid(_))));
}

#[cfg(feature = "tokio")]
mod tasks {
    use std::pin::pin;

    use cqueue::AsyncQueue;
    use futures_util::poll;

    use super::*;

    /// One write is for many tasks, and nothing of it runs in the tasks' thread.
    #[tokio::test]
    async fn many_tasks_share_a_write() {
        const TASKS: usize = 200;
        let disk = Disk::new();
        let queue = AsyncQueue::new(disk.options().open("orders").unwrap());
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    queue.enqueue(number.to_string()).await?;
                    queue.sync().await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let stats = queue.get_ref().stats().unwrap();
        assert_eq!(stats.unsynced, 0);
        assert!(stats.flushes_done < TASKS as u64 / 2, "{stats:?}");
        // The thread, which has the handle too, ends when there is nothing to do.
        let queue = queue.into_inner().unwrap();
        let witness = disk.place.options().open("orders").unwrap();
        drop(queue);
        while witness.stats().unwrap().participants > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        disk.reboot(witness);
        assert_eq!(disk.options().open("orders").unwrap().stats().unwrap().recovered, TASKS as u64);
    }

    #[tokio::test]
    async fn a_sync_may_be_given_up_and_polled_anew() {
        let disk = Disk::new();
        let queue = AsyncQueue::new(disk.options().open("orders").unwrap());
        for _ in 0..50 {
            queue.enqueue("x").await.unwrap();
            drop(poll!(pin!(queue.sync())));
            let mut sync = pin!(queue.sync());
            if poll!(&mut sync).is_pending() {
                sync.await.unwrap(); // polled again, by another waker
            }
        }
        assert_eq!(queue.get_ref().stats().unwrap().unsynced, 0);
        let plain_place = Place::new();
        let plain = AsyncQueue::new(plain_place.open(1));
        assert!(matches!(plain.sync().await, Err(Error::Invalid(_))));
    }

    /// A standby waits in a task as in a thread; headers and sources wait for room.
    #[tokio::test]
    async fn tasks_wait_for_what_goes_along() {
        let place = Place::new();
        let open = || place.options().capacity(1).max_headers(50).exclusive_consumer(true).open("orders").unwrap();
        let (first, standby) = (open(), AsyncQueue::new(open()));
        assert!(first.take().unwrap().is_none()); // and is the consumer now
        let some = Headers::from([("a".into(), b"b".to_vec())]);
        standby.enqueue_with("one", &some).await.unwrap();
        let mut waiting = pin!(standby.take());
        assert!(poll!(&mut waiting).is_pending());
        {
            let mut sending = pin!(standby.enqueue_from("two", &some, "shop", 1));
            assert!(poll!(&mut sending).is_pending());
            assert_eq!(first.dequeue().unwrap().unwrap(), b"one");
            sending.await.unwrap();
        }
        drop(first);
        let message = waiting.await.unwrap();
        assert_eq!((&*message, message.headers().unwrap()), (b"two".as_slice(), some.clone()));
        message.release().unwrap();
        let again = standby.enqueue_from("two", &some, "shop", 1).await;
        assert!(matches!(again, Err(Error::Duplicate(_))));
        assert_eq!(standby.get_ref().source("shop").unwrap(), 1);
    }
}
