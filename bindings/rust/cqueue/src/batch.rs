//! Many messages in one call.

use std::iter::FusedIterator;
use std::time::Duration;
use std::{fmt, ptr, slice};

use crate::waits::Side;
use crate::{Error, Queue};
use cqueue_sys as sys;

/// Batches up to this long are passed on without allocating memory.
const FEW: usize = 64;

impl Queue {
    /// Append messages in this order, as many as there is room for; returns how many. Others' may come in between. Never
    /// blocks.
    ///
    /// An error means that none was appended. One that was met after some were is left for the next call to report; but for
    /// [`Error::Io`], of which [`Details::size`](crate::Details::size) tells how many were.
    #[inline]
    pub fn enqueue_batch<M: AsRef<[u8]>>(&self, messages: &[M]) -> Result<usize, Error> {
        let slice = |message: &M| {
            let message = message.as_ref();
            sys::cq_slice { data: message.as_ptr().cast_mut().cast(), size: message.len() }
        };
        if messages.len() <= FEW {
            let mut few = [NO_SLICE; FEW];
            for (to, message) in few.iter_mut().zip(messages) {
                *to = slice(message);
            }
            self.enqueue_slices(&few[..messages.len()])
        } else {
            self.enqueue_slices(&messages.iter().map(slice).collect::<Vec<_>>())
        }
    }

    /// As [`Queue::enqueue_batch`]; sleep while there is room for none, as [`Queue::enqueue_wait`] does. Returns how many it
    /// appended as soon as there was room for some. [`Error::Timeout`]: there was none.
    ///
    /// ```
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// let mut rest = ["one", "two", "three"].as_slice();
    /// while !rest.is_empty() {
    ///     rest = &rest[queue.enqueue_batch_wait(rest, None)?..];
    /// }
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn enqueue_batch_wait<M: AsRef<[u8]>>(
        &self,
        messages: &[M],
        timeout: impl Into<Option<Duration>>,
    ) -> Result<usize, Error> {
        self.until_room(0, timeout.into(), |queue| queue.some_enqueued(messages))
    }

    /// One at least, if there are any.
    pub(crate) fn some_enqueued<M: AsRef<[u8]>>(&self, messages: &[M]) -> Result<usize, Error> {
        match self.enqueue_batch(messages)? {
            0 if !messages.is_empty() => Err(self.error(sys::CQ_FULL, 0)),
            done => Ok(done),
        }
    }

    /// The slices are of memory that the caller borrows.
    #[inline]
    fn enqueue_slices(&self, slices: &[sys::cq_slice]) -> Result<usize, Error> {
        let mut done = 0;
        // SAFETY: each slice is readable for its size until the call is over, and nothing is written there.
        let result = unsafe { sys::cq_enqueue_batch(self.raw(), slices.as_ptr(), slices.len(), &mut done) };
        match result {
            sys::CQ_OK | sys::CQ_FULL => Ok(done),
            sys::CQ_EIO => Err(self.error(result, done)),
            _ if done > 0 => Ok(done),
            _ => Err(self.error(result, slices.iter().map(|slice| slice.size).max().unwrap_or(0))),
        }
    }

    /// Replace what is in `batch` by the oldest messages, as many as are waiting and fit; returns how many. Never blocks. 0:
    /// none is waiting.
    ///
    /// If not even the first one fits, the batch's memory grows. After [`Error::Io`] the batch has what was removed.
    #[inline]
    pub fn dequeue_batch(&self, batch: &mut Batch) -> Result<usize, Error> {
        loop {
            let Batch { buffer, slices, filled } = batch;
            *filled = 0;
            // SAFETY: the buffer and the slices are writable for their lengths.
            let result = unsafe {
                sys::cq_dequeue_batch(
                    self.raw(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    slices.as_mut_ptr().cast(),
                    slices.len(),
                    filled,
                )
            };
            match result {
                sys::CQ_OK | sys::CQ_EMPTY => return Ok(*filled),
                sys::CQ_EIO => return Err(self.error(result, *filled)),
                sys::CQ_ETOOSMALL => buffer.resize(slices[0].0.size, 0),
                _ if *filled > 0 => return Ok(*filled), // the next call reports it
                _ => return Err(self.error(result, 0)),
            }
        }
    }

    /// As [`Queue::dequeue_batch`]; sleep while no message is waiting. 0: timed out.
    pub fn dequeue_batch_wait(&self, batch: &mut Batch, timeout: impl Into<Option<Duration>>) -> Result<usize, Error> {
        let count = self.until(Side::Messages, timeout.into(), |queue| queue.some_dequeued(batch))?;
        Ok(count.unwrap_or(0))
    }

    /// `None`: no message is waiting.
    pub(crate) fn some_dequeued(&self, batch: &mut Batch) -> Result<Option<usize>, Error> {
        let count = self.dequeue_batch(batch)?;
        Ok((count > 0).then_some(count))
    }
}

/// What C writes for each message.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Slice(sys::cq_slice);

// SAFETY: the pointer in it is never followed.
unsafe impl Send for Slice {}
// SAFETY: as above.
unsafe impl Sync for Slice {}

const NO_SLICE: sys::cq_slice = sys::cq_slice { data: ptr::null_mut(), size: 0 };

/// Messages that [`Queue::dequeue_batch`] took out, in memory that is used again and again.
///
/// ```
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
/// queue.enqueue_batch(&["one", "two", "three"])?;
/// let mut batch = cqueue::Batch::new(64, 64 * 256);
/// while queue.dequeue_batch(&mut batch)? > 0 {
///     for message in &batch {
///         println!("{}", String::from_utf8_lossy(message));
///     }
/// }
/// # Ok::<(), cqueue::Error>(())
/// ```
pub struct Batch {
    buffer: Vec<u8>,
    /// Where C says the messages lie. Only the sizes are used: they lie one behind the other.
    slices: Box<[Slice]>,
    filled: usize,
}

impl Batch {
    /// Room for so many messages (1 at least) of so many bytes together.
    pub fn new(messages: usize, bytes: usize) -> Self {
        Self { buffer: vec![0; bytes], slices: vec![Slice(NO_SLICE); messages.max(1)].into(), filled: 0 }
    }

    /// How many messages are in it.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Is there no message in it?
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// The messages, oldest first.
    #[inline]
    pub fn iter(&self) -> BatchIter<'_> {
        BatchIter { rest: &self.buffer, slices: self.slices[..self.filled].iter() }
    }
}

impl<'b> IntoIterator for &'b Batch {
    type Item = &'b [u8];
    type IntoIter = BatchIter<'b>;

    fn into_iter(self) -> BatchIter<'b> {
        self.iter()
    }
}

/// The messages of a [`Batch`].
#[must_use = "nothing happens until it is asked for the next message"]
pub struct BatchIter<'b> {
    rest: &'b [u8],
    slices: slice::Iter<'b, Slice>,
}

impl<'b> Iterator for BatchIter<'b> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        let (message, rest) = self.rest.split_at(self.slices.next()?.0.size);
        self.rest = rest;
        Some(message)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slices.size_hint()
    }
}

impl ExactSizeIterator for BatchIter<'_> {}
impl FusedIterator for BatchIter<'_> {}

impl fmt::Debug for BatchIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchIter").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("len", &self.filled).field("bytes", &self.buffer.len()).finish_non_exhaustive()
    }
}
