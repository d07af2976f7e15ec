//! A queue's messages as a stream, and a sink for those to send.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;

use crate::line::Place;
use crate::tasks::{Shared, poll_place};
use crate::waits::unless_full;
use crate::{Error, Received};

/// The stream of [`AsyncQueue::stream`](crate::AsyncQueue::stream). It ends after an error only.
///
/// Each message is to be released; one that is dropped is given back. So nothing is lost when a stream of chunks is dropped
/// half full, or when one of several messages that are handled at a time fails.
///
/// ```
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let queue = cqueue::AsyncQueue::new(cqueue::Options::new().directory(directory.path()).open("orders")?);
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// use futures_util::TryStreamExt;
///
/// queue.enqueue_batch(&["one", "two"]).await?;
/// let orders = queue.stream();
/// # let orders = futures_util::StreamExt::take(orders, 2);
/// orders
///     .try_for_each_concurrent(10, |order| async move {
///         println!("{}", String::from_utf8_lossy(&order));
///         order.release()
///     })
///     .await?;
/// # assert!(queue.get_ref().is_empty()?);
/// # Ok::<(), cqueue::Error>(())
/// # })?;
/// # Ok::<(), cqueue::Error>(())
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Incoming {
    // Before the queue: a place is left before its line ends.
    place: Place,
    shared: Arc<Shared>,
    auto_ack: bool,
    is_over: bool,
}

impl Incoming {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { place: shared.messages(), shared, auto_ack: false, is_over: false }
    }

    /// Each message is done with when it is dropped ([`Received::release_on_drop`]): at most once.
    pub fn auto_ack(mut self) -> Self {
        self.auto_ack = true;
        self
    }
}

impl Stream for Incoming {
    type Item = Result<Received<'static>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { place, shared, auto_ack, is_over } = &mut *self;
        if *is_over {
            return Poll::Ready(None);
        }
        let next = ready!(poll_place(place, context, || shared.queue.take()));
        *is_over = next.is_err();
        Poll::Ready(Some(next.map(|message| {
            let message = message.into_owned();
            if *auto_ack { message.release_on_drop() } else { message }
        })))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("queue", &self.shared.queue.name()).finish_non_exhaustive()
    }
}

/// The sink of [`AsyncQueue::sink`](crate::AsyncQueue::sink). It keeps one message that there was no room for; flush it before
/// you drop it.
///
/// ```
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let queue = cqueue::AsyncQueue::new(cqueue::Options::new().directory(directory.path()).open("orders")?);
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// use futures_util::SinkExt;
///
/// let mut orders = queue.sink();
/// orders.feed("one").await?;
/// orders.feed("two").await?;
/// orders.flush().await?;
/// # assert_eq!(queue.get_ref().len()?, 2);
/// # Ok::<(), cqueue::Error>(())
/// # })?;
/// # Ok::<(), cqueue::Error>(())
/// ```
#[must_use = "sinks do nothing unless polled"]
pub struct Outgoing<M> {
    // Before the queue, as above.
    place: Place,
    shared: Arc<Shared>,
    unsent: Option<M>,
}

impl<M> Outgoing<M> {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { place: shared.room(), shared, unsent: None }
    }
}

impl<M> Unpin for Outgoing<M> {} // an M is never pinned

impl<M: AsRef<[u8]>> Sink<M> for Outgoing<M> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), Error> {
        assert!(self.unsent.is_none(), "start_send without poll_ready");
        if unless_full(self.shared.queue.enqueue(&message))?.is_none() {
            self.unsent = Some(message);
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { place, shared, unsent } = &mut *self;
        let Some(message) = &unsent else { return Poll::Ready(Ok(())) };
        let sent = ready!(poll_place(place, context, || unless_full(shared.queue.enqueue(message))));
        *unsent = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }
}

impl<M> fmt::Debug for Outgoing<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("queue", &self.shared.queue.name()).finish_non_exhaustive()
    }
}
