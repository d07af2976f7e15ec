#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod durable;
mod error;
mod events;
#[cfg(feature = "tokio")]
mod flushes;
mod format;
mod handle;
mod headers;
mod iter;
#[cfg(feature = "tokio")]
mod line;
mod loan;
mod look;
mod options;
mod queue;
mod received;
mod reserved;
#[cfg(feature = "tokio")]
mod streams;
#[cfg(feature = "tokio")]
mod tasks;
mod typed;
#[cfg(feature = "tokio")]
mod typed_tasks;
mod waits;
mod words;

pub use batch::{Batch, BatchIter};
pub use error::{Details, Error};
#[cfg(feature = "serde")]
pub use format::Json;
#[cfg(feature = "bytemuck")]
pub use format::Pod;
#[cfg(feature = "postcard")]
pub use format::Postcard;
pub use format::{Format, FormatError, Taken, Undecodable};
pub use headers::Headers;
pub use iter::Messages;
pub use look::{Participant, Recovery, Shown, Stats};
pub use options::{Mode, Options};
pub use queue::Queue;
pub use received::Received;
pub use reserved::{CommitError, Reserved};
#[cfg(feature = "tokio")]
pub use streams::{Incoming, Outgoing};
#[cfg(feature = "tokio")]
pub use tasks::AsyncQueue;
pub use typed::{Typed, Verdict};
#[cfg(feature = "tokio")]
pub use typed_tasks::{AsyncTyped, IncomingTyped};

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
