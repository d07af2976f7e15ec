//! Surviving power cuts.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::queue::nanoseconds;
use crate::{Error, Queue};
use cqueue_sys as sys;

impl Queue {
    /// Put a durable queue on the disk as it is now. After this, every message that any process had enqueued before survives
    /// a power cut, and none that was released or dequeued before comes back.
    ///
    /// Many callers, of all processes, share one write: enqueue many messages, then sync once; or have many threads do so.
    /// An error changes nothing about the queue, and the next call tries again: [`Error::Io`] if the disk failed,
    /// [`Error::NoSpace`], [`Error::Access`], [`Error::NotFound`]. [`Error::Invalid`]: the queue is not durable, see
    /// [`Options::durable`](crate::Options::durable).
    ///
    /// The timeout is for the writes of others: [`Error::Timeout`], [`Error::Cancelled`]. If this call writes itself, the disk
    /// takes as long as it likes.
    ///
    /// ```
    /// # let place = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let disk = tempfile::tempdir().unwrap();
    /// # let options = cqueue::Options::new().directory(place.path()).any_filesystem(true);
    /// let queue = options.durable_directory(disk.path().join("orders")).open("orders")?;
    /// queue.enqueue_batch(&["one", "two", "three"])?;
    /// queue.sync(None)?; // once for all of them
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn sync(&self, timeout: impl Into<Option<Duration>>) -> Result<(), Error> {
        // SAFETY: the handle is open.
        self.check(unsafe { sys::cq_sync(self.raw(), nanoseconds(timeout.into())) }, 0)
    }

    /// Where a durable queue is kept. [`Error::Invalid`]: the queue is not durable.
    pub fn durable_directory(&self) -> Result<PathBuf, Error> {
        let mut path = [0_u8; 4096];
        // SAFETY: the path is writable for its size.
        self.check(unsafe { sys::cq_durable_directory(self.raw(), path.as_mut_ptr().cast(), path.len()) }, 0)?;
        let path = CStr::from_bytes_until_nul(&path).unwrap_or_default();
        Ok(OsStr::from_bytes(path.to_bytes()).into())
    }
}
