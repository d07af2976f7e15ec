//! Tasks that wait for the disk, and the thread that does so for all of them.
//!
//! Who asks while a flush is under way is served by the next one: the thread calls the C library once for any number of
//! tasks, and ends when none asks. It must not know what the tasks do.

use std::ffi::c_int;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::{future, mem};

use crate::Error;
use crate::handle::Handle;
use crate::line::wake;
use cqueue_sys as sys;

pub(crate) struct Flushes(Arc<Shared>);

struct Shared {
    handle: Arc<Handle>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: bool,
    next: Option<Arc<Flush>>,
}

/// A waker is neither called nor dropped while the flush is locked.
#[derive(Default)]
struct Flush(Mutex<(Option<c_int>, Vec<Waker>)>);

/// The wait for one flush.
pub(crate) struct Flushing {
    flush: Arc<Flush>,
    handle: Arc<Handle>,
    /// Where its waker is.
    place: Option<usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flushes {
    pub(crate) fn new(handle: &Arc<Handle>) -> Self {
        Self(Arc::new(Shared { handle: Arc::clone(handle), state: Mutex::default() }))
    }

    /// One that begins after now.
    pub(crate) fn flush(&self) -> Result<Flushing, Error> {
        let mut state = lock(&self.0.state);
        if !state.running {
            let shared = Arc::clone(&self.0);
            thread::Builder::new()
                .name("cqueue-sync".into())
                .stack_size(256 << 10)
                .spawn(move || shared.run())
                .map_err(|error| {
                    let text = format_args!("no thread to wait for the disk: {error}");
                    Error::own(sys::CQ_EPROCESS, self.0.handle.target(), text)
                })?;
            state.running = true;
        }
        let flush = Arc::clone(state.next.get_or_insert_default());
        Ok(Flushing { flush, handle: Arc::clone(&self.0.handle), place: None })
    }
}

impl Shared {
    /// The thread.
    fn run(&self) {
        loop {
            let flush = {
                let mut state = lock(&self.state);
                let flush = state.next.take();
                state.running = flush.is_some();
                flush
            };
            let Some(flush) = flush else { return };
            // SAFETY: the handle is open.
            let result = unsafe { sys::cq_sync(self.handle.raw(), -1) };
            let wakers = {
                let mut state = lock(&flush.0);
                state.0 = Some(result);
                mem::take(&mut state.1)
            };
            wakers.into_iter().for_each(wake);
        }
    }
}

impl future::Future for Flushing {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { flush, handle, place } = self.get_mut();
        let mut waker = context.waker().clone(); // in the end the one before, dropped after the lock
        let mut state = lock(&flush.0);
        if let Some(result) = state.0 {
            drop(state);
            return Poll::Ready(handle.check(result, 0));
        }
        match *place {
            Some(place) => mem::swap(&mut state.1[place], &mut waker),
            None => {
                *place = Some(state.1.len());
                state.1.push(waker);
            }
        }
        Poll::Pending
    }
}
