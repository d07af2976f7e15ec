//! How to open a queue, and what was opened.

use std::ffi::{CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

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
    exclusive_consumer: bool,
    enqueue_times: bool,
    durable: bool,
    sync: bool,
    max_headers: u64,
    max_deliveries: u64,
    time_to_live: Duration,
    dead_letter: Option<String>,
    durable_directory: Option<PathBuf>,
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

    /// How many bytes the headers of a message may have; used when creating. Of each the key counts, the value, and 3 more;
    /// every message costs so many bytes more, with or without headers. 65,535 at most. Default, or 0: messages have none.
    pub fn max_headers(mut self, bytes: u64) -> Self {
        self.max_headers = bytes;
        self
    }

    /// How often a message is delivered, 254 times at most; used when creating. After that, if it was not released, it goes to
    /// the queue `dead_letter`, which is in the same directory and need not exist yet. Default, or 0: no limit.
    pub fn max_deliveries(mut self, deliveries: u64, dead_letter: impl Into<String>) -> Self {
        self.max_deliveries = deliveries;
        self.dead_letter(dead_letter)
    }

    /// Where messages go that are too old: a queue in the same directory, which need not exist yet; used when creating.
    pub fn dead_letter(mut self, queue: impl Into<String>) -> Self {
        self.dead_letter = Some(queue.into());
        self
    }

    /// How old a message may be; used when creating. Older ones are not delivered, they go to the
    /// [`dead_letter`](Self::dead_letter) or are dropped. Default, or zero: no limit.
    pub fn time_to_live(mut self, age: Duration) -> Self {
        self.time_to_live = age;
        self
    }

    /// Note when each message was enqueued, for [`Received::enqueue_time`](crate::Received::enqueue_time); used when creating.
    pub fn enqueue_times(mut self, notes: bool) -> Self {
        self.enqueue_times = notes;
        self
    }

    /// One consumer at a time; used when creating. The first handle that takes or dequeues is the only consumer, until it is
    /// closed or its process dies. Others fail with [`Error::Consumer`]; those that wait do so until it is their turn.
    pub fn exclusive_consumer(mut self, exclusive: bool) -> Self {
        self.exclusive_consumer = exclusive;
        self
    }

    /// A queue that survives power cuts with everything that was synced, see [`Queue::sync`]. It is kept in a directory beside
    /// the queue's file, unless [`durable_directory`](Self::durable_directory) says otherwise: shared memory survives no
    /// reboot, so name one of the two.
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Make it [`durable`](Self::durable), in this directory on a disk, which is for this queue alone. It is made if it does
    /// not exist.
    pub fn durable_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.durable_directory = Some(directory.into());
        self.durable(true)
    }

    /// Have every call of this handle that changes the queue wait until that is on the disk: enqueue, commit, dequeue,
    /// release, give back, and their batches, in tasks too. If the disk fails they return [`Error::Io`], and what they were
    /// to do has happened all the same: call [`Queue::sync`], do not repeat them. Makes it [`durable`](Self::durable).
    ///
    /// The calls block their thread meanwhile. Tasks do better without this and with `AsyncQueue::sync`.
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Open the queue `name`, `[A-Za-z0-9][A-Za-z0-9._-]{0,199}`.
    pub fn open(&self, name: &str) -> Result<Queue, Error> {
        Queue::open_target(Arc::new(self.target(name)?))
    }

    /// Remove the name from the directory; no other option matters. Whoever has the queue open keeps using it, and its
    /// memory goes with the last of them. Waits of other processes end with [`Error::Stale`], those of this one go on:
    /// [`Queue::cancel`] ends them.
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
            (self.exclusive_consumer, sys::CQ_EXCLUSIVE_CONSUMER),
            (self.enqueue_times, sys::CQ_ENQUEUE_TIMES),
            (self.durable, sys::CQ_DURABLE),
            (self.sync, sys::CQ_SYNC),
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
            max_headers: self.max_headers,
            max_deliveries: self.max_deliveries,
            time_to_live: i64::try_from(self.time_to_live.as_nanos()).unwrap_or(i64::MAX),
            dead_letter: None,
            durable_directory: None,
        };
        match CString::new(name) {
            Ok(name) => target.name = name,
            Err(_) => return Err(Error::new(sys::CQ_ENAME, &Arc::new(target), 0)),
        }
        let texts = [
            ("directory", self.directory.as_ref().map(|path| path.as_os_str())),
            ("durable directory", self.durable_directory.as_ref().map(|path| path.as_os_str())),
            ("name of the dead letters' queue", self.dead_letter.as_ref().map(OsStr::new)),
        ];
        let mut made = [None, None, None];
        for ((what, text), made) in texts.into_iter().zip(&mut made) {
            let Some(text) = text else { continue };
            match CString::new(text.as_bytes()) {
                Ok(text) => *made = Some(text),
                Err(_) => {
                    let text = format_args!("the {what} {text:?} has a 0 byte in it: none may");
                    return Err(Error::own(sys::CQ_EINVAL, &Arc::new(target), text));
                }
            }
        }
        [target.directory, target.durable_directory, target.dead_letter] = made;
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
    max_headers: u64,
    max_deliveries: u64,
    time_to_live: i64,
    dead_letter: Option<CString>,
    durable_directory: Option<CString>,
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        self.name.to_str().expect("it was made of a str")
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.flags & sys::CQ_SYNC != 0
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
            directory: pointer(&self.directory),
            max_held: self.max_held,
            max_memory: self.max_memory,
            reserve: self.reserve,
            durable_directory: pointer(&self.durable_directory),
            max_headers: self.max_headers,
            max_deliveries: self.max_deliveries,
            dead_letter: pointer(&self.dead_letter),
            time_to_live: self.time_to_live,
        }
    }
}

/// Null if there is none.
fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}
