//! Looking on: walking over what waits, numbers, and who died.

use std::any::Any;
use std::ffi::{c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, SystemTime};
use std::{mem, slice};

use crate::handle::Handle;
use crate::{Error, Headers, Queue, headers};
use cqueue_sys as sys;

/// A copy of a waiting message, for the time of a visit by [`Queue::walk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shown<'a> {
    /// The message.
    pub data: &'a [u8],
    /// Identifies it, also when it is delivered.
    pub position: u64,
    /// What [`Received::deliveries`](crate::Received::deliveries) will say: 1 if it was not delivered yet.
    pub deliveries: u32,
    /// When it was enqueued, if the queue notes that: [`Options::enqueue_times`](crate::Options::enqueue_times).
    pub enqueued: Option<SystemTime>,
    headers: &'a [u8],
}

impl Shown<'_> {
    /// Its headers.
    pub fn headers(&self) -> Headers {
        headers::parse(self.headers)
    }
}

/// Two structs are one in memory and in the header: what C fills in, each field with its own type and name.
macro_rules! mirror {
    ($(#[$attribute:meta])* $name:ident = $c:ident { $($(#[doc = $text:literal])+ $field:ident: $type:ty = $convert:expr,)+ }
     but $($other:ident),*) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        #[non_exhaustive]
        pub struct $name {
            $($(#[doc = $text])+ pub $field: $type,)+
        }

        impl From<sys::$c> for $name {
            fn from(c: sys::$c) -> Self {
                // Names every field: one that is added to the header must be added here.
                let sys::$c { $($field,)+ $($other: _,)* } = c;
                Self { $($field: $convert($field),)+ }
            }
        }
    };
}

mirror! {
    /// Numbers about a queue. Counts are since creation; those of operations that are under way or were cut short by death
    /// may be off by these.
    Stats = cq_stats {
        /// The version of the region's format.
        format_version: u32 = same,
        /// How many messages may wait.
        capacity: u64 = same,
        /// The largest message, in bytes.
        max_message_size: u64 = same,
        /// Messages waiting, those to be redelivered included.
        length: u64 = same,
        /// Messages waiting to be redelivered, which are not counted against capacity.
        orphans: u64 = same,
        /// Messages accepted.
        enqueued: u64 = same,
        /// Messages delivered for the first time.
        dequeued: u64 = same,
        /// Deliveries after the first.
        redelivered: u64 = same,
        /// Messages given back.
        returned: u64 = same,
        /// Slots that consumers gave up waiting for.
        voided: u64 = same,
        /// Dead participants that were cleaned up after.
        reaped: u64 = same,
        /// Handles open and alive now.
        participants: u32 = same,
        /// Threads that wait for room.
        waiting_producers: u32 = same,
        /// Threads that wait for a message.
        waiting_consumers: u32 = same,
        /// Messages that a node holds.
        slots_per_node: u32 = same,
        /// Nodes in all.
        nodes: u64 = same,
        /// Nodes that have memory.
        nodes_touched: u64 = same,
        /// Nodes in the list, or behind it and still held.
        nodes_linked: u64 = same,
        /// Bytes of memory or disk that the region has.
        memory: u64 = same,
        /// The file's size in bytes, most of them usually never touched.
        file_size: u64 = same,
        /// When the queue was created.
        created: SystemTime = time,
        /// Does the name no longer lead to this region?
        unlinked: bool = is_set,
        /// Messages in the hands of consumers.
        held: u64 = same,
        /// Messages that producers have reserved or are writing.
        writing: u64 = same,
        /// Messages that may be held for sure while the queue is full; see [`Options::max_held`](crate::Options::max_held).
        max_held: u64 = same,
        /// Bytes that the region may have; 0: any number.
        max_memory: u64 = same,
        /// Bytes for messages that it had from the beginning.
        reserve: u64 = same,
        /// Bytes given back to the file system.
        trimmed: u64 = same,
        /// The region's, random: together with a message's position it names that message for ever.
        id: [u8; 16] = same,
        /// Bytes that the headers of a message may have; 0: it has none.
        max_headers: u64 = same,
        /// A message that was delivered so often goes to `dead_letter`; 0: no limit.
        max_deliveries: u64 = same,
        /// How old messages may be; zero: no limit.
        time_to_live: Duration = span,
        /// Do messages have the times at which they were enqueued?
        enqueue_times: bool = is_set,
        /// Has the queue one consumer at a time?
        exclusive_consumer: bool = is_set,
        /// The handle ([`Participant::id`]) that is the only consumer now; 0: none is.
        consumer: u32 = same,
        /// Sources that the queue knows, see [`Queue::enqueue_from`].
        sources: u32 = same,
        /// Of the orphans, those whose time has not come: [`Received::give_back_after`](crate::Received::give_back_after).
        delayed: u64 = same,
        /// Since the oldest waiting message was enqueued; zero: none waits, or there are no times.
        oldest_age: Duration = span,
        /// Messages that outlived `time_to_live`.
        expired: u64 = same,
        /// Messages that went to `dead_letter`.
        dead_lettered: u64 = same,
        /// Of the orphans, those that are to go there.
        spent: u64 = same,
        /// What the last try of that came to, as a result of the C interface; 0: it went well.
        dead_letter_result: i64 = same,
        /// The name of that queue; empty: none.
        dead_letter: String = text,
        /// Was it created with [`Options::durable`](crate::Options::durable)? What follows is 0 if not.
        durable: bool = is_set,
        /// The result of the last write or flush if it failed, as the C interface has it; 0 since one succeeded.
        disk_error: i32 = same,
        /// Number of the flush that began last, by any process.
        flushes_begun: u64 = same,
        /// All flushes up to this number are on the disk, or later ones in their place.
        flushes_done: u64 = same,
        /// Messages that no flush has put on the disk yet.
        unsynced: u64 = same,
        /// Files in the durable directory that hold messages.
        segments: u64 = same,
        /// Bytes that they occupy.
        disk_bytes: u64 = same,
        /// Messages that the region was made with, after a power cut.
        recovered: u64 = same,
    } but struct_size, reserved
}

mirror! {
    /// What [`Queue::recover`] found.
    Recovery = cq_recovery {
        /// Participants found dead and cleaned up after.
        participants: u32 = same,
        /// Slots freed: unfinished messages of dead producers.
        slots: u64 = same,
        /// Messages put back: held by dead consumers.
        messages: u64 = same,
        /// Nodes freed.
        nodes: u64 = same,
    } but struct_size
}

/// One open handle on the queue, of whatever process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Participant {
    /// 1 to 4,094; used again after the handle was closed or its process died.
    pub id: u32,
    /// The process, by its own count: another PID namespace has other numbers.
    pub pid: u32,
    /// The program's name, cut to 15 bytes.
    pub command: String,
    /// Does it live? Else it is dead, and what it holds is about to be delivered again.
    pub alive: bool,
    /// Messages in its hands.
    pub held: u64,
    /// Messages that it has reserved or is writing.
    pub writing: u64,
    /// Its threads that wait for room.
    pub waiting_producers: u32,
    /// Its threads that wait for a message.
    pub waiting_consumers: u32,
    /// From when on some thread of it has been waiting.
    pub waiting_since: Option<SystemTime>,
}

impl From<&sys::cq_participant> for Participant {
    fn from(c: &sys::cq_participant) -> Self {
        // Names every field, as in mirror!.
        let &sys::cq_participant {
            struct_size: _,
            id,
            pid,
            alive,
            held,
            writing,
            waiting_producers,
            waiting_consumers,
            waiting_since,
            command,
        } = c;
        let command: Vec<u8> = command.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
        Self {
            id,
            pid,
            command: String::from_utf8_lossy(&command).into_owned(),
            alive: is_set(alive),
            held,
            writing,
            waiting_producers,
            waiting_consumers,
            waiting_since: (waiting_since != 0).then(|| time(waiting_since)),
        }
    }
}

/// # Safety
/// `participant` is as cq_participants shows it, `context` is the list that was given to it.
unsafe extern "C" fn list(participant: *const sys::cq_participant, context: *mut c_void) -> c_int {
    // SAFETY: as promised above; nobody else uses the list meanwhile.
    let (list, participant) = unsafe { (&mut *context.cast::<Vec<Participant>>(), &*participant) };
    list.push(participant.into());
    0
}

fn same<T>(value: T) -> T {
    value
}

fn is_set(value: u32) -> bool {
    value != 0
}

fn span(nanoseconds: i64) -> Duration {
    Duration::from_nanos(nanoseconds.unsigned_abs())
}

/// Ends with a 0.
fn text(bytes: [c_char; 208]) -> String {
    let bytes: Vec<u8> = bytes.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// From nanoseconds since 1970-01-01 UTC.
pub(crate) fn time(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
}

struct Visit<'q, F, B> {
    handle: &'q Handle,
    visitor: F,
    broken: Option<B>,
    panic: Option<Box<dyn Any + Send>>,
}

/// # Safety
/// `message` is as cq_walk shows it, `context` is the Visit that was given to it.
unsafe extern "C" fn visit<F, B>(message: *const sys::cq_message, context: *mut c_void) -> c_int
where
    F: FnMut(Shown<'_>) -> ControlFlow<B>,
{
    // SAFETY: as promised above; nobody else uses the Visit during the walk.
    let (visit, message) = unsafe { (&mut *context.cast::<Visit<'_, F, B>>(), &*message) };
    let data = if message.size == 0 {
        &[]
    } else {
        // SAFETY: the copy is readable for its size until the visit is over.
        unsafe { slice::from_raw_parts(message.data.cast::<u8>(), message.size) }
    };
    let shown = Shown {
        data,
        position: message.position,
        deliveries: message.deliveries,
        // Without an error for the walk: queues without headers and times are ordinary.
        enqueued: headers::time_of_message(visit.handle, message).unwrap_or_default(),
        headers: headers::raw_of_message(visit.handle, message).unwrap_or_default(),
    };
    // A panic must not unwind through C.
    match catch_unwind(AssertUnwindSafe(|| (visit.visitor)(shown))) {
        Ok(ControlFlow::Continue(())) => return 0,
        Ok(ControlFlow::Break(value)) => visit.broken = Some(value),
        Err(panic) => visit.panic = Some(panic),
    }
    1
}

impl Queue {
    /// Show `visitor` a copy of each waiting message in the order of delivery, without taking any. Best effort: messages
    /// that come or go during the walk may be shown or not. Returns what the visitor broke off with, if it did.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// queue.enqueue("order 1")?;
    /// let first = queue.walk(|message| ControlFlow::Break(message.data.to_vec()))?;
    /// assert_eq!(first.unwrap(), b"order 1");
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn walk<F, B>(&self, visitor: F) -> Result<Option<B>, Error>
    where
        F: FnMut(Shown<'_>) -> ControlFlow<B>,
    {
        let mut context = Visit { handle: self.handle(), visitor, broken: None, panic: None };
        // SAFETY: the callback gets the context of its own type, which lives until the call is over.
        let result = unsafe { sys::cq_walk(self.raw(), Some(visit::<F, B>), (&raw mut context).cast()) };
        if let Some(panic) = context.panic {
            resume_unwind(panic);
        }
        self.check(result, 0)?;
        Ok(context.broken)
    }

    /// Numbers about the queue.
    pub fn stats(&self) -> Result<Stats, Error> {
        // SAFETY: all of its fields are numbers.
        let mut stats: sys::cq_stats = unsafe { mem::zeroed() };
        stats.struct_size = mem::size_of::<sys::cq_stats>() as u32;
        // SAFETY: stats has its struct_size and is writable.
        self.check(unsafe { sys::cq_stat(self.raw(), &mut stats) }, 0)?;
        Ok(stats.into())
    }

    /// The open handles: who they are, what they hold, whether they wait. What others do meanwhile may be in it or not.
    ///
    /// ```
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// for participant in queue.participants()? {
    ///     println!("{} ({}) holds {}", participant.command, participant.pid, participant.held);
    /// }
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn participants(&self) -> Result<Vec<Participant>, Error> {
        let mut all: Vec<Participant> = Vec::new();
        // SAFETY: the callback gets the list, which lives until the call is over.
        let result = unsafe { sys::cq_participants(self.raw(), Some(list), (&raw mut all).cast()) };
        self.check(result, 0)?;
        Ok(all)
    }

    /// Give all memory that holds no message back to the file system at once, unless it was reserved. This happens by itself
    /// as well, within about a second. Returns how many bytes that were.
    pub fn trim(&self) -> Result<u64, Error> {
        let mut bytes = 0;
        // SAFETY: the handle is open and bytes writable.
        self.check(unsafe { sys::cq_trim(self.raw(), &mut bytes) }, 0)?;
        Ok(bytes)
    }

    /// Look for dead participants now, and finish or undo what they left. This happens by itself as well.
    pub fn recover(&self) -> Result<Recovery, Error> {
        // SAFETY: all of its fields are numbers.
        let mut recovery: sys::cq_recovery = unsafe { mem::zeroed() };
        recovery.struct_size = mem::size_of::<sys::cq_recovery>() as u32;
        // SAFETY: recovery has its struct_size and is writable.
        self.check(unsafe { sys::cq_recover(self.raw(), &mut recovery) }, 0)?;
        Ok(recovery.into())
    }
}
