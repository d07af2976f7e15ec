//! Tasks that wait in line, and the one thread that sleeps for them.
//!
//! The thread sleeps in the C library, takes nothing, and wakes the task that has waited longest, through its waker: of
//! whatever runtime that is. Then it is that task's turn, and the thread waits until the task has found what it wants or has
//! gone: so one message wakes one task, and the thread never runs for what somebody is about to take. A task that is served
//! passes the turn on, to the next task if there is more, else to the thread.
//!
//! A runtime that has nothing to do sleeps in its own way (tokio: in epoll) and can be woken by its wakers alone. So a message
//! to a task asleep is one wake of a thread more than to a thread asleep, about as much again as the first; what follows soon
//! is found by trying for a moment before waiting.
//!
//! It must not know what the tasks wait for: `attempt` is a full try of the operation.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::hint::spin_loop;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::handle::Handle;
use crate::waits::{Side, unless_not_consumer};
use crate::{Error, events};
use cqueue_sys as sys;

/// How long a task tries before it waits, if no other does: about as long as waking the other side and this one takes. Half as
/// long after each time that it was in vain, not at all in the end, and from the beginning again after so many waits, or after
/// one that was shorter than this: where the other side is quick this is several times faster than sleeping, and where it is
/// not, or has to have this processor, it costs next to nothing.
const SPIN_NANOS: u64 = 40_000;
const WAITS_UNTIL_NEXT: u32 = 64;
/// Tries between two looks at the clock.
const SPINS: u32 = 8;

/// The line of one queue and side. Dropped when no task can be waiting, it ends the thread.
pub(crate) struct Line(Arc<Shared>);

struct Shared {
    handle: Arc<Handle>,
    side: Side,
    state: Mutex<State>,
    /// How often in a row spinning was in vain. Relaxed wherever it is used: a guess, orders nothing.
    misses: AtomicU32,
    /// The thread sleeps here while nobody waits or it is a task's turn.
    work: Condvar,
}

/// A waker's code is somebody else's and may come back here: it is neither called nor dropped while this is locked.
#[derive(Default)]
struct State {
    /// By number, and so in the order in which they came.
    waiting: BTreeMap<u64, Waker>,
    /// Whose wait was ended: cancelled, or the queue was removed. With the result.
    ended: BTreeMap<u64, c_int>,
    next: u64,
    /// It is the turn of a task that was woken.
    is_tasks_turn: bool,
    /// The thread sleeps on `work`.
    is_idle: bool,
    is_over: bool,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    pub(crate) fn new(handle: &Arc<Handle>, side: Side) -> Self {
        Self(Arc::new(Shared {
            handle: Arc::clone(handle),
            side,
            state: Mutex::default(),
            misses: AtomicU32::new(0),
            work: Condvar::new(),
        }))
    }

    /// A place for one task at a time.
    pub(crate) fn place(&self) -> Place {
        Place { line: Arc::clone(&self.0), number: None, since: None }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let thread = {
            let mut state = self.0.lock();
            state.is_over = true;
            state.thread.take()
        };
        self.0.work.notify_one();
        let Some(thread) = thread else { return };
        // A waker that the thread calls may drop the last reference: then the thread ends by itself. In a forked child there
        // is no thread.
        if thread.thread().id() != thread::current().id() {
            self.0.handle.end_waits(|| drop(thread.join()));
        }
    }
}

/// Where a task waits. Dropped, it passes on what was meant for it.
pub(crate) struct Place {
    line: Arc<Shared>,
    /// In line since the last time that nothing was found.
    number: Option<u64>,
    since: Option<Instant>,
}

impl Place {
    /// What `attempt` finds. If that is nothing, the task is woken when there may be something.
    pub(crate) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Poll<Result<T, Error>> {
        let mut attempt = || unless_not_consumer(attempt());
        let mut found = attempt();
        if self.number.is_none() && matches!(found, Ok(None)) && self.line.is_empty() {
            found = self.line.spin(attempt);
        }
        if let Some(found) = found.transpose() {
            self.leave(found.is_ok());
            return Poll::Ready(found);
        }
        self.since = self.since.or_else(|| Some(Instant::now()));
        match self.line.queue_up(&mut self.number, context.waker().clone()) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn leave(&mut self, is_served: bool) {
        let since = self.since.take();
        if is_served && since.is_some_and(|since| since.elapsed() < Duration::from_nanos(SPIN_NANOS)) {
            self.line.misses.store(0, Ordering::Relaxed);
        }
        if let Some(number) = self.number.take() {
            self.line.leave(number, is_served);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave(false);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_empty(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && !state.is_tasks_turn
    }

    fn spin<T>(&self, mut attempt: impl FnMut() -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
        let misses = self.misses.load(Ordering::Relaxed);
        let time = Duration::from_nanos(SPIN_NANOS.checked_shr(misses).unwrap_or(0));
        let start = Instant::now();
        while time > Duration::from_nanos(500) && start.elapsed() < time {
            for _ in 0..SPINS {
                spin_loop();
                let found = attempt();
                if !matches!(found, Ok(None)) {
                    self.misses.store(0, Ordering::Relaxed);
                    return found;
                }
            }
        }
        self.misses.store((misses + 1) % WAITS_UNTIL_NEXT, Ordering::Relaxed);
        Ok(None)
    }

    /// At the end, or where it was before. Whatever comes from now on is noticed: the thread looks after this.
    fn queue_up(self: &Arc<Self>, number: &mut Option<u64>, waker: Waker) -> Result<(), Error> {
        let mut state = self.lock();
        let place = match *number {
            None => {
                self.start(&mut state)?;
                state.next += 1;
                *number.insert(state.next)
            }
            Some(place) => {
                if let Some(result) = state.ended.remove(&place) {
                    *number = None;
                    return Err(self.handle.error(result, 0));
                }
                if !state.waiting.contains_key(&place) {
                    state.is_tasks_turn = false; // it was this task's, and somebody else was faster
                }
                place
            }
        };
        let before = state.waiting.insert(place, waker);
        let is_idle = state.is_idle && !state.is_tasks_turn;
        drop(state);
        if is_idle {
            self.work.notify_one();
        }
        drop(before);
        Ok(())
    }

    /// The task that had this number waits no more.
    fn leave(&self, number: u64, is_served: bool) {
        let waker; // dropped after the lock
        let mut state = self.lock();
        waker = state.waiting.remove(&number);
        if waker.is_none() && state.ended.remove(&number).is_none() {
            self.pass_on(state, is_served);
        }
    }

    /// It was the caller's turn. The next one's, if there is something for it; else the thread looks. If nobody else waits
    /// here, what the caller was woken for is for another handle.
    fn pass_on(&self, mut state: MutexGuard<'_, State>, is_served: bool) {
        state.is_tasks_turn = false;
        if state.waiting.is_empty() {
            drop(state);
            if !is_served {
                self.side.pass_on(&self.handle);
            }
            return;
        }
        if self.side.wait(&self.handle, 0) == sys::CQ_OK {
            self.wake_first(state);
        } else if state.is_idle {
            drop(state);
            self.work.notify_one();
        }
    }

    fn start(self: &Arc<Self>, state: &mut State) -> Result<(), Error> {
        if state.thread.is_some() {
            return Ok(());
        }
        events::watcher(self.handle.target(), "starts"); // here, where a panic is the task's
        let line = Arc::clone(self);
        let started =
            thread::Builder::new().name("cqueue-wait".into()).stack_size(256 << 10).spawn(move || line.watch());
        let thread = started.map_err(|error| {
            let text = format_args!("no thread to wait for tasks: {error}");
            Error::own(sys::CQ_EPROCESS, self.handle.target(), text)
        })?;
        state.thread = Some(thread);
        Ok(())
    }

    /// The thread.
    fn watch(&self) {
        loop {
            let mut state = self.lock();
            while !state.is_over && (state.is_tasks_turn || state.waiting.is_empty()) {
                state.is_idle = true;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.is_idle = false;
            }
            if state.is_over {
                break;
            }
            drop(state);
            let result = self.side.wait(&self.handle, -1);
            let state = self.lock();
            if result == sys::CQ_OK {
                self.wake_first(state);
            } else {
                end_all(state, result);
            }
        }
        events::watcher(self.handle.target(), "ends");
    }

    /// There is something. Those that waited for it may all have gone: then it is for another handle.
    fn wake_first(&self, mut state: MutexGuard<'_, State>) {
        let first = state.waiting.pop_first();
        state.is_tasks_turn = first.is_some();
        drop(state);
        match first {
            Some((_, waker)) => wake(waker),
            None => self.side.pass_on(&self.handle),
        }
    }
}

fn end_all(mut state: MutexGuard<'_, State>, result: c_int) {
    let all = mem::take(&mut state.waiting);
    state.ended.extend(all.keys().map(|&number| (number, result)));
    drop(state);
    all.into_values().for_each(wake);
}

/// A waker is somebody else's code: if it panics that is not the end of the thread, which all others need.
pub(crate) fn wake(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}
