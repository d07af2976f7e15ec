//! Waiting in tasks of tokio instead of threads: on the queue's descriptors.
//!
//! A descriptor is level-triggered, tokio listens for changes only. That fits as long as readiness is cleared only after a
//! call that came back empty-handed, because that call has made the descriptor wait for the next change.

use std::future::Future;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::OnceCell;
use tokio::task::coop::consume_budget;

use crate::{Batch, Error, Queue, Received, Reserved};
use cqueue_sys as sys;

/// A [`Queue`] whose waiting is done by tokio. Any number of tasks may use one at once.
///
/// Cancelling any of its futures is safe: what was not returned was not done.
///
/// Everything that waits panics outside of a tokio runtime with I/O enabled.
#[derive(Debug)]
pub struct AsyncQueue {
    // Before the queue: its descriptors are no longer listened to when it is closed.
    messages: OnceCell<AsyncFd<OwnedFd>>,
    room: OnceCell<AsyncFd<OwnedFd>>,
    queue: Queue,
}

/// Of which change to be told: [`Queue::fd`] or [`Queue::room_fd`].
type Descriptor = fn(&Queue) -> Result<BorrowedFd<'_>, Error>;

/// Listens to a duplicate: every listener needs a descriptor of its own.
// What tokio deprecates is this function for types whose descriptor may change. An OwnedFd keeps its own, and the unsafe
// successor is younger than the tokio that many programs are bound to.
#[allow(deprecated)]
fn listen(queue: &Queue, descriptor: Descriptor) -> Result<AsyncFd<OwnedFd>, Error> {
    descriptor(queue)?
        .try_clone_to_owned()
        .and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE))
        .map_err(|error| failed(queue, &error))
}

fn failed(queue: &Queue, error: &io::Error) -> Error {
    Error::own(sys::CQ_ESYSTEM, queue.target(), format_args!("its descriptor cannot be listened to: {error}"))
}

/// Full is no error to who waits for room.
fn unless_full<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Full(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl AsyncQueue {
    /// Make the queue one for tasks.
    pub fn new(queue: Queue) -> Self {
        Self { messages: OnceCell::new(), room: OnceCell::new(), queue }
    }

    /// The queue behind it, for everything that does not wait.
    pub fn get_ref(&self) -> &Queue {
        &self.queue
    }

    /// Give the queue back.
    pub fn into_inner(self) -> Queue {
        self.queue
    }

    /// Append a message; wait while the queue is full.
    pub async fn enqueue(&self, message: impl AsRef<[u8]>) -> Result<(), Error> {
        let message = message.as_ref();
        self.until(&self.room, Queue::room_fd, |queue| unless_full(queue.enqueue(message))).await
    }

    /// Append messages in this order; wait while there is room for none, then append as many as there is room for and
    /// return how many that were.
    pub async fn enqueue_batch<M: AsRef<[u8]>>(&self, messages: &[M]) -> Result<usize, Error> {
        self.until(&self.room, Queue::room_fd, |queue| {
            let done = queue.enqueue_batch(messages)?;
            Ok((done > 0 || messages.is_empty()).then_some(done))
        })
        .await
    }

    /// Reserve room for a message of up to `size` bytes, to be written in place; wait while the queue is full.
    pub async fn reserve(&self, size: usize) -> Result<Reserved<'_>, Error> {
        self.until(&self.room, Queue::room_fd, |queue| unless_full(queue.reserve(size))).await
    }

    /// Remove the oldest message; wait while there is none.
    pub async fn dequeue(&self) -> Result<Vec<u8>, Error> {
        self.until(&self.messages, Queue::fd, Queue::dequeue).await
    }

    /// Replace what is in `batch` by the oldest messages; wait while there is none. Returns how many.
    pub async fn dequeue_batch(&self, batch: &mut Batch) -> Result<usize, Error> {
        self.until(&self.messages, Queue::fd, |queue| {
            let count = queue.dequeue_batch(batch)?;
            Ok((count > 0).then_some(count))
        })
        .await
    }

    /// Take the oldest message, to be read in place; wait while there is none. See [`Received::return_on_drop`] for tasks
    /// that may be cancelled while they hold one.
    pub async fn take(&self) -> Result<Received<'_>, Error> {
        self.until(&self.messages, Queue::fd, Queue::take).await
    }

    /// All messages that come, each taken in place.
    pub fn stream(&self) -> Result<Incoming<'_>, Error> {
        Ok(Incoming { queue: &self.queue, ready: listen(&self.queue, Queue::fd)?, over: false })
    }

    /// Where to send messages.
    pub fn sink<M: AsRef<[u8]>>(&self) -> Result<Outgoing<'_, M>, Error> {
        Ok(Outgoing { queue: &self.queue, ready: listen(&self.queue, Queue::room_fd)?, unsent: None })
    }

    /// Until `attempt` has something, wait for the descriptor and try again.
    async fn until<'q, T>(
        &'q self,
        listener: &'q OnceCell<AsyncFd<OwnedFd>>,
        descriptor: Descriptor,
        mut attempt: impl FnMut(&'q Queue) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        consume_budget().await; // other tasks run too, however many messages there are
        if let Some(value) = attempt(&self.queue)? {
            return Ok(value);
        }
        let listener = listener.get_or_try_init(|| async { listen(&self.queue, descriptor) }).await?;
        loop {
            let mut guard = listener.readable().await.map_err(|error| failed(&self.queue, &error))?;
            if let Some(value) = attempt(&self.queue)? {
                return Ok(value);
            }
            guard.clear_ready();
        }
    }
}

/// As [`AsyncQueue`] does it, for who polls: a listener tells one poller only, so each has its own.
fn poll_until<T>(
    listener: &AsyncFd<OwnedFd>,
    queue: &Queue,
    context: &mut Context<'_>,
    mut attempt: impl FnMut() -> Result<Option<T>, Error>,
) -> Poll<Result<T, Error>> {
    ready!(pin!(consume_budget()).poll(context));
    loop {
        if let Some(value) = attempt()? {
            return Poll::Ready(Ok(value));
        }
        let mut guard = ready!(listener.poll_read_ready(context)).map_err(|error| failed(queue, &error))?;
        if let Some(value) = attempt()? {
            return Poll::Ready(Ok(value));
        }
        guard.clear_ready();
    }
}

/// The stream of [`AsyncQueue::stream`]. It ends after an error only.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'q> {
    queue: &'q Queue,
    ready: AsyncFd<OwnedFd>,
    over: bool,
}

impl<'q> Stream for Incoming<'q> {
    type Item = Result<Received<'q>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let queue = self.queue;
        let next = ready!(poll_until(&self.ready, queue, context, || queue.take()));
        self.over = next.is_err();
        Poll::Ready(Some(next))
    }
}

/// The sink of [`AsyncQueue::sink`]. It keeps one message that there was no room for; flush it before you drop it.
#[derive(Debug)]
#[must_use = "sinks do nothing unless polled"]
pub struct Outgoing<'q, M> {
    queue: &'q Queue,
    ready: AsyncFd<OwnedFd>,
    unsent: Option<M>,
}

impl<M> Unpin for Outgoing<'_, M> {} // an M is never pinned

impl<M: AsRef<[u8]>> Sink<M> for Outgoing<'_, M> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), Error> {
        assert!(self.unsent.is_none(), "start_send without poll_ready");
        if unless_full(self.queue.enqueue(&message))?.is_none() {
            self.unsent = Some(message);
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(message) = &self.unsent else { return Poll::Ready(Ok(())) };
        let sent = ready!(poll_until(&self.ready, self.queue, context, || unless_full(self.queue.enqueue(message))));
        self.unsent = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }
}
