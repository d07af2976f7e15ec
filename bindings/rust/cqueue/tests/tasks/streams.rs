//! Streams and sinks.

use std::pin::pin;
use std::time::Duration;

use cqueue::{AsyncQueue, Error, Mode};
use futures_util::{FutureExt, SinkExt, StreamExt, TryStreamExt, poll, stream};

use crate::support::{Place, rounds};
use crate::tasks;

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
