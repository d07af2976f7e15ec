//! Waiting where the C library has no call of its own for it; ending waits; descriptors for event loops.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use crate::handle::Handle;
use crate::queue::nanoseconds;
use crate::{Error, Queue};
use cqueue_sys as sys;

/// What is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Messages,
    Room,
}

impl Side {
    /// Sleep until there may be what is waited for.
    pub(crate) fn wait(self, handle: &Handle, timeout_ns: i64) -> c_int {
        // SAFETY: the handle is open.
        unsafe {
            match self {
                Side::Messages => sys::cq_wait(handle.raw(), timeout_ns),
                Side::Room => sys::cq_wait_room(handle.raw(), timeout_ns),
            }
        }
    }

    /// The last wait was successful, and nobody here tries: another sleeper should.
    #[cfg(feature = "tokio")]
    pub(crate) fn pass_on(self, handle: &Handle) {
        // SAFETY: the handle is open. In a forked child it fails, and there is nothing to pass on.
        unsafe {
            match self {
                Side::Messages => sys::cq_wait_pass_on(handle.raw()),
                Side::Room => sys::cq_wait_room_pass_on(handle.raw()),
            }
        };
    }
}

/// Neither is an error to a caller who waits for room: no room, and no memory for it.
pub(crate) fn unless_full<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Full(_) | Error::NoSpace(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nor is to a caller who waits for a message that another handle is the only consumer: that one may go.
pub(crate) fn unless_not_consumer<T>(result: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(Error::Consumer(_)) => Ok(None),
        other => other,
    }
}

impl Queue {
    /// Until `attempt` has something, sleep and try again. `None`: timed out; or it is [`Error::Consumer`].
    pub(crate) fn until<'q, T>(
        &'q self,
        side: Side,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&'q Self) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout)); // None: never
        loop {
            // The clock first: the last try is after the deadline.
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let result = attempt(self);
            if left == Some(Duration::ZERO) {
                return result;
            }
            if let Some(found) = unless_not_consumer(result)? {
                return Ok(Some(found));
            }
            match side.wait(self.handle(), nanoseconds(left)) {
                sys::CQ_OK | sys::CQ_TIMEOUT => {}
                result => return Err(self.error(result, 0)),
            }
        }
    }

    /// The same for room. [`Error::NoSpace`] in place of [`Error::Timeout`]: what was lacking at last is memory.
    pub(crate) fn until_room<'q, T>(
        &'q self,
        size: usize,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&'q Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut lacking = sys::CQ_TIMEOUT;
        let found = self.until(Side::Room, timeout, |queue| {
            let result = attempt(queue);
            lacking = if matches!(result, Err(Error::NoSpace(_))) { sys::CQ_ENOSPACE } else { sys::CQ_TIMEOUT };
            unless_full(result)
        })?;
        found.ok_or_else(|| self.error(lacking, size))
    }

    // ---- ending waits ----

    /// End every wait on this handle, now and until [`Queue::reset_cancel`]: what would have to sleep fails with
    /// [`Error::Cancelled`], in every thread and every task of an `AsyncQueue`. What need not sleep goes on as ever, and so
    /// do other handles.
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
        self.handle().set_cancelled(true)
    }

    /// Allow waits again. From any thread and from signal handlers, as [`Queue::cancel`].
    pub fn reset_cancel(&self) -> Result<(), Error> {
        self.handle().set_cancelled(false)
    }

    // ---- event loops ----

    /// A descriptor that is readable (level-triggered) while a message may be waiting, for poll and event loops: when it
    /// is, dequeue until there is none, which makes it unreadable again. It belongs to the queue: do not read from it. The
    /// first call starts a helper thread.
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.descriptor(sys::cq_fd)
    }

    /// The same for producers: readable while there may be room; enqueue until [`Error::Full`] or [`Error::NoSpace`].
    pub fn room_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.descriptor(sys::cq_room_fd)
    }

    fn descriptor(
        &self,
        open: unsafe extern "C" fn(*mut sys::cq_queue, *mut c_int) -> c_int,
    ) -> Result<BorrowedFd<'_>, Error> {
        let mut fd = -1;
        // SAFETY: the handle is open and fd writable.
        self.check(unsafe { open(self.raw(), &mut fd) }, 0)?;
        // SAFETY: it stays open as long as the handle, which the result borrows.
        Ok(unsafe { BorrowedFd::borrow_raw(fd) })
    }
}

/// [`Queue::fd`], for event loops that own what they watch.
///
/// # Panics
/// If there is no descriptor to be had. A program that calls [`Queue::fd`] first is told why.
impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd().unwrap_or_else(|error| panic!("{error}"))
    }
}

/// As [`AsFd`](#impl-AsFd-for-Queue).
impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
