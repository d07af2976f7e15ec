//! An open queue: copying messages in and out, and what everything else is reached from.

use std::ffi::c_int;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use crate::loan::{Loan, Received, Reserved};
use crate::options::Target;
use crate::{Error, Messages, Options};
use cqueue_sys as sys;

/// An open handle on a queue, closed when it is dropped.
///
/// Any number of threads may use one handle at once. A child made by `fork` may not: there everything fails with
/// [`Error::Fork`], and it opens its own.
///
/// Nothing outlives the handle that it belongs to:
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
pub struct Queue {
    handle: NonNull<sys::cq_queue>,
    target: Arc<Target>,
}

// SAFETY: a handle belongs to the process, not to a thread, and may be used by any number of threads at once. Only cq_close
// may not overlap with anything; it takes the Queue by value or by &mut.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

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
        let mut handle = ptr::null_mut();
        // SAFETY: the name ends with a 0; the config and what it points to live until the call is over.
        let result = unsafe { sys::cq_open(target.name_ptr(), &target.config(), &mut handle) };
        match NonNull::new(handle) {
            Some(handle) if result == sys::CQ_OK => Ok(Self { handle, target }),
            _ => Err(Error::new(result, &target, 0)),
        }
    }

    /// Close the handle now. Dropping it does the same. Messages that were taken and leaked (`mem::forget`) are delivered
    /// again, as after a death.
    pub fn close(self) {}

    /// What it was opened as.
    pub fn name(&self) -> &str {
        self.target.name()
    }

    // ---- copying in and out ----

    /// Append a message. Never blocks. [`Error::Full`]: there is no room.
    #[inline]
    pub fn enqueue(&self, message: impl AsRef<[u8]>) -> Result<(), Error> {
        let message = message.as_ref();
        // SAFETY: the message's memory is readable for its length.
        let result = unsafe { sys::cq_enqueue(self.handle(), message.as_ptr().cast(), message.len()) };
        self.check(result, message.len())
    }

    /// Append a message; sleep while the queue is full. `None` waits for ever, a [`Duration`] until it is over
    /// ([`Error::Timeout`]). In place of sleeping it fails with [`Error::Cancelled`] after [`Queue::cancel`], and with
    /// [`Error::Stale`] when the queue was removed; so does everything that waits.
    pub fn enqueue_wait(&self, message: impl AsRef<[u8]>, timeout: impl Into<Option<Duration>>) -> Result<(), Error> {
        let message = message.as_ref();
        let timeout = nanoseconds(timeout.into());
        // SAFETY: the message's memory is readable for its length.
        let result = unsafe { sys::cq_enqueue_wait(self.handle(), message.as_ptr().cast(), message.len(), timeout) };
        self.check(result, message.len())
    }

    /// Remove the oldest message. Never blocks. `None`: no message is waiting.
    pub fn dequeue(&self) -> Result<Option<Vec<u8>>, Error> {
        self.take()?.map(copy_out).transpose()
    }

    /// Remove the oldest message; sleep while there is none. `None`: there was none until the time was over. A timeout
    /// of `None` waits for ever.
    pub fn dequeue_wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<Vec<u8>>, Error> {
        self.take_wait(timeout)?.map(copy_out).transpose()
    }

    /// Remove the oldest message into `buffer`; returns the part of it that the message fills. The fastest way: nothing is
    /// allocated. Never blocks. `None`: no message is waiting. [`Error::TooSmall`]: it does not fit and stays.
    #[inline]
    pub fn dequeue_into<'b>(&self, buffer: &'b mut [u8]) -> Result<Option<&'b mut [u8]>, Error> {
        let mut size = 0;
        // SAFETY: the buffer is writable for its length.
        let result = unsafe { sys::cq_dequeue(self.handle(), buffer.as_mut_ptr().cast(), buffer.len(), &mut size) };
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
        let result = unsafe {
            sys::cq_dequeue_wait(self.handle(), buffer.as_mut_ptr().cast(), buffer.len(), &mut size, timeout)
        };
        self.filled(result, buffer, size)
    }

    // ---- in place ----

    /// Reserve room for a message of up to `size` bytes, to be written in place. Never blocks. [`Error::Full`]: there is
    /// none.
    #[inline]
    pub fn reserve(&self, size: usize) -> Result<Reserved<'_>, Error> {
        let mut message = empty_message();
        // SAFETY: the message has its struct_size and is writable.
        let result = unsafe { sys::cq_reserve(self.handle(), size, &mut message) };
        self.check(result, size)?;
        // SAFETY: it was reserved just now.
        Ok(Reserved::new(unsafe { Loan::new(self, message) }))
    }

    /// Take the oldest message, to be read in place. Never blocks. `None`: no message is waiting.
    #[inline]
    pub fn take(&self) -> Result<Option<Received<'_>>, Error> {
        let mut message = empty_message();
        // SAFETY: the message has its struct_size and is writable.
        let result = unsafe { sys::cq_take(self.handle(), &mut message) };
        self.lent(result, message)
    }

    /// Take the oldest message; sleep while there is none. `None`: there was none until the time was over. A timeout of
    /// `None` waits for ever.
    pub fn take_wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<Received<'_>>, Error> {
        let mut message = empty_message();
        // SAFETY: the message has its struct_size and is writable.
        let result = unsafe { sys::cq_take_wait(self.handle(), &mut message, nanoseconds(timeout.into())) };
        self.lent(result, message)
    }

    // ---- one after the other ----

    /// Take messages one after the other, waiting for the next one for ever.
    pub fn iter(&self) -> Messages<'_> {
        Messages::new(self, None)
    }

    /// Take messages one after the other, until none is waiting.
    pub fn try_iter(&self) -> Messages<'_> {
        self.iter_timeout(Duration::ZERO)
    }

    /// Take messages one after the other, until none has come for so long.
    pub fn iter_timeout(&self, timeout: Duration) -> Messages<'_> {
        Messages::new(self, Some(timeout))
    }

    // ---- ending waits ----

    /// End every wait on this handle, now and until [`Queue::reset_cancel`]: what would have to sleep fails with
    /// [`Error::Cancelled`], in every thread. What need not sleep goes on as ever, and so do other handles. It wakes no
    /// task of an `AsyncQueue`: a future is cancelled by dropping it.
    ///
    /// Any thread may call it at any time, and so may a signal handler: it takes no lock and allocates nothing.
    ///
    /// ```
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// std::thread::scope(|scope| {
    ///     let worker = scope.spawn(|| queue.take_wait(None));
    ///     queue.cancel()?;
    ///     assert!(matches!(worker.join().unwrap(), Err(cqueue::Error::Cancelled(_))));
    ///     queue.reset_cancel()
    /// })?;
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn cancel(&self) -> Result<(), Error> {
        // SAFETY: the handle is open.
        self.check_in_handler(unsafe { sys::cq_cancel(self.handle()) })
    }

    /// Allow waits again. From any thread and from signal handlers, as [`Queue::cancel`].
    pub fn reset_cancel(&self) -> Result<(), Error> {
        // SAFETY: the handle is open.
        self.check_in_handler(unsafe { sys::cq_cancel_reset(self.handle()) })
    }

    fn check_in_handler(&self, result: c_int) -> Result<(), Error> {
        if result == sys::CQ_OK { Ok(()) } else { Err(Error::in_handler(result, &self.target)) }
    }

    // ---- event loops ----

    /// A descriptor that is readable (level-triggered) while a message may be waiting, for poll and event loops: when it
    /// is, dequeue until there is none, which makes it unreadable again. It belongs to the queue: do not read from it. The
    /// first call starts a helper thread.
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.descriptor(sys::cq_fd)
    }

    /// The same for producers: readable while there may be room; enqueue until [`Error::Full`].
    pub fn room_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.descriptor(sys::cq_room_fd)
    }

    fn descriptor(
        &self,
        open: unsafe extern "C" fn(*mut sys::cq_queue, *mut c_int) -> c_int,
    ) -> Result<BorrowedFd<'_>, Error> {
        let mut fd = -1;
        // SAFETY: the handle is open and fd writable.
        self.check(unsafe { open(self.handle(), &mut fd) }, 0)?;
        // SAFETY: it stays open as long as the handle, which the result borrows.
        Ok(unsafe { BorrowedFd::borrow_raw(fd) })
    }

    // ---- for the other modules ----

    #[inline]
    pub(crate) fn handle(&self) -> *mut sys::cq_queue {
        self.handle.as_ptr()
    }

    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    #[inline]
    pub(crate) fn check(&self, result: c_int, size: usize) -> Result<(), Error> {
        if result == sys::CQ_OK { Ok(()) } else { Err(self.error(result, size)) }
    }

    #[cold]
    pub(crate) fn error(&self, result: c_int, size: usize) -> Error {
        Error::new(result, &self.target, size)
    }

    #[inline]
    fn filled<'b>(&self, result: c_int, buffer: &'b mut [u8], size: usize) -> Result<Option<&'b mut [u8]>, Error> {
        match result {
            sys::CQ_OK => Ok(buffer.get_mut(..size)),
            sys::CQ_EMPTY | sys::CQ_TIMEOUT => Ok(None),
            _ => Err(self.error(result, size)),
        }
    }

    #[inline]
    fn lent(&self, result: c_int, message: sys::cq_message) -> Result<Option<Received<'_>>, Error> {
        match result {
            // SAFETY: it was taken just now.
            sys::CQ_OK => Ok(Some(Received::new(unsafe { Loan::new(self, message) }))),
            sys::CQ_EMPTY | sys::CQ_TIMEOUT => Ok(None),
            _ => Err(self.error(result, 0)),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: nothing that borrows the queue is alive, and nobody can use the handle after this.
        unsafe { sys::cq_close(self.handle()) };
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl<'q> IntoIterator for &'q Queue {
    type Item = Result<Received<'q>, Error>;
    type IntoIter = Messages<'q>;

    fn into_iter(self) -> Messages<'q> {
        self.iter()
    }
}

/// As the C interface has it: negative for ever.
pub(crate) fn nanoseconds(timeout: Option<Duration>) -> i64 {
    timeout.map_or(-1, |timeout| i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX))
}

#[inline]
fn empty_message() -> sys::cq_message {
    sys::cq_message {
        struct_size: mem::size_of::<sys::cq_message>() as u32,
        deliveries: 0,
        data: ptr::null_mut(),
        size: 0,
        position: 0,
        token: [0; 2],
    }
}

fn copy_out(message: Received<'_>) -> Result<Vec<u8>, Error> {
    let copy = message.to_vec();
    message.release()?;
    Ok(copy)
}
