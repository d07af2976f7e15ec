//! Values as messages: a queue of one type, and the formats that turn values into bytes and back.

use std::any::type_name;
use std::marker::PhantomData;
use std::time::Duration;

use crate::{Error, Options, Queue, Received};
use cqueue_sys as sys;

/// Why a value cannot be written or read.
pub type FormatError = Box<dyn std::error::Error + Send + Sync>;

/// How values of `T` are messages. Implement it for a format of your own.
pub trait Format<T> {
    /// The size of every message, if all have the same. Opening a queue asks for it.
    const SIZE: Option<usize> = None;

    /// Call `then` with the bytes of `value`.
    fn write<R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError>;

    /// The value that `bytes` are. They may be anything: others write into the queue too.
    fn read(bytes: &[u8]) -> Result<T, FormatError>;
}

/// Plain old data, as it lies in memory: for programs that agree on that.
#[cfg(feature = "bytemuck")]
#[derive(Debug)]
pub enum Pod {}

#[cfg(feature = "bytemuck")]
impl<T: bytemuck::NoUninit + bytemuck::CheckedBitPattern> Format<T> for Pod {
    const SIZE: Option<usize> = Some(size_of::<T>());

    #[inline]
    fn write<R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError> {
        Ok(then(bytemuck::bytes_of(value)))
    }

    #[inline]
    fn read(bytes: &[u8]) -> Result<T, FormatError> {
        bytemuck::checked::try_pod_read_unaligned(bytes).map_err(|error| error.to_string().into())
    }
}

/// Any type that serde can write and read, in the compact [postcard](https://docs.rs/postcard) format.
#[cfg(feature = "serde")]
#[derive(Debug)]
pub enum Postcard {}

#[cfg(feature = "serde")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> Format<T> for Postcard {
    fn write<R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError> {
        Ok(then(&postcard::to_allocvec(value).map_err(|error| error.to_string())?))
    }

    fn read(bytes: &[u8]) -> Result<T, FormatError> {
        match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(format!("{} bytes are left over", rest.len()).into()),
            Err(error) => Err(error.to_string().into()),
        }
    }
}

/// A queue of values of one type.
///
/// A message that is none of them came in another way. It is an [`Error::Mismatch`] when it is met, and gone then.
///
#[cfg_attr(feature = "serde", doc = "```")]
#[cfg_attr(not(feature = "serde"), doc = "```ignore")]
/// use cqueue::{Options, Postcard, Typed};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Order { id: u64, item: String }
///
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let options = Options::new().directory(directory.path());
/// let orders = Typed::<Order, Postcard>::open("orders", options)?;
/// orders.enqueue(&Order { id: 1, item: "tea".into() })?;
/// assert_eq!(orders.dequeue()?.unwrap().item, "tea");
/// # Ok::<(), cqueue::Error>(())
/// ```
#[derive(Debug)]
pub struct Typed<T, F> {
    queue: Queue,
    what: PhantomData<fn(T, F) -> T>,
}

impl<T, F: Format<T>> Typed<T, F> {
    /// Open the queue `name`. A format whose messages all have one size replaces [`Options::max_message_size`] by it.
    pub fn open(name: &str, mut options: Options) -> Result<Self, Error> {
        if let Some(size) = F::SIZE {
            options = options.max_message_size(size as u64);
        }
        options.open(name).map(Self::from)
    }

    /// Append a value, as [`Queue::enqueue`].
    pub fn enqueue(&self, value: &T) -> Result<(), Error> {
        self.write(value, |bytes| self.queue.enqueue(bytes))
    }

    /// Append a value, as [`Queue::enqueue_wait`].
    pub fn enqueue_wait(&self, value: &T, timeout: impl Into<Option<Duration>>) -> Result<(), Error> {
        self.write(value, |bytes| self.queue.enqueue_wait(bytes, timeout))
    }

    /// Remove the oldest value, as [`Queue::dequeue`].
    pub fn dequeue(&self) -> Result<Option<T>, Error> {
        self.queue.take()?.map(|message| self.read(message)).transpose()
    }

    /// Remove the oldest value, as [`Queue::dequeue_wait`].
    pub fn dequeue_wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<T>, Error> {
        self.queue.take_wait(timeout)?.map(|message| self.read(message)).transpose()
    }

    /// The queue of bytes behind it, for everything else.
    pub fn bytes(&self) -> &Queue {
        &self.queue
    }

    /// Give the queue of bytes back.
    pub fn into_bytes(self) -> Queue {
        self.queue
    }

    fn write(&self, value: &T, then: impl FnOnce(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        F::write(value, then).unwrap_or_else(|error| {
            let text = format_args!("a value of {} cannot be written: {error}", type_name::<T>());
            Err(Error::own(sys::CQ_EINVAL, self.queue.target(), text))
        })
    }

    /// Read before release: if that panics, the message is delivered again.
    fn read(&self, message: Received<'_>) -> Result<T, Error> {
        let value = F::read(&message).map_err(|error| {
            let (size, name) = (message.len(), type_name::<T>());
            let text = format_args!(
                "a message of {size} bytes is no {name}: {error}: somebody else writes other things into the queue"
            );
            Error::own(sys::CQ_EMISMATCH, self.queue.target(), text)
        });
        message.release()?;
        value
    }
}

/// A queue that was opened already.
impl<T, F: Format<T>> From<Queue> for Typed<T, F> {
    fn from(queue: Queue) -> Self {
        Self { queue, what: PhantomData }
    }
}
