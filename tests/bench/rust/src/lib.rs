//! native/contestant.h as a trait. Knows nothing of any one contestant.

use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::path::{Path, PathBuf};

/// What is wanted of a queue.
pub struct Plan {
    pub place: PathBuf,
    pub size: usize,
    pub capacity: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Both,
    Producer,
    Consumer,
}

/// A way of passing messages. What it does not have keeps its default, and its flag stays false.
pub trait Contestant: Sized {
    const NAME: &'static str;
    const WHEN_KILLED: &'static str;
    /// At most; 0: any number.
    const PRODUCERS: u32 = 0;
    const CONSUMERS: u32 = 0;
    const MAX_SIZE: usize = 0;
    const POLLS: bool = true;
    const WAITS: bool = false;
    const BATCHES: bool = false;
    const IN_PLACE: bool = false;

    fn make(plan: &Plan, name: &str);
    fn join(plan: &Plan, name: &str, role: Role) -> Self;
    /// Removes what is not in the plan's place.
    fn end(_plan: &Plan, _name: &str) {}
    fn send(&mut self, _message: &[u8]) -> bool {
        unreachable!()
    }
    fn receive(&mut self, _message: &mut [u8]) -> bool {
        unreachable!()
    }
    fn send_wait(&mut self, _message: &[u8]) {
        unreachable!()
    }
    fn receive_wait(&mut self, _message: &mut [u8]) {
        unreachable!()
    }
    fn send_batch(&mut self, _messages: &[u8], _size: usize) -> usize {
        unreachable!()
    }
    fn receive_batch(&mut self, _messages: &mut [u8], _size: usize) -> usize {
        unreachable!()
    }
    fn reserve(&mut self, _size: usize) -> *mut u8 {
        unreachable!()
    }
    fn commit(&mut self, _size: usize) {
        unreachable!()
    }
    fn take(&mut self) -> *const u8 {
        unreachable!()
    }
    fn release(&mut self) {
        unreachable!()
    }
}

/// Ends the worker with a report to whoever started it.
pub fn fail(what: impl std::fmt::Display) -> ! {
    let text = what.to_string().replace(['"', '\\', '\n', '\0'], " ");
    let text = CString::new(text).unwrap();
    // SAFETY: a string that ends with 0; the function does not return.
    unsafe { bench_fail(text.as_ptr()) }
}

/// A plain value with the bytes of a message.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct Bytes<const SIZE: usize>(pub [u8; SIZE]);

/// Calls a generic function for the size of the message: `for_size!(size, N => f::<N>(...))`.
#[macro_export]
macro_rules! for_size {
    ($size:expr, $n:ident => $call:expr) => {
        match $size {
            8 => {
                const $n: usize = 8;
                $call
            }
            56 => {
                const $n: usize = 56;
                $call
            }
            248 => {
                const $n: usize = 248;
                $call
            }
            4096 => {
                const $n: usize = 4096;
                $call
            }
            65536 => {
                const $n: usize = 65536;
                $call
            }
            other => $crate::fail(format!("not built for messages of {other} bytes")),
        }
    };
}

// ---- native/contestant.h ----

#[repr(C)]
struct NativePlan {
    place: *const c_char,
    size: usize,
    capacity: usize,
    producers: c_uint,
    consumers: c_uint,
}

#[repr(C)]
struct NativeContestant {
    name: *const c_char,
    when_killed: *const c_char,
    producers: c_uint,
    consumers: c_uint,
    max_size: usize,
    make: extern "C" fn(*const NativePlan, *const c_char),
    join: extern "C" fn(*const NativePlan, *const c_char, c_int) -> *mut c_void,
    leave: extern "C" fn(*mut c_void),
    end: Option<extern "C" fn(*const NativePlan, *const c_char)>,
    send: Option<extern "C" fn(*mut c_void, *const u8, usize) -> c_int>,
    receive: Option<extern "C" fn(*mut c_void, *mut u8, usize) -> c_int>,
    send_wait: Option<extern "C" fn(*mut c_void, *const u8, usize)>,
    receive_wait: Option<extern "C" fn(*mut c_void, *mut u8, usize)>,
    send_batch: Option<extern "C" fn(*mut c_void, *const u8, usize, usize) -> usize>,
    receive_batch: Option<extern "C" fn(*mut c_void, *mut u8, usize, usize) -> usize>,
    reserve: Option<extern "C" fn(*mut c_void, usize) -> *mut u8>,
    commit: Option<extern "C" fn(*mut c_void, usize)>,
    take: Option<extern "C" fn(*mut c_void) -> *const u8>,
    release: Option<extern "C" fn(*mut c_void)>,
}

extern "C" {
    fn bench_main(argc: c_int, argv: *mut *mut c_char, contestant: *const NativeContestant) -> c_int;
    fn bench_fail(what: *const c_char) -> !;
}

// SAFETY of all below: the worker passes what `join` returned, and buffers of the sizes that it names.

fn plan_of(plan: *const NativePlan, name: *const c_char) -> (Plan, &'static str) {
    let (plan, name) = unsafe { (&*plan, CStr::from_ptr(name)) };
    let place = unsafe { CStr::from_ptr(plan.place) }.to_str().unwrap();
    (
        Plan {
            place: Path::new(place).into(),
            size: plan.size,
            capacity: plan.capacity,
        },
        name.to_str().unwrap(),
    )
}
fn of<'a, C>(queue: *mut c_void) -> &'a mut C {
    unsafe { &mut *queue.cast::<C>() }
}
fn bytes<'a>(at: *const u8, size: usize) -> &'a [u8] {
    unsafe { std::slice::from_raw_parts(at, size) }
}
fn room<'a>(at: *mut u8, size: usize) -> &'a mut [u8] {
    unsafe { std::slice::from_raw_parts_mut(at, size) }
}

extern "C" fn make<C: Contestant>(plan: *const NativePlan, name: *const c_char) {
    let (plan, name) = plan_of(plan, name);
    C::make(&plan, name)
}
extern "C" fn join<C: Contestant>(plan: *const NativePlan, name: *const c_char, role: c_int) -> *mut c_void {
    let (plan, name) = plan_of(plan, name);
    let role = [Role::Both, Role::Producer, Role::Consumer][role as usize];
    Box::into_raw(Box::new(C::join(&plan, name, role))).cast()
}
extern "C" fn leave<C: Contestant>(queue: *mut c_void) {
    drop(unsafe { Box::from_raw(queue.cast::<C>()) })
}
extern "C" fn end<C: Contestant>(plan: *const NativePlan, name: *const c_char) {
    let (plan, name) = plan_of(plan, name);
    C::end(&plan, name)
}
extern "C" fn send<C: Contestant>(queue: *mut c_void, message: *const u8, size: usize) -> c_int {
    of::<C>(queue).send(bytes(message, size)).into()
}
extern "C" fn receive<C: Contestant>(queue: *mut c_void, message: *mut u8, size: usize) -> c_int {
    of::<C>(queue).receive(room(message, size)).into()
}
extern "C" fn send_wait<C: Contestant>(queue: *mut c_void, message: *const u8, size: usize) {
    of::<C>(queue).send_wait(bytes(message, size))
}
extern "C" fn receive_wait<C: Contestant>(queue: *mut c_void, message: *mut u8, size: usize) {
    of::<C>(queue).receive_wait(room(message, size))
}
extern "C" fn send_batch<C: Contestant>(queue: *mut c_void, messages: *const u8, size: usize, count: usize) -> usize {
    of::<C>(queue).send_batch(bytes(messages, size * count), size)
}
extern "C" fn receive_batch<C: Contestant>(queue: *mut c_void, messages: *mut u8, size: usize, count: usize) -> usize {
    of::<C>(queue).receive_batch(room(messages, size * count), size)
}
extern "C" fn reserve<C: Contestant>(queue: *mut c_void, size: usize) -> *mut u8 {
    of::<C>(queue).reserve(size)
}
extern "C" fn commit<C: Contestant>(queue: *mut c_void, size: usize) {
    of::<C>(queue).commit(size)
}
extern "C" fn take<C: Contestant>(queue: *mut c_void) -> *const u8 {
    of::<C>(queue).take()
}
extern "C" fn release<C: Contestant>(queue: *mut c_void) {
    of::<C>(queue).release()
}

/// The worker's main.
pub fn main_of<C: Contestant>() {
    let name = CString::new(C::NAME).unwrap();
    let when_killed = CString::new(C::WHEN_KILLED).unwrap();
    let contestant = NativeContestant {
        name: name.as_ptr(),
        when_killed: when_killed.as_ptr(),
        producers: C::PRODUCERS,
        consumers: C::CONSUMERS,
        max_size: C::MAX_SIZE,
        make: make::<C>,
        join: join::<C>,
        leave: leave::<C>,
        end: Some(end::<C>),
        send: C::POLLS.then_some(send::<C>),
        receive: C::POLLS.then_some(receive::<C>),
        send_wait: C::WAITS.then_some(send_wait::<C>),
        receive_wait: C::WAITS.then_some(receive_wait::<C>),
        send_batch: C::BATCHES.then_some(send_batch::<C>),
        receive_batch: C::BATCHES.then_some(receive_batch::<C>),
        reserve: C::IN_PLACE.then_some(reserve::<C>),
        commit: C::IN_PLACE.then_some(commit::<C>),
        take: C::IN_PLACE.then_some(take::<C>),
        release: C::IN_PLACE.then_some(release::<C>),
    };
    let arguments: Vec<CString> = std::env::args().map(|word| CString::new(word).unwrap()).collect();
    let mut argv: Vec<*mut c_char> = arguments.iter().map(|word| word.as_ptr().cast_mut()).collect();
    let argc = argv.len() as c_int;
    argv.push(std::ptr::null_mut());
    // SAFETY: as main of C gets them; the contestant outlives the call.
    std::process::exit(unsafe { bench_main(argc, argv.as_mut_ptr(), &contestant) });
}
