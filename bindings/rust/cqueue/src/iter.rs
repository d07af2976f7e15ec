//! Messages one after the other.

use std::iter::FusedIterator;
use std::time::Duration;

use crate::{Error, Queue, Received};

/// Takes messages one after the other, each to be released (dropped) or returned. Ends when no message has come for as long
/// as [`Queue::iter`], [`Queue::try_iter`] or [`Queue::iter_timeout`] said, and after an error.
#[derive(Debug)]
#[must_use = "nothing is taken until it is asked for the next message"]
pub struct Messages<'q> {
    queue: &'q Queue,
    timeout: Option<Duration>,
    over: bool,
}

impl<'q> Messages<'q> {
    pub(crate) fn new(queue: &'q Queue, timeout: Option<Duration>) -> Self {
        Self { queue, timeout, over: false }
    }
}

impl<'q> Iterator for Messages<'q> {
    type Item = Result<Received<'q>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.queue.take_wait(self.timeout).transpose();
        self.over = !matches!(next, Some(Ok(_)));
        next
    }
}

impl FusedIterator for Messages<'_> {}
