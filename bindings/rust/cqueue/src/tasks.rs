//! Waiting in tasks in place of threads.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{fmt, future};

use tokio::task::coop::consume_budget;

use crate::flushes::Flushes;
use crate::line::{Line, Place};
use crate::waits::{Side, unless_full, unless_not_consumer};
use crate::{Batch, Error, Headers, Incoming, Outgoing, Queue, Received, Reserved};

/// A [`Queue`] for tasks. Any number of them may use one at once; a clone is the same queue and handle.
///
/// ```
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let options = cqueue::Options::new().directory(directory.path());
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// use cqueue::AsyncQueue;
///
/// let queue = AsyncQueue::new(options.open("orders")?);
/// queue.enqueue("order 1").await?;
///
/// let message = queue.take().await?; // sleeps while there is none
/// tokio::spawn(async move {
///     println!("{}", String::from_utf8_lossy(&message));
///     message.release() // a task that ends in any other way gives it back
/// })
/// .await
/// .unwrap()?;
/// # Ok::<(), cqueue::Error>(())
/// # }).unwrap();
/// ```
///
/// Guards, streams and sinks are owned: they may go wherever they are needed, and the queue stays open as long as one of them
/// lives.
///
/// Dropping any of its futures is safe: what was not returned was not done. A task that waits is woken when there is something
/// for it, one task a message, the one that has waited longest first; or with [`Error::Stale`] when the queue was removed, and
/// with [`Error::Cancelled`] by [`Queue::cancel`].
///
/// It works in any runtime, and in several at once: one thread of its own sleeps for all tasks, and wakes them by their
/// wakers. In tokio it takes part in cooperative scheduling: a task that always finds a message lets others run.
#[derive(Clone)]
pub struct AsyncQueue(Arc<Shared>);

pub(crate) struct Shared {
    // Before the queue: their threads end before it is closed.
    messages: Line,
    room: Line,
    flushes: Flushes,
    pub(crate) queue: Queue,
}

impl Shared {
    pub(crate) fn messages(&self) -> Place {
        self.messages.place()
    }

    pub(crate) fn room(&self) -> Place {
        self.room.place()
    }
}

/// [`Place::poll`], with other tasks given a chance.
pub(crate) fn poll_place<T>(
    place: &mut Place,
    context: &mut Context<'_>,
    attempt: impl FnMut() -> Result<Option<T>, Error>,
) -> Poll<Result<T, Error>> {
    ready!(future::Future::poll(pin!(consume_budget()), context));
    place.poll(context, attempt)
}

/// Until `attempt` has something, wait in the place for it.
async fn until<T>(
    place: impl FnOnce() -> Place,
    mut attempt: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    consume_budget().await;
    if let Some(value) = unless_not_consumer(attempt())? {
        return Ok(value);
    }
    let mut place = place();
    poll_fn(|context| place.poll(context, &mut attempt)).await
}

impl AsyncQueue {
    /// Make the queue one for tasks.
    pub fn new(queue: Queue) -> Self {
        let messages = Line::new(queue.handle(), Side::Messages);
        let room = Line::new(queue.handle(), Side::Room);
        let flushes = Flushes::new(queue.handle());
        Self(Arc::new(Shared { messages, room, flushes, queue }))
    }

    /// The queue behind it, for everything that does not wait.
    pub fn get_ref(&self) -> &Queue {
        &self.0.queue
    }

    /// Give the queue back. `None`: there are clones, streams or sinks that still use it.
    pub fn into_inner(self) -> Option<Queue> {
        Arc::into_inner(self.0).map(|shared| shared.queue)
    }

    /// Append a message; wait while the queue is full.
    pub async fn enqueue(&self, message: impl AsRef<[u8]>) -> Result<(), Error> {
        let message = message.as_ref();
        until(|| self.0.room(), || unless_full(self.get_ref().enqueue(message))).await
    }

    /// Append a message with headers, as [`Queue::enqueue_with`]; wait while the queue is full.
    pub async fn enqueue_with(&self, message: impl AsRef<[u8]>, headers: &Headers) -> Result<(), Error> {
        let message = message.as_ref();
        until(|| self.0.room(), || unless_full(self.get_ref().enqueue_with(message, headers))).await
    }

    /// Append a message that comes from elsewhere, exactly once, as [`Queue::enqueue_from`]; wait while the queue is full.
    pub async fn enqueue_from(
        &self,
        message: impl AsRef<[u8]>,
        headers: &Headers,
        source: &str,
        number: u64,
    ) -> Result<(), Error> {
        let message = message.as_ref();
        until(|| self.0.room(), || unless_full(self.get_ref().enqueue_from(message, headers, source, number))).await
    }

    /// Put a durable queue on the disk as it is now, as [`Queue::sync`]. Any number of tasks share a write, and one thread
    /// waits for the disk. Dropped, it leaves the write to go on.
    pub async fn sync(&self) -> Result<(), Error> {
        self.0.flushes.flush()?.await
    }

    /// Append messages in this order; wait while there is room for none, then append as many as there is room for and
    /// return how many that were.
    pub async fn enqueue_batch<M: AsRef<[u8]>>(&self, messages: &[M]) -> Result<usize, Error> {
        until(|| self.0.room(), || unless_full(self.get_ref().some_enqueued(messages))).await
    }

    /// Reserve room for a message of up to `size` bytes, to be written in place; wait while the queue is full.
    pub async fn reserve(&self, size: usize) -> Result<Reserved<'static>, Error> {
        until(|| self.0.room(), || Ok(unless_full(self.get_ref().reserve(size))?.map(Reserved::into_owned))).await
    }

    /// Remove the oldest message; wait while there is none.
    pub async fn dequeue(&self) -> Result<Vec<u8>, Error> {
        until(|| self.0.messages(), || self.get_ref().dequeue()).await
    }

    /// Replace what is in `batch` by the oldest messages; wait while there is none. Returns how many.
    pub async fn dequeue_batch(&self, batch: &mut Batch) -> Result<usize, Error> {
        until(|| self.0.messages(), || self.get_ref().some_dequeued(batch)).await
    }

    /// Take the oldest message, to be read in place; wait while there is none.
    pub async fn take(&self) -> Result<Received<'static>, Error> {
        until(|| self.0.messages(), || Ok(self.get_ref().take()?.map(Received::into_owned))).await
    }

    /// Take up to `limit` of the oldest messages, as [`Queue::take_batch`]; wait while there is none.
    pub async fn take_batch(&self, limit: usize) -> Result<Vec<Received<'static>>, Error> {
        until(
            || self.0.messages(),
            || {
                let batch = self.get_ref().take_batch(limit)?;
                let is_something = !batch.is_empty() || limit == 0;
                Ok(is_something.then(|| batch.into_iter().map(Received::into_owned).collect()))
            },
        )
        .await
    }

    /// All messages that come, each taken in place.
    pub fn stream(&self) -> Incoming {
        Incoming::new(Arc::clone(&self.0))
    }

    /// Where to send messages.
    pub fn sink<M: AsRef<[u8]>>(&self) -> Outgoing<M> {
        Outgoing::new(Arc::clone(&self.0))
    }
}

impl From<Queue> for AsyncQueue {
    fn from(queue: Queue) -> Self {
        Self::new(queue)
    }
}

impl fmt::Debug for AsyncQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncQueue").field("name", &self.get_ref().name()).finish_non_exhaustive()
    }
}
