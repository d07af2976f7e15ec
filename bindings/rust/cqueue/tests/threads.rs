//! A hundred threads on one handle: nothing is lost, nothing comes twice, and each producer's messages stay in order.
#![allow(missing_docs)]

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cqueue::{Batch, Error, Queue};
use support::{Place, rounds};

const PRODUCERS: usize = 50;
const CONSUMERS: usize = 50;

fn message(producer: usize, number: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(producer as u64).to_le_bytes());
    bytes[8..].copy_from_slice(&(number as u64).to_le_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> (usize, usize) {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap()) as usize;
    (word(&bytes[..8]), word(&bytes[8..]))
}

/// By one of the three ways, chosen by the producer's number.
fn produce(queue: &Queue, producer: usize, count: usize) {
    let messages: Vec<_> = (0..count).map(|number| message(producer, number)).collect();
    match producer % 3 {
        0 => messages.iter().for_each(|message| queue.enqueue_wait(message, None).unwrap()),
        1 => {
            let mut rest = messages.as_slice();
            while !rest.is_empty() {
                let done = queue.enqueue_batch(&rest[..rest.len().min(7)]).unwrap();
                rest = &rest[done..];
                if done == 0 {
                    thread::yield_now();
                }
            }
        }
        _ => {
            for message in &messages {
                let mut reserved = loop {
                    match queue.reserve(16) {
                        Err(Error::Full(_)) => thread::yield_now(),
                        other => break other.unwrap(),
                    }
                };
                reserved.copy_from_slice(message);
                while let Err(error) = reserved.commit(16) {
                    assert!(matches!(error.error(), Error::Full(_)), "{error}");
                    reserved = error.into_reserved();
                    thread::yield_now();
                }
            }
        }
    }
}

/// By one of the three ways; what came, in the order in which it came.
fn consume(queue: &Queue, consumer: usize, left: &AtomicUsize) -> Vec<(usize, usize)> {
    let soon = Duration::from_millis(10);
    let mut got = Vec::new();
    let mut buffer = [0; 16];
    let mut batch = Batch::new(5, 5 * 16);
    while left.load(Ordering::Relaxed) > 0 {
        let before = got.len();
        match consumer % 3 {
            0 => got.extend(queue.dequeue_into_wait(&mut buffer, soon).unwrap().map(|bytes| parse(bytes))),
            1 => {
                if queue.dequeue_batch(&mut batch).unwrap() == 0 {
                    thread::yield_now();
                }
                got.extend(batch.iter().map(parse));
            }
            _ => {
                if let Some(received) = queue.take_wait(soon).unwrap() {
                    assert_eq!(received.deliveries(), 1);
                    got.push(parse(&received));
                    received.release().unwrap();
                }
            }
        }
        left.fetch_sub(got.len() - before, Ordering::Relaxed);
    }
    got
}

#[test]
fn a_hundred_threads_share_a_handle() {
    let count = rounds(1_000, 20_000);
    let place = Place::new();
    let queue = place.open(97);
    let left = AtomicUsize::new(PRODUCERS * count);
    let seen = Mutex::new(vec![vec![0_u32; count]; PRODUCERS]);

    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let queue = &queue;
            scope.spawn(move || produce(queue, producer, count));
        }
        for consumer in 0..CONSUMERS {
            let (queue, left, seen) = (&queue, &left, &seen);
            scope.spawn(move || {
                let mut next = [0; PRODUCERS];
                let got = consume(queue, consumer, left);
                let mut seen = seen.lock().unwrap();
                for (producer, number) in got {
                    assert!(number >= next[producer], "{producer} sent {number} before {}", next[producer]);
                    next[producer] = number + 1;
                    seen[producer][number] += 1;
                }
            });
        }
    });

    assert!(seen.into_inner().unwrap().iter().flatten().all(|&times| times == 1));
    for _ in 0..97 {
        queue.enqueue("x").unwrap();
    }
    assert!(matches!(queue.enqueue("x"), Err(Error::Full(_))), "the capacity is what it was");
}
