//! produce: send numbered messages, and keep note of how many the queue acknowledged.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use cqueue::{CommitError, Error, Mode, Queue, Reserved};

use crate::options::Options;
use crate::payload::{self, MANY};
use crate::{Outcome, attach};

struct Producer {
    queue: Queue,
    producer: u64,
    first: u64,
    end: u64,
    size: usize,
    acknowledged: File,
}

pub fn run(options: &Options) -> Outcome {
    let first = options.number_or("first", 0)?;
    let producer = Producer {
        queue: attach(options, Mode::Attach)?,
        producer: options.number("producer")?,
        first,
        end: first + options.number::<u64>("count")?,
        size: options.number("size")?,
        acknowledged: OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(options.text("ack")?)?,
    };
    match options.text("method")? {
        "copy" => producer.copy(),
        "batch" => producer.batches(),
        "loan" => producer.loans(),
        other => Err(format!("no such method: {other}").into()),
    }
}

impl Producer {
    fn copy(&self) -> Outcome {
        let mut message = vec![0; self.size];
        for number in self.first..self.end {
            payload::write(&mut message, self.producer, number);
            self.queue.enqueue_wait(&message, None)?;
            self.acknowledge(number + 1)?;
        }
        Ok(())
    }

    fn batches(&self) -> Outcome {
        let mut messages = vec![vec![0; self.size]; MANY];
        let mut next = self.first;
        while next < self.end {
            let count = MANY.min((self.end - next) as usize);
            for (message, number) in messages[..count].iter_mut().zip(next..) {
                payload::write(message, self.producer, number);
            }
            next += self.queue.enqueue_batch_wait(&messages[..count], None)? as u64;
            self.acknowledge(next)?;
        }
        Ok(())
    }

    fn loans(&self) -> Outcome {
        for number in self.first..self.end {
            let mut message = self.queue.reserve_wait(self.size, None)?;
            payload::write(&mut message, self.producer, number);
            self.commit(message).map_err(Error::from)?;
            self.acknowledge(number + 1)?;
        }
        Ok(())
    }

    /// If its place was given up, the message needs another one, and has to wait for room again.
    fn commit<'q>(&self, mut message: Reserved<'q>) -> Result<(), CommitError<'q>> {
        loop {
            match message.commit(self.size) {
                Err(error) if matches!(error.error(), Error::Full(_)) => {
                    message = error.into_reserved()
                }
                other => return other.map(drop),
            }
            wait_for_room();
        }
    }

    /// Everything before `next` is in the queue.
    fn acknowledge(&self, next: u64) -> io::Result<()> {
        self.acknowledged
            .write_all_at(&(next - self.first).to_le_bytes(), 0)
    }
}

fn wait_for_room() {
    thread::sleep(Duration::from_millis(1));
}
