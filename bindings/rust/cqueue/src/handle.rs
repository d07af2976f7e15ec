//! The open handle of the C library, shared by the queue and everything that outlives a borrow of it.
//!
//! It owns the handle's life and turns results into errors. It knows nothing of messages.

use std::ffi::c_int;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::options::Target;
use crate::{Error, events};
use cqueue_sys as sys;

/// Closed when the last of those who share it is gone.
pub(crate) struct Handle {
    raw: NonNull<sys::cq_queue>,
    target: Arc<Target>,
    /// What the user said last: cancel, or reset.
    cancelled: AtomicBool,
}

// SAFETY: a handle belongs to the process, not to a thread, and may be used by any number of threads at once. Only cq_close
// may not overlap with anything: it is called when nobody has a reference any more.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub(crate) fn open(target: Arc<Target>) -> Result<Self, Error> {
        let mut raw = ptr::null_mut();
        // SAFETY: the name ends with a 0; the config and what it points to live until the call is over.
        let result = unsafe { sys::cq_open(target.name_ptr(), &target.config(), &mut raw) };
        match NonNull::new(raw) {
            Some(raw) if result == sys::CQ_OK => {
                events::opened(&target);
                Ok(Self { raw, target, cancelled: AtomicBool::new(false) })
            }
            _ => Err(Error::new(result, &target, 0)),
        }
    }

    #[inline]
    pub(crate) fn raw(&self) -> *mut sys::cq_queue {
        self.raw.as_ptr()
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

    /// End waits, or allow them again. For signal handlers too: it takes no lock and allocates nothing.
    pub(crate) fn set_cancelled(&self, cancelled: bool) -> Result<(), Error> {
        // Relaxed: it orders nothing. Only `end_waits` reads it, when nobody else has the handle.
        self.cancelled.store(cancelled, Ordering::Relaxed);
        match self.cancel_or_reset(cancelled) {
            sys::CQ_OK => Ok(()),
            result => Err(Error::in_handler(result, &self.target)),
        }
    }

    /// End waits while `work` runs, then have it as the user wants it. False, and nothing was done: this is a forked child.
    #[cfg(feature = "tokio")]
    pub(crate) fn end_waits(&self, work: impl FnOnce()) -> bool {
        if self.cancel_or_reset(true) != sys::CQ_OK {
            return false;
        }
        work();
        // Relaxed, as above.
        if !self.cancelled.load(Ordering::Relaxed) {
            self.cancel_or_reset(false);
        }
        true
    }

    fn cancel_or_reset(&self, cancelled: bool) -> c_int {
        // SAFETY: the handle is open.
        unsafe { if cancelled { sys::cq_cancel(self.raw()) } else { sys::cq_cancel_reset(self.raw()) } }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: nothing that shares the handle is alive, and nobody can use it after this.
        unsafe { sys::cq_close(self.raw()) };
        events::closed(&self.target);
    }
}

/// A handle, borrowed or shared: what makes guards and iterators of both kinds one type.
pub(crate) enum Hold<'q> {
    Borrowed(&'q Arc<Handle>),
    Shared(Arc<Handle>),
}

impl Hold<'_> {
    /// Free of the borrow.
    pub(crate) fn into_owned(self) -> Hold<'static> {
        match self {
            Hold::Borrowed(handle) => Hold::Shared(Arc::clone(handle)),
            Hold::Shared(handle) => Hold::Shared(handle),
        }
    }
}

impl Clone for Hold<'_> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Hold::Borrowed(handle) => Hold::Borrowed(handle),
            Hold::Shared(handle) => Hold::Shared(Arc::clone(handle)),
        }
    }
}

impl Deref for Hold<'_> {
    type Target = Handle;

    #[inline]
    fn deref(&self) -> &Handle {
        match self {
            Hold::Borrowed(handle) => handle,
            Hold::Shared(handle) => handle,
        }
    }
}
