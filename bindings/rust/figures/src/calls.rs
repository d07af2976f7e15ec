//! What calls cost in one thread: nanoseconds a message, in and out again.

use std::ptr;
use std::sync::mpsc;

use cqueue::{Batch, Options, Queue};
use cqueue_sys as sys;

use crate::{Figure, figure, mean_ns};

const SIZE: usize = 56;
const MANY: usize = 64;
const COUNT: u32 = 300_000;
const MESSAGE: [u8; SIZE] = [7; SIZE];

fn options(directory: &std::path::Path) -> Options {
    Options::new().directory(directory).capacity(1024).max_message_size(SIZE as u64)
}

fn queue(directory: &std::path::Path) -> Queue {
    options(directory).open("calls").unwrap()
}

/// The C interface as it is.
pub struct C(pub *mut sys::cq_queue);

impl C {
    pub fn open(directory: &std::path::Path, name: &str) -> Self {
        let text = |text: &str| std::ffi::CString::new(text).unwrap();
        let (directory, name) = (text(directory.to_str().unwrap()), text(name));
        let config = sys::cq_config {
            struct_size: size_of::<sys::cq_config>() as u32,
            capacity: 1024,
            max_message_size: SIZE as u64,
            directory: directory.as_ptr(),
            // SAFETY: a C structure, in which 0 is the default everywhere.
            ..unsafe { std::mem::zeroed() }
        };
        let mut handle = ptr::null_mut();
        // SAFETY: everything lives until the call is over.
        assert_eq!(unsafe { sys::cq_open(name.as_ptr(), &config, &mut handle) }, sys::CQ_OK);
        Self(handle)
    }
}

impl Drop for C {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more.
        unsafe { sys::cq_close(self.0) };
    }
}

pub fn figures() -> Vec<Figure> {
    vec![
        figure("56 B, C", "ns", "", |directory| {
            let (queue, mut buffer, mut size) = (C::open(directory, "calls"), [0_u8; SIZE], 0);
            // SAFETY: the buffers are readable and writable for their sizes.
            mean_ns(COUNT, || unsafe {
                sys::cq_enqueue(queue.0, MESSAGE.as_ptr().cast(), SIZE);
                sys::cq_dequeue(queue.0, buffer.as_mut_ptr().cast(), SIZE, &mut size);
            })
        }),
        figure("56 B, enqueue, dequeue_into", "ns", "56 B, C", |directory| {
            let (queue, mut buffer) = (queue(directory), [0; SIZE]);
            mean_ns(COUNT, || {
                queue.enqueue(MESSAGE).unwrap();
                queue.dequeue_into(&mut buffer).unwrap();
            })
        }),
        figure("56 B, C, take and release", "ns", "56 B, C", |directory| {
            let queue = C::open(directory, "calls");
            let size = size_of::<sys::cq_message>() as u32;
            let (data, token) = (ptr::null_mut(), [0; 2]);
            let mut message = sys::cq_message { struct_size: size, deliveries: 0, data, size: 0, position: 0, token };
            // SAFETY: as above; the message is writable.
            mean_ns(COUNT, || unsafe {
                sys::cq_enqueue(queue.0, MESSAGE.as_ptr().cast(), SIZE);
                sys::cq_take(queue.0, &mut message);
                sys::cq_release(queue.0, &mut message);
            })
        }),
        figure("56 B, enqueue, take and release", "ns", "56 B, C, take and release", |directory| {
            let queue = queue(directory);
            mean_ns(COUNT, || {
                queue.enqueue(MESSAGE).unwrap();
                queue.take().unwrap().unwrap().release().unwrap();
            })
        }),
        figure("56 B, the same, owned", "ns", "56 B, C, take and release", |directory| {
            let queue = queue(directory);
            mean_ns(COUNT, || {
                queue.enqueue(MESSAGE).unwrap();
                queue.take().unwrap().unwrap().into_owned().release().unwrap();
            })
        }),
        figure("56 B, std::sync::mpsc (Vec<u8>)", "ns", "56 B, C", |_| {
            let (sender, receiver) = mpsc::sync_channel(1024);
            mean_ns(COUNT, || {
                sender.send(MESSAGE.to_vec()).unwrap();
                receiver.recv().unwrap();
            })
        }),
        figure("56 B, crossbeam_channel (Vec<u8>)", "ns", "56 B, C", |_| {
            let (sender, receiver) = crossbeam_channel::bounded(1024);
            mean_ns(COUNT, || {
                sender.send(MESSAGE.to_vec()).unwrap();
                receiver.recv().unwrap();
            })
        }),
        figure("56 B, 64 at a time, C", "ns", "", |directory| {
            let (queue, mut buffer) = (C::open(directory, "calls"), [0_u8; MANY * SIZE]);
            let slice = sys::cq_slice { data: MESSAGE.as_ptr().cast_mut().cast(), size: SIZE };
            let (messages, mut got, mut done) = ([slice; MANY], [slice; MANY], 0);
            // SAFETY: as above.
            mean_ns(COUNT / MANY as u32, || unsafe {
                sys::cq_enqueue_batch(queue.0, messages.as_ptr(), MANY, &mut done);
                let room = buffer.len();
                sys::cq_dequeue_batch(queue.0, buffer.as_mut_ptr().cast(), room, got.as_mut_ptr(), MANY, &mut done);
            }) / MANY as f64
        }),
        figure("56 B, 64 at a time, batches", "ns", "56 B, 64 at a time, C", |directory| {
            let (queue, messages, mut batch) = (queue(directory), [MESSAGE; MANY], Batch::new(MANY, MANY * SIZE));
            mean_ns(COUNT / MANY as u32, || {
                queue.enqueue_batch(&messages).unwrap();
                queue.dequeue_batch(&mut batch).unwrap();
            }) / MANY as f64
        }),
        figure("56 B, 64 at a time, take_batch", "ns", "56 B, 64 at a time, C", |directory| {
            let (queue, messages) = (queue(directory), [MESSAGE; MANY]);
            mean_ns(COUNT / MANY as u32, || {
                queue.enqueue_batch(&messages).unwrap();
                queue.take_batch(MANY).unwrap().into_iter().for_each(|message| message.release().unwrap());
            }) / MANY as f64
        }),
        figure("len", "ns", "56 B, C", |directory| {
            let queue = queue(directory);
            mean_ns(COUNT, || assert_eq!(queue.len().unwrap(), 0))
        }),
    ]
}
