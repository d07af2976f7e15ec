//! Messages one after the other.

use std::iter::FusedIterator;
use std::time::Duration;

use crate::{Error, Queue, Received};

/// Takes messages one after the other, each to be released; one that is dropped is given back, and so comes next again. Ends
/// when no message has come for as long as [`Queue::iter`], [`Queue::try_iter`] or [`Queue::iter_timeout`] said, and after
/// an error.
#[derive(Debug)]
#[must_use = "nothing is taken until it is asked for the next message"]
pub struct Messages<'q> {
    queue: &'q Queue,
    timeout: Option<Duration>,
    auto_ack: bool,
    over: bool,
}

impl<'q> Messages<'q> {
    fn new(queue: &'q Queue, timeout: Option<Duration>) -> Self {
        Self { queue, timeout, auto_ack: false, over: false }
    }

    /// Each message is done with when it is dropped ([`Received::release_on_drop`]): at most once.
    pub fn auto_ack(mut self) -> Self {
        self.auto_ack = true;
        self
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
        next.map(|next| next.map(|message| if self.auto_ack { message.release_on_drop() } else { message }))
    }
}

impl FusedIterator for Messages<'_> {}

impl Queue {
    /// Take messages one after the other, waiting for the next one for ever.
    pub fn iter(&self) -> Messages<'_> {
        Messages::new(self, None)
    }

    /// Take messages one after the other, until none is waiting.
    pub fn try_iter(&self) -> Messages<'_> {
        self.iter_timeout(Duration::ZERO)
    }

    /// Take messages one after the other, until none has come for so long.
    pub fn iter_timeout(&self, timeout: Duration) -> Messages<'_> {
        Messages::new(self, Some(timeout))
    }
}

impl<'q> IntoIterator for &'q Queue {
    type Item = Result<Received<'q>, Error>;
    type IntoIter = Messages<'q>;

    fn into_iter(self) -> Messages<'q> {
        self.iter()
    }
}
