//! Messages in place: guards on memory of the region, which end the loan when they are dropped.

use std::ops::{Deref, DerefMut};
use std::{fmt, slice, thread};

use crate::{Error, Queue};
use cqueue_sys as sys;

type End = unsafe extern "C" fn(*mut sys::cq_queue, *mut sys::cq_message) -> std::ffi::c_int;

/// A message that the handle holds, as C has it.
pub(crate) struct Loan<'q> {
    queue: &'q Queue,
    message: sys::cq_message,
}

// SAFETY: a message that one thread took may be ended by another. Shared access only reads.
unsafe impl Send for Loan<'_> {}
// SAFETY: as above.
unsafe impl Sync for Loan<'_> {}

impl<'q> Loan<'q> {
    /// # Safety
    /// `message` was reserved or taken by a call on `queue` and not ended since.
    #[inline]
    pub(crate) unsafe fn new(queue: &'q Queue, message: sys::cq_message) -> Self {
        Self { queue, message }
    }

    #[inline]
    fn end(&mut self, end: End) -> Result<(), Error> {
        // SAFETY: the message is as the library left it, and the handle is open.
        let result = unsafe { end(self.queue.handle(), &mut self.message) };
        self.queue.check(result, 0)
    }

    /// The library sets data to null when the loan has ended.
    #[inline]
    fn is_held(&self) -> bool {
        !self.message.data.is_null()
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: while it is held, data is readable for size bytes of a mapping that lives as long as the queue, which
        // self.queue borrows. Nobody who keeps to the protocol writes there: that is the trust that a region asks for.
        unsafe { slice::from_raw_parts(self.message.data.cast(), self.message.size) }
    }
}

/// A message that is being written in place: room for so many bytes, aligned to 8. Dropped before it was committed, it is
/// given up.
///
/// At first it holds what happened to be there.
///
/// ```
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
/// let mut message = queue.reserve(100)?;
/// message[..5].copy_from_slice(b"hello");
/// message.commit(5)?;
/// assert_eq!(queue.dequeue()?.unwrap(), b"hello");
/// # Ok::<(), cqueue::Error>(())
/// ```
#[must_use = "dropped, it is given up"]
pub struct Reserved<'q> {
    loan: Loan<'q>,
}

impl<'q> Reserved<'q> {
    #[inline]
    pub(crate) fn new(loan: Loan<'q>) -> Self {
        Self { loan }
    }

    /// Publish the first `size` bytes. Returns the position, which identifies the message. Never blocks.
    ///
    /// If consumers have given up waiting for it, the message needs a new place and the queue may be full by now: then the
    /// error still has the reservation, see [`CommitError::into_reserved`]. So it has if `size` is more than was reserved.
    #[inline]
    pub fn commit(mut self, size: usize) -> Result<u64, CommitError<'q>> {
        let Loan { queue, message } = &mut self.loan;
        // SAFETY: the message is as the library left it, and the handle is open.
        match unsafe { sys::cq_commit(queue.handle(), message, size) } {
            sys::CQ_OK => Ok(message.position),
            result => Err(CommitError { error: queue.error(result, size), reserved: self }),
        }
    }

    /// Give it up. Dropping it does the same, but keeps errors to itself.
    pub fn abort(mut self) -> Result<(), Error> {
        self.loan.end(sys::cq_abort)
    }
}

impl Deref for Reserved<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.loan.bytes()
    }
}

impl DerefMut for Reserved<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in Loan::bytes; and a reserved slot's bytes are its owner's alone, until it commits or aborts.
        unsafe { slice::from_raw_parts_mut(self.loan.message.data.cast(), self.loan.message.size) }
    }
}

impl Drop for Reserved<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.loan.is_held() {
            let _ = self.loan.end(sys::cq_abort); // in a forked child it is the parent's
        }
    }
}

impl fmt::Debug for Reserved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserved").field("size", &self.len()).finish_non_exhaustive()
    }
}

/// A message was not published: why, and the reservation, to try again.
#[derive(Debug)]
pub struct CommitError<'q> {
    error: Error,
    reserved: Reserved<'q>,
}

impl<'q> CommitError<'q> {
    /// Why.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The reservation, with everything that was written into it.
    pub fn into_reserved(self) -> Reserved<'q> {
        self.reserved
    }
}

impl fmt::Display for CommitError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for CommitError<'_> {}

/// Gives the reservation up.
impl From<CommitError<'_>> for Error {
    fn from(error: CommitError<'_>) -> Self {
        error.error
    }
}

/// A message that was taken and is read in place, aligned to 8 bytes. Until it is released, it is not lost: if this process
/// dies, it is delivered again.
///
/// Dropped, it is released: done with. But dropped by a panic it is given back, to be delivered again: whoever panicked
/// was not done with it. A task that is cancelled while it holds a message drops it as well, without a panic; if that may
/// happen, call [`Received::return_on_drop`].
///
/// ```
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
/// queue.enqueue("order 1")?;
/// if let Some(message) = queue.take()? {
///     assert_eq!(*message, *b"order 1");
///     message.return_()?; // not now
/// }
/// for message in queue.try_iter() {
///     let message = message?;
///     assert_eq!(message.deliveries(), 2);
///     message.release()?;
/// }
/// # Ok::<(), cqueue::Error>(())
/// ```
#[must_use = "dropped, it is released"]
pub struct Received<'q> {
    loan: Loan<'q>,
    return_on_drop: bool,
}

impl<'q> Received<'q> {
    #[inline]
    pub(crate) fn new(loan: Loan<'q>) -> Self {
        Self { loan, return_on_drop: false }
    }

    /// 1 the first time the message is delivered, 2 the second, ..., at most 255.
    pub fn deliveries(&self) -> u32 {
        self.loan.message.deliveries
    }

    /// Identifies the message, also when it is delivered again.
    pub fn position(&self) -> u64 {
        self.loan.message.position
    }

    /// Done with it: it is gone. Dropping it does the same, but keeps errors to itself.
    #[inline]
    pub fn release(mut self) -> Result<(), Error> {
        self.loan.end(sys::cq_release)
    }

    /// Not done with it: it is delivered again, before newer messages.
    pub fn return_(mut self) -> Result<(), Error> {
        self.loan.end(sys::cq_return)
    }

    /// From now on, only [`Received::release`] means done: dropped in any other way, the message is given back.
    pub fn return_on_drop(mut self) -> Self {
        self.return_on_drop = true;
        self
    }
}

impl Deref for Received<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.loan.bytes()
    }
}

impl Drop for Received<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.loan.is_held() {
            let give_back = self.return_on_drop || thread::panicking();
            let _ = self.loan.end(if give_back { sys::cq_return } else { sys::cq_release }); // in a forked child it is the parent's
        }
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("size", &self.len())
            .field("position", &self.position())
            .field("deliveries", &self.deliveries())
            .finish_non_exhaustive()
    }
}
