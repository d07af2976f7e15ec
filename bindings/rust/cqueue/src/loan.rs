//! A message that the handle holds: memory of the region, until the loan is ended. What both kinds of guard are made of.

use std::ffi::c_int;
use std::{mem, ptr, slice};

use crate::Error;
use crate::handle::Hold;
use cqueue_sys as sys;

pub(crate) type End = unsafe extern "C" fn(*mut sys::cq_queue, *mut sys::cq_message) -> c_int;

/// A reserved or taken message, as C has it.
pub(crate) struct Loan<'q> {
    pub(crate) handle: Hold<'q>,
    pub(crate) message: sys::cq_message,
}

// SAFETY: a message that one thread took may be ended by another. Shared access only reads.
unsafe impl Send for Loan<'_> {}
// SAFETY: as above.
unsafe impl Sync for Loan<'_> {}

impl<'q> Loan<'q> {
    /// # Safety
    /// `message` is empty, or was reserved or taken by a call on `handle` and not ended since.
    #[inline]
    pub(crate) unsafe fn new(handle: Hold<'q>, message: sys::cq_message) -> Self {
        Self { handle, message }
    }

    #[inline]
    pub(crate) fn end(&mut self, end: End) -> Result<(), Error> {
        // SAFETY: the message is as the library left it, and the handle is open.
        let result = unsafe { end(self.handle.raw(), &mut self.message) };
        self.handle.check(result, 0)
    }

    /// The library sets data to null when the loan has ended.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        !self.message.data.is_null()
    }

    /// The loan, free of the borrow; this one does not hold it any more.
    pub(crate) fn move_out(&mut self) -> Loan<'static> {
        let message = self.message;
        self.message.data = ptr::null_mut();
        Loan { handle: self.handle.clone().into_owned(), message }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        if !self.is_held() {
            return &[]; // a reservation that was published, and only the disk failed
        }
        // SAFETY: while it is held, data is readable for size bytes of a mapping that lives as long as the handle, which
        // self.handle keeps. Nobody who keeps to the protocol writes there: that is the trust that a region asks for.
        unsafe { slice::from_raw_parts(self.message.data.cast(), self.message.size) }
    }

    /// Is the mapping there? A forked child has none. Any call tells that is cheap and changes nothing.
    pub(crate) fn check_mapped(&self) -> Result<(), Error> {
        let mut length = 0;
        // SAFETY: the handle is open and length writable.
        self.handle.check(unsafe { sys::cq_length(self.handle.raw(), &mut length) }, 0)
    }
}

#[inline]
pub(crate) fn empty_message() -> sys::cq_message {
    sys::cq_message {
        struct_size: mem::size_of::<sys::cq_message>() as u32,
        deliveries: 0,
        data: ptr::null_mut(),
        size: 0,
        position: 0,
        token: [0; 2],
    }
}
