//! How to open a queue, and what was opened.

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use crate::{Error, Queue};
use cqueue_sys as sys;

/// Whether a queue is created or attached to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Create the queue, or attach to it if it exists.
    #[default]
    Create,
    /// Create the queue, or fail with [`Error::Exists`].
    Exclusive,
    /// Attach to the queue, or fail with [`Error::NotFound`].
    Attach,
    /// Attach to look on: only [`Queue::walk`], [`Queue::stats`] and [`Queue::participants`] work. Needs read permission
    /// alone.
    ReadOnly,
}

/// How to open a queue; what is not named keeps its default.
///
/// ```
/// # fn main() -> Result<(), cqueue::Error> {
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// let queue = cqueue::Options::new()
///     .capacity(100_000)
///     .max_message_size(256)
///     # .directory(directory.path())
///     .open("orders")?;
/// # drop(queue); Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    mode: Mode,
    any_filesystem: bool,
    trust: bool,
    keep_unlinked: bool,
    capacity: u64,
    max_message_size: u64,
    max_held: u64,
    max_memory: u64,
    reserve: u64,
    permissions: u32,
    directory: Option<PathBuf>,
}

impl Options {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to create or to attach. Default: whichever works.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How many messages may wait: 1 to 2^31. Default, or 0: 65,536 when creating, whatever it has when attaching.
    pub fn capacity(mut self, messages: u64) -> Self {
        self.capacity = messages;
        self
    }

    /// The largest message, in bytes: up to 1 GiB. Default, or 0: 4,096 when creating, whatever it has when attaching.
    pub fn max_message_size(mut self, bytes: u64) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// How many messages consumers may hold at a time, beside those that wait; used when creating. Default, or 0: a number
    /// that follows from the capacity.
    pub fn max_held(mut self, messages: u64) -> Self {
        self.max_held = messages;
        self
    }

    /// How many bytes of memory or disk the queue may take; used when creating. The queue is full when it would need more.
    /// Default, or 0: any number.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = bytes;
        self
    }

    /// How many bytes of memory or disk for messages the queue takes at once, and keeps; used when creating. As long as it
    /// holds no more, no call fails for want of memory. Default, or 0: none.
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.reserve = bytes;
        self
    }

    /// The file's permissions when creating; how much is accepted of others' regions when attaching (see `cqueue.h`, and
    /// [`Options::trust`]). Default, or 0: 0o600.
    pub fn permissions(mut self, permissions: u32) -> Self {
        self.permissions = permissions;
        self
    }

    /// Where the file is. Default: the platform's shared memory, `/dev/shm`.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Do not refuse a filesystem by its kind; what it must do is still tested.
    pub fn any_filesystem(mut self, any: bool) -> Self {
        self.any_filesystem = any;
        self
    }

    /// Accept a queue whoever owns it and whoever of its group may write it. One that everybody may write is never accepted.
    pub fn trust(mut self, trust: bool) -> Self {
        self.trust = trust;
        self
    }

    /// Go on waiting when the queue was removed, instead of failing with [`Error::Stale`].
    pub fn keep_unlinked(mut self, keep: bool) -> Self {
        self.keep_unlinked = keep;
        self
    }

    /// Open the queue `name`, `[A-Za-z0-9][A-Za-z0-9._-]{0,199}`.
    pub fn open(&self, name: &str) -> Result<Queue, Error> {
        Queue::open_target(Arc::new(self.target(name)?))
    }

    /// Remove the name from the directory; no other option matters. Whoever has the queue open keeps using it, and its
    /// memory goes with the last of them.
    pub fn unlink(&self, name: &str) -> Result<(), Error> {
        let target = Arc::new(self.target(name)?);
        // SAFETY: the name ends with a 0, and the config and what it points to live until the call is over.
        match unsafe { sys::cq_unlink(target.name_ptr(), &target.config()) } {
            sys::CQ_OK => Ok(()),
            result => Err(Error::new(result, &target, 0)),
        }
    }

    /// What C strings cannot hold is refused here, all else by the library.
    pub(crate) fn target(&self, name: &str) -> Result<Target, Error> {
        let mode = match self.mode {
            Mode::Create => sys::CQ_CREATE,
            Mode::Exclusive => sys::CQ_EXCLUSIVE,
            Mode::Attach => sys::CQ_ATTACH,
            Mode::ReadOnly => sys::CQ_READ_ONLY,
        };
        let switches = [
            (self.any_filesystem, sys::CQ_ANY_FILESYSTEM),
            (self.trust, sys::CQ_TRUST),
            (self.keep_unlinked, sys::CQ_KEEP_UNLINKED),
        ];
        let mut target = Target {
            name: CString::default(),
            directory: None,
            flags: switches.into_iter().filter(|(on, _)| *on).fold(mode, |flags, (_, flag)| flags | flag),
            capacity: self.capacity,
            max_message_size: self.max_message_size,
            max_held: self.max_held,
            max_memory: self.max_memory,
            reserve: self.reserve,
            permissions: self.permissions,
        };
        match CString::new(name) {
            Ok(name) => target.name = name,
            Err(_) => return Err(Error::new(sys::CQ_ENAME, &Arc::new(target), 0)),
        }
        if let Some(directory) = &self.directory {
            match CString::new(directory.as_os_str().as_bytes()) {
                Ok(directory) => target.directory = Some(directory),
                Err(_) => {
                    let text = format_args!("the directory {directory:?} has a 0 byte in it: no path has");
                    return Err(Error::own(sys::CQ_EINVAL, &Arc::new(target), text));
                }
            }
        }
        Ok(target)
    }
}

/// What a queue was opened as: the arguments of `cq_open`, kept for the words of later errors.
#[derive(Debug)]
pub(crate) struct Target {
    name: CString,
    directory: Option<CString>,
    flags: u32,
    capacity: u64,
    max_message_size: u64,
    max_held: u64,
    max_memory: u64,
    reserve: u64,
    permissions: u32,
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        self.name.to_str().expect("it was made of a str")
    }

    pub(crate) fn name_ptr(&self) -> *const c_char {
        self.name.as_ptr()
    }

    /// Points into `self`.
    pub(crate) fn config(&self) -> sys::cq_config {
        sys::cq_config {
            struct_size: size_of::<sys::cq_config>() as u32,
            flags: self.flags,
            capacity: self.capacity,
            max_message_size: self.max_message_size,
            permissions: self.permissions,
            reserved: 0,
            directory: self.directory.as_ref().map_or(ptr::null(), |directory| directory.as_ptr()),
            max_held: self.max_held,
            max_memory: self.max_memory,
            reserve: self.reserve,
        }
    }
}
