//! Values for tasks: [`Typed`] as [`AsyncQueue`] waits.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::typed::Codec;
use crate::{AsyncQueue, Error, Format, Headers, Incoming, Taken, Typed};

/// A queue of values of one type for tasks. A clone is the same queue and handle. What becomes of messages that cannot be
/// decoded is said of the [`Typed`] that it is made of.
///
#[cfg_attr(feature = "serde", doc = "```")]
#[cfg_attr(not(feature = "serde"), doc = "```ignore")]
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let options = cqueue::Options::new().directory(directory.path());
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// use cqueue::{AsyncTyped, Json, Typed};
///
/// let orders: AsyncTyped<(String, u32), Json> = Typed::open("orders", options)?.into();
/// orders.enqueue(&("tea".into(), 3)).await?;
///
/// let order = orders.take().await?; // sleeps while there is none
/// tokio::spawn(async move {
///     println!("{}", order.value().0);
///     order.release().map(drop)
/// })
/// .await
/// .unwrap()?;
/// # Ok::<(), cqueue::Error>(())
/// # }).unwrap();
/// ```
pub struct AsyncTyped<T, F> {
    queue: AsyncQueue,
    codec: Arc<Codec<T, F>>,
}

impl<T, F: Format<T>> AsyncTyped<T, F> {
    /// Append a value; wait while the queue is full.
    pub async fn enqueue(&self, value: &T) -> Result<(), Error> {
        let message = self.codec.write(self.queue.get_ref(), value, |bytes| Ok(bytes.to_vec()))?;
        self.queue.enqueue(message).await
    }

    /// Append a value with headers; wait while the queue is full.
    pub async fn enqueue_with(&self, value: &T, headers: &Headers) -> Result<(), Error> {
        let message = self.codec.write(self.queue.get_ref(), value, |bytes| Ok(bytes.to_vec()))?;
        self.queue.enqueue_with(message, headers).await
    }

    /// Append a value that comes from elsewhere, exactly once, as [`AsyncQueue::enqueue_from`].
    pub async fn enqueue_from(&self, value: &T, headers: &Headers, source: &str, number: u64) -> Result<(), Error> {
        let message = self.codec.write(self.queue.get_ref(), value, |bytes| Ok(bytes.to_vec()))?;
        self.queue.enqueue_from(message, headers, source, number).await
    }

    /// Put a durable queue on the disk as it is now, as [`AsyncQueue::sync`].
    pub async fn sync(&self) -> Result<(), Error> {
        self.queue.sync().await
    }

    /// Append values, as [`AsyncQueue::enqueue_batch`]. None is, if one of them cannot be encoded.
    pub async fn enqueue_batch(&self, values: &[T]) -> Result<usize, Error> {
        let messages = self.codec.to_vecs(self.queue.get_ref(), values)?;
        self.queue.enqueue_batch(&messages).await
    }

    /// Take the oldest value; wait while there is none.
    pub async fn take(&self) -> Result<Taken<'static, T>, Error> {
        loop {
            if let Some(taken) = self.codec.decode(self.queue.take().await?)? {
                return Ok(taken);
            }
        }
    }

    /// Take up to `limit` of the oldest values; wait while there is no message. Messages that cannot be decoded keep nobody
    /// from the others: each has an error in its place.
    pub async fn take_batch(&self, limit: usize) -> Result<Vec<Result<Taken<'static, T>, Error>>, Error> {
        Ok(self.codec.decode_all(self.queue.take_batch(limit).await?))
    }

    /// Remove the oldest value; wait while there is none.
    pub async fn dequeue(&self) -> Result<T, Error> {
        self.take().await?.release()
    }

    /// All values that come, each taken in place. It goes on after a message that cannot be decoded.
    pub fn stream(&self) -> IncomingTyped<T, F> {
        IncomingTyped { messages: self.queue.stream(), codec: Arc::clone(&self.codec) }
    }
}

impl<T, F> AsyncTyped<T, F> {
    /// The queue of bytes behind it, for everything else.
    pub fn bytes(&self) -> &AsyncQueue {
        &self.queue
    }
}

impl<T, F: Format<T>> From<Typed<T, F>> for AsyncTyped<T, F> {
    fn from(typed: Typed<T, F>) -> Self {
        let (queue, codec) = typed.into_parts();
        Self { queue: queue.into(), codec: Arc::new(codec) }
    }
}

impl<T, F> Clone for AsyncTyped<T, F> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), codec: Arc::clone(&self.codec) }
    }
}

impl<T, F> fmt::Debug for AsyncTyped<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTyped").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// The stream of [`AsyncTyped::stream`]. It ends after an error only that is not [`Error::Undecodable`].
#[must_use = "streams do nothing unless polled"]
pub struct IncomingTyped<T, F> {
    messages: Incoming,
    codec: Arc<Codec<T, F>>,
}

impl<T, F: Format<T>> Stream for IncomingTyped<T, F> {
    type Item = Result<Taken<'static, T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(message) = ready!(Pin::new(&mut self.messages).poll_next(context)) else {
                return Poll::Ready(None);
            };
            if let Some(value) = message.and_then(|message| self.codec.decode(message)).transpose() {
                return Poll::Ready(Some(value));
            }
        }
    }
}

impl<T, F> fmt::Debug for IncomingTyped<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingTyped").field("messages", &self.messages).finish_non_exhaustive()
    }
}
