//! What happens that one may want to see: events of `tracing`, with that feature. Without it, nothing.
//!
//! Rare things only: no event a message, except where something went wrong with it.
#![cfg_attr(not(feature = "tracing"), allow(unused_variables, clippy::missing_const_for_fn))]

use crate::options::Target;
use crate::{Error, Undecodable};

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($($ignored:tt)*) => {};
}
#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $($what:tt)*) => { tracing::event!(target: "cqueue", tracing::Level::$level, $($what)*) };
}

pub(crate) fn opened(target: &Target) {
    event!(DEBUG, queue = target.name(), "opened");
}

pub(crate) fn closed(target: &Target) {
    event!(DEBUG, queue = target.name(), "closed");
}

/// Usually somebody forgot to release it, or failed.
#[inline]
pub(crate) fn dropped(target: &Target, position: u64, deliveries: u32) {
    event!(DEBUG, queue = target.name(), position, deliveries, "dropped without release: given back");
}

/// A guard was dropped, and the library did not take the message: the error is nobody's.
#[cold]
pub(crate) fn lost_error(error: &Error) {
    event!(WARN, queue = error.details().queue(), %error, "a dropped message was not ended");
}

#[cold]
pub(crate) fn undecodable(error: &Undecodable) {
    let (position, deliveries) = (error.position(), error.deliveries());
    event!(WARN, queue = error.details().queue(), position, deliveries, %error, "undecodable");
}

#[cfg(feature = "tokio")]
pub(crate) fn watcher(target: &Target, what: &str) {
    event!(DEBUG, queue = target.name(), "the thread that waits for tasks {what}");
}
