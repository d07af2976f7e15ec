#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod error;
mod iter;
mod loan;
mod look;
mod options;
mod queue;
#[cfg(feature = "tokio")]
mod tasks;
mod typed;

pub use batch::{Batch, BatchIter};
pub use error::{Details, Error};
pub use iter::Messages;
pub use loan::{CommitError, Received, Reserved};
pub use look::{Participant, Recovery, Shown, Stats};
pub use options::{Mode, Options};
pub use queue::Queue;
#[cfg(feature = "tokio")]
pub use tasks::{AsyncQueue, Incoming, Outgoing};
#[cfg(feature = "bytemuck")]
pub use typed::Pod;
#[cfg(feature = "serde")]
pub use typed::Postcard;
pub use typed::{Format, FormatError, Typed};

/// The version of the C interface that the library has.
#[inline]
pub fn abi_version() -> u32 {
    // SAFETY: it takes nothing and has no conditions.
    unsafe { cqueue_sys::cq_abi_version() }
}

/// The version of the C library, such as `1.0.0`.
pub fn version() -> &'static str {
    // SAFETY: a static string, ended by a 0.
    unsafe { std::ffi::CStr::from_ptr(cqueue_sys::cq_version()) }.to_str().expect("a version is ASCII")
}
