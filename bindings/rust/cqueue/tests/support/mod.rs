//! What the tests share.
#![allow(dead_code, missing_docs)]

use cqueue::{Options, Queue};

/// A directory of the test's own in shared memory, gone when it is dropped.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("cqueue-rust-").tempdir_in("/dev/shm").unwrap())
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub fn options(&self) -> Options {
        Options::new().directory(self.path())
    }

    /// For so many messages of up to 64 bytes.
    pub fn open(&self, capacity: u64) -> Queue {
        self.options().capacity(capacity).max_message_size(64).open("orders").unwrap()
    }
}

/// `usual`, or with CQ_LONG=1 `long`.
pub fn rounds(usual: usize, long: usize) -> usize {
    if std::env::var_os("CQ_LONG").is_some_and(|value| value == "1") { long } else { usual }
}

/// A small generator: tests choose by it, so that they do the same each time.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
