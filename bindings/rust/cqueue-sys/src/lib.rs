//! The C interface of cqueue. See the header, `cqueue.h`, for what everything means; the crate `cqueue` makes it safe.
#![no_std]

#[rustfmt::skip] // as it was made
mod bindings;
pub use bindings::*;
