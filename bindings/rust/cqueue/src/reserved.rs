//! Messages that are written in place.

use std::ops::{Deref, DerefMut};
use std::time::Duration;
use std::{fmt, slice};

use crate::loan::{Loan, empty_message};
use crate::{Error, Headers, Queue, headers};
use cqueue_sys as sys;

impl Queue {
    /// Reserve room for a message of up to `size` bytes, to be written in place. Never blocks. [`Error::Full`]: there is
    /// none.
    #[inline]
    pub fn reserve(&self, size: usize) -> Result<Reserved<'_>, Error> {
        let mut message = empty_message();
        // SAFETY: the message has its struct_size and is writable.
        let result = unsafe { sys::cq_reserve(self.raw(), size, &mut message) };
        self.check(result, size)?;
        // SAFETY: it was reserved just now.
        Ok(Reserved { loan: unsafe { Loan::new(self.borrow(), message) } })
    }

    /// As [`Queue::reserve`]; sleep while the queue is full, as [`Queue::enqueue_wait`] does. [`Error::Timeout`].
    pub fn reserve_wait(&self, size: usize, timeout: impl Into<Option<Duration>>) -> Result<Reserved<'_>, Error> {
        self.until_room(size, timeout.into(), |queue| queue.reserve(size))
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
///
/// A child made by `fork` does not have this memory: there, [`Reserved::bytes_mut`] is an error, and plain access a fault.
#[must_use = "dropped, it is given up"]
pub struct Reserved<'q> {
    loan: Loan<'q>,
}

impl<'q> Reserved<'q> {
    /// Publish the first `size` bytes. Returns the position, which identifies the message. Never blocks.
    ///
    /// If consumers have given up waiting for it, the message needs a new place and the queue may be full by now: then the
    /// error still has the reservation, see [`CommitError::into_reserved`]. So it has if `size` is more than was reserved. Not
    /// after [`Error::Io`]: the message was published, and what is left of the reservation is empty.
    #[inline]
    pub fn commit(mut self, size: usize) -> Result<u64, CommitError<'q>> {
        let Loan { handle, message } = &mut self.loan;
        // SAFETY: the message is as the library left it, and the handle is open.
        match unsafe { sys::cq_commit(handle.raw(), message, size) } {
            sys::CQ_OK => Ok(message.position),
            result => Err(CommitError { error: handle.error(result, size), reserved: self }),
        }
    }

    /// Say what headers it gets when it is committed, as [`Queue::enqueue_with`].
    pub fn set_headers(&mut self, headers: &Headers) -> Result<(), Error> {
        let written = headers::write(headers, self.loan.handle.target())?;
        let Loan { handle, message } = &mut self.loan;
        // SAFETY: the message is as the library left it, the handle is open, and the headers are readable for their size.
        let result = unsafe { sys::cq_set_headers(handle.raw(), message, written.as_ptr().cast(), written.len()) };
        handle.check(result, written.len())
    }

    /// Give it up. Dropping it does the same, but keeps errors to itself.
    pub fn abort(mut self) -> Result<(), Error> {
        self.loan.end(sys::cq_abort)
    }

    /// Free of the borrow of the queue, which stays open as long as this lives.
    pub fn into_owned(mut self) -> Reserved<'static> {
        Reserved { loan: self.loan.move_out() }
    }

    /// The bytes, or [`Error::Fork`] in a child made by `fork`.
    pub fn bytes_mut(&mut self) -> Result<&mut [u8], Error> {
        self.loan.check_mapped()?;
        Ok(self)
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
        if !self.loan.is_held() {
            return &mut []; // as in Loan::bytes
        }
        // SAFETY: as in Loan::bytes; and a reserved slot's bytes are its owner's alone, until it commits or aborts.
        unsafe { slice::from_raw_parts_mut(self.loan.message.data.cast(), self.loan.message.size) }
    }
}

impl AsRef<[u8]> for Reserved<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
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
