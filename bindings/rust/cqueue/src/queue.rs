//! An open queue: copying messages in and out, one at a time, and how many there are.

use std::ffi::c_int;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::handle::{Handle, Hold};
use crate::options::Target;
use crate::{Error, Options, Received};
use cqueue_sys as sys;

/// An open handle on a queue, closed when it is dropped and no owned guard, stream or iterator of it is left.
///
/// Any number of threads may use one handle at once, by reference or in an [`Arc`]. A child made by `fork` may not: there
/// everything fails with [`Error::Fork`], and it opens its own.
///
/// What borrows the handle does not outlive it:
///
/// ```compile_fail,E0505
/// let queue = cqueue::Queue::open("orders")?;
/// let message = queue.take()?;
/// queue.close(); // `message` lies in memory that would be gone
/// drop(message);
/// # Ok::<(), cqueue::Error>(())
/// ```
///
/// and a closed one cannot be used:
///
/// ```compile_fail,E0382
/// let queue = cqueue::Queue::open("orders")?;
/// queue.close();
/// queue.enqueue("too late")?;
/// # Ok::<(), cqueue::Error>(())
/// ```
///
/// For threads and tasks that take a message along, there is [`Received::into_owned`].
pub struct Queue {
    handle: Arc<Handle>,
    /// Capacity and largest message. They never change.
    sizes: OnceLock<(u64, u64)>,
}

impl Queue {
    /// Attach to the queue `name`, or create it with the defaults.
    pub fn open(name: &str) -> Result<Self, Error> {
        Options::new().open(name)
    }

    /// [`Options::new`].
    pub fn options() -> Options {
        Options::new()
    }

    /// Remove the name. Whoever has the queue open keeps using it. In another directory: [`Options::unlink`].
    pub fn unlink(name: &str) -> Result<(), Error> {
        Options::new().unlink(name)
    }

    pub(crate) fn open_target(target: Arc<Target>) -> Result<Self, Error> {
        Ok(Self { handle: Arc::new(Handle::open(target)?), sizes: OnceLock::new() })
    }

    /// Close the handle now, or as soon as no owned guard is left. Dropping it does the same. Messages that were taken and
    /// leaked (`mem::forget`) are delivered again, as after a death.
    pub fn close(self) {}

    /// What it was opened as.
    pub fn name(&self) -> &str {
        self.handle.target().name()
    }

    // ---- how many ----

    /// How many messages wait to be delivered; those that somebody holds do not count. Cheap, however many handles are open.
    pub fn len(&self) -> Result<usize, Error> {
        let mut length = 0;
        // SAFETY: the handle is open and length writable.
        self.check(unsafe { sys::cq_length(self.raw(), &mut length) }, 0)?;
        Ok(length as usize) // a 64-bit system: the library is built for no other
    }

    /// Does no message wait?
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// How many messages may wait at most.
    pub fn capacity(&self) -> Result<usize, Error> {
        Ok(self.sizes()?.0 as usize)
    }

    /// The largest message, in bytes.
    pub fn max_message_size(&self) -> Result<usize, Error> {
        Ok(self.sizes()?.1 as usize)
    }

    /// The statistics are asked once: they take time for each open handle.
    fn sizes(&self) -> Result<(u64, u64), Error> {
        if let Some(&sizes) = self.sizes.get() {
            return Ok(sizes);
        }
        let stats = self.stats()?;
        Ok(*self.sizes.get_or_init(|| (stats.capacity, stats.max_message_size)))
    }

    // ---- copying in and out ----

    /// Append a message. Never blocks. [`Error::Full`]: there is no room.
    #[inline]
    pub fn enqueue(&self, message: impl AsRef<[u8]>) -> Result<(), Error> {
        let message = message.as_ref();
        // SAFETY: the message's memory is readable for its length.
        let result = unsafe { sys::cq_enqueue(self.raw(), message.as_ptr().cast(), message.len()) };
        self.check(result, message.len())
    }

    /// Append a message; sleep while the queue is full. `None` waits for ever, a [`Duration`] for so long
    /// ([`Error::Timeout`]). In place of sleeping it fails with [`Error::Cancelled`] after [`Queue::cancel`], and with
    /// [`Error::Stale`] when the queue was removed; so does everything that waits.
    pub fn enqueue_wait(&self, message: impl AsRef<[u8]>, timeout: impl Into<Option<Duration>>) -> Result<(), Error> {
        let message = message.as_ref();
        let timeout = nanoseconds(timeout.into());
        // SAFETY: the message's memory is readable for its length.
        let result = unsafe { sys::cq_enqueue_wait(self.raw(), message.as_ptr().cast(), message.len(), timeout) };
        self.check(result, message.len())
    }

    /// Remove the oldest message. Never blocks. `None`: no message is waiting.
    pub fn dequeue(&self) -> Result<Option<Vec<u8>>, Error> {
        self.take()?.map(copy_out).transpose()
    }

    /// Remove the oldest message; sleep while there is none. `None`: timed out. A timeout of `None` waits for ever.
    pub fn dequeue_wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<Vec<u8>>, Error> {
        self.take_wait(timeout)?.map(copy_out).transpose()
    }

    /// Remove the oldest message into `buffer`; returns the part of it that the message fills. The fastest way: nothing is
    /// allocated. Never blocks. `None`: no message is waiting. [`Error::TooSmall`]: it does not fit and stays.
    #[inline]
    pub fn dequeue_into<'b>(&self, buffer: &'b mut [u8]) -> Result<Option<&'b mut [u8]>, Error> {
        let mut size = 0;
        // SAFETY: the buffer is writable for its length.
        let result = unsafe { sys::cq_dequeue(self.raw(), buffer.as_mut_ptr().cast(), buffer.len(), &mut size) };
        self.filled(result, buffer, size)
    }

    /// As [`Queue::dequeue_into`] and [`Queue::dequeue_wait`].
    pub fn dequeue_into_wait<'b>(
        &self,
        buffer: &'b mut [u8],
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Option<&'b mut [u8]>, Error> {
        let (mut size, timeout) = (0, nanoseconds(timeout.into()));
        // SAFETY: the buffer is writable for its length.
        let result =
            unsafe { sys::cq_dequeue_wait(self.raw(), buffer.as_mut_ptr().cast(), buffer.len(), &mut size, timeout) };
        self.filled(result, buffer, size)
    }

    #[inline]
    fn filled<'b>(&self, result: c_int, buffer: &'b mut [u8], size: usize) -> Result<Option<&'b mut [u8]>, Error> {
        match result {
            sys::CQ_OK => Ok(buffer.get_mut(..size)),
            sys::CQ_EMPTY | sys::CQ_TIMEOUT => Ok(None),
            _ => Err(self.error(result, size)),
        }
    }

    // ---- for the other modules ----

    #[inline]
    pub(crate) fn raw(&self) -> *mut sys::cq_queue {
        self.handle.raw()
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    #[inline]
    pub(crate) fn borrow(&self) -> Hold<'_> {
        Hold::Borrowed(&self.handle)
    }

    #[inline]
    pub(crate) fn check(&self, result: c_int, size: usize) -> Result<(), Error> {
        self.handle.check(result, size)
    }

    #[cold]
    pub(crate) fn error(&self, result: c_int, size: usize) -> Error {
        self.handle.error(result, size)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// As the C interface has it: negative for ever.
pub(crate) fn nanoseconds(timeout: Option<Duration>) -> i64 {
    timeout.map_or(-1, |timeout| i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX))
}

fn copy_out(message: Received<'_>) -> Result<Vec<u8>, Error> {
    let copy = message.to_vec();
    match message.release() {
        Ok(()) => Ok(copy),
        Err(error) => Err(error.with_message(copy)),
    }
}
