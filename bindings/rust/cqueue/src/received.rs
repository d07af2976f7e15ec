//! Messages that were taken and are read in place.

use std::ffi::c_int;
use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use crate::loan::{Loan, empty_message};
use crate::queue::nanoseconds;
use crate::waits::Side;
use crate::{Error, Headers, Queue, events, headers};
use cqueue_sys as sys;

impl Queue {
    /// Take the oldest message, to be read in place. Never blocks. `None`: no message is waiting.
    #[inline]
    pub fn take(&self) -> Result<Option<Received<'_>>, Error> {
        // SAFETY: the handle is open, the message has its struct_size and is writable.
        self.lend(|queue, message| unsafe { sys::cq_take(queue, message) })
    }

    /// Take the oldest message; sleep while there is none. `None`: timed out. A timeout of `None` waits for ever.
    pub fn take_wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<Received<'_>>, Error> {
        let timeout = nanoseconds(timeout.into());
        // SAFETY: as above.
        self.lend(|queue, message| unsafe { sys::cq_take_wait(queue, message, timeout) })
    }

    /// Take up to `limit` of the oldest messages, as many as are waiting. Each is released by itself; those that are dropped
    /// are given back. Never blocks.
    ///
    /// ```
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// queue.enqueue_batch(&["one", "two", "three"])?;
    /// let orders = queue.take_batch(100)?;
    /// let total: usize = orders.iter().map(|order| order.len()).sum(); // all of them first
    /// for order in orders {
    ///     order.release()?; // then they are done with
    /// }
    /// # assert_eq!(total, 11);
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn take_batch(&self, limit: usize) -> Result<Vec<Received<'_>>, Error> {
        let mut batch = Vec::new();
        while batch.len() < limit {
            match self.take() {
                Ok(Some(message)) => batch.push(message),
                Err(error) if batch.is_empty() => return Err(error),
                Ok(None) | Err(_) => break, // the next call reports the error
            }
        }
        Ok(batch)
    }

    /// As [`Queue::take_batch`]; sleep while no message is waiting. Empty: timed out, or a limit of 0.
    pub fn take_batch_wait(
        &self,
        limit: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Vec<Received<'_>>, Error> {
        let batch = self.until(Side::Messages, timeout.into(), |queue| {
            let batch = queue.take_batch(limit)?;
            Ok((!batch.is_empty() || limit == 0).then_some(batch))
        })?;
        Ok(batch.unwrap_or_default())
    }

    /// The library writes where the message stays. If it has none, there is no loan, and nothing to end.
    #[inline]
    fn lend(
        &self,
        take: impl FnOnce(*mut sys::cq_queue, *mut sys::cq_message) -> c_int,
    ) -> Result<Option<Received<'_>>, Error> {
        // SAFETY: it is no message yet.
        let loan = unsafe { Loan::new(self.borrow(), empty_message()) };
        let mut received = Received { loan, release_on_drop: false };
        match take(self.raw(), &mut received.loan.message) {
            sys::CQ_OK => Ok(Some(received)),
            sys::CQ_EMPTY | sys::CQ_TIMEOUT => Ok(None),
            result => Err(self.error(result, 0)),
        }
    }
}

/// A message that was taken and is read in place, aligned to 8 bytes. Until it is released it is not lost: if this process
/// dies, it is delivered again.
///
/// [`Received::release`] says that it is done with. Dropped in any other way, by `?`, a panic, a time-out around a future,
/// or because it was forgotten, it is given back: it is delivered again, before newer messages, with
/// [`Received::deliveries`] one higher. [`Received::release_on_drop`] is for messages that may be lost.
///
/// ```
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
/// queue.enqueue("order 1")?;
/// if let Some(message) = queue.take()? {
///     assert_eq!(*message, *b"order 1");
///     message.give_back()?; // not now
/// }
/// for message in queue.try_iter() {
///     let message = message?;
///     assert_eq!(message.deliveries(), 2);
///     message.release()?;
/// }
/// # Ok::<(), cqueue::Error>(())
/// ```
///
/// It borrows the queue. To send it to another thread or task that may outlive the borrow, there is
/// [`Received::into_owned`].
///
/// A child made by `fork` does not have this memory: there, [`Received::bytes`] is an error, and plain access a fault.
#[must_use = "dropped, it is given back: release it when it is done with"]
pub struct Received<'q> {
    loan: Loan<'q>,
    release_on_drop: bool,
}

impl<'q> Received<'q> {
    /// 1 the first time the message is delivered, 2 the second, ..., at most 255.
    pub fn deliveries(&self) -> u32 {
        self.loan.message.deliveries
    }

    /// Identifies the message, also when it is delivered again.
    pub fn position(&self) -> u64 {
        self.loan.message.position
    }

    /// The name of the queue that it was taken from.
    pub fn queue(&self) -> &str {
        self.loan.handle.target().name()
    }

    /// The bytes, or [`Error::Fork`] in a child made by `fork`.
    pub fn bytes(&self) -> Result<&[u8], Error> {
        self.loan.check_mapped()?;
        Ok(self)
    }

    /// Done with it: it is gone.
    #[inline]
    pub fn release(mut self) -> Result<(), Error> {
        self.loan.end(sys::cq_release)
    }

    /// Not done with it: it is delivered again, before newer messages. Dropping it does the same, but keeps errors to itself.
    pub fn give_back(mut self) -> Result<(), Error> {
        self.loan.end(sys::cq_return)
    }

    /// Not done with it: it is delivered again when the delay has passed, before newer messages then; until then others are.
    /// The delay is kept whatever happens to this process. After an error, such as [`Error::NoSpace`] (there is no memory to
    /// note the time), it is given back at once.
    pub fn give_back_after(self, delay: Duration) -> Result<(), Error> {
        self.give_back_later(i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Not done with it: it is delivered again behind all messages that wait now. Errors as
    /// [`give_back_after`](Self::give_back_after).
    pub fn give_back_to_tail(self) -> Result<(), Error> {
        self.give_back_later(i64::from(sys::CQ_TO_TAIL))
    }

    fn give_back_later(mut self, delay_ns: i64) -> Result<(), Error> {
        let Loan { handle, message } = &mut self.loan;
        // SAFETY: the message is as the library left it, and the handle is open.
        let result = unsafe { sys::cq_return_after(handle.raw(), message, delay_ns) };
        handle.check(result, 0)
    }

    /// The headers, copied; none if the queue was not created with [`Options::max_headers`](crate::Options::max_headers).
    pub fn headers(&self) -> Result<Headers, Error> {
        headers::of_message(&self.loan.handle, &self.loan.message)
    }

    /// When it was enqueued, by a clock that is some milliseconds late. `None`: the queue was not created with
    /// [`Options::enqueue_times`](crate::Options::enqueue_times).
    pub fn enqueue_time(&self) -> Result<Option<SystemTime>, Error> {
        headers::time_of_message(&self.loan.handle, &self.loan.message)
    }

    /// From now on, dropping it in whatever way means that it is done with: what fails after this loses the message.
    pub fn release_on_drop(mut self) -> Self {
        self.release_on_drop = true;
        self
    }

    /// Free of the borrow of the queue, which stays open as long as this lives: for [`std::thread::spawn`] and
    /// `tokio::spawn`.
    ///
    /// ```
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// # queue.enqueue("order 1")?;
    /// if let Some(message) = queue.take()? {
    ///     let message = message.into_owned();
    ///     std::thread::spawn(move || message.release()).join().unwrap()?;
    /// }
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn into_owned(mut self) -> Received<'static> {
        Received { loan: self.loan.move_out(), release_on_drop: self.release_on_drop }
    }

    #[cold]
    fn end_dropped(&mut self) {
        let end = if self.release_on_drop {
            self.loan.end(sys::cq_release)
        } else {
            let (position, deliveries) = (self.position(), self.deliveries());
            let end = self.loan.end(sys::cq_return);
            events::dropped(self.loan.handle.target(), position, deliveries);
            end
        };
        if let Err(error) = end {
            events::lost_error(&error); // in a forked child it is the parent's
        }
    }

    /// Does its end wait for the disk?
    pub(crate) fn is_synced(&self) -> bool {
        self.loan.handle.target().is_synced()
    }

    pub(crate) fn loan(&self) -> &Loan<'q> {
        &self.loan
    }
}

impl Deref for Received<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.loan.bytes()
    }
}

impl AsRef<[u8]> for Received<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Received<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.loan.is_held() {
            self.end_dropped();
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
