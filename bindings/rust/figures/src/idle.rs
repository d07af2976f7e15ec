//! What a message costs where many tasks wait: microseconds of processor time, of the whole process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use cqueue::{AsyncQueue, Options};
use tokio::sync::Notify;

use crate::{Figure, figure};

const MESSAGES: u32 = 500;

pub fn figures() -> Vec<Figure> {
    vec![
        figure("processor time a message, 1 task waits", "us", "", |directory| time_a_message(directory, 1)),
        figure(
            "processor time a message, 10,000 tasks wait",
            "us",
            "processor time a message, 1 task waits",
            |directory| time_a_message(directory, 10_000),
        ),
    ]
}

fn processor_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: time is writable.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn time_a_message(directory: &Path, tasks: u32) -> f64 {
    let open = || Options::new().directory(directory).capacity(64).max_message_size(8).open("idle").unwrap();
    let (queue, sender) = (AsyncQueue::new(open()), open());
    let arrived = Arc::new(AtomicU32::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sending = {
        let arrived = Arc::clone(&arrived);
        move || {
            thread::sleep(Duration::from_millis(200)); // until all wait
            let before = processor_time();
            for sent in 1..=MESSAGES {
                sender.enqueue([1; 8]).unwrap();
                while arrived.load(Ordering::Acquire) < sent {
                    thread::sleep(Duration::from_micros(50));
                }
            }
            let time = processor_time() - before;
            sender.enqueue([0; 8]).unwrap();
            time / f64::from(MESSAGES)
        }
    };
    let sender = thread::spawn(sending);
    runtime.block_on(async {
        let over = Arc::new(Notify::new());
        for _ in 0..tasks {
            tokio::spawn(work(queue.clone(), Arc::clone(&arrived), Arc::clone(&over)));
        }
        over.notified().await;
    });
    sender.join().unwrap()
}

async fn work(queue: AsyncQueue, arrived: Arc<AtomicU32>, over: Arc<Notify>) {
    loop {
        let message = queue.take().await.unwrap();
        let is_end = message[0] == 0;
        message.release().unwrap();
        if is_end {
            return over.notify_one();
        }
        arrived.fetch_add(1, Ordering::Release);
    }
}
