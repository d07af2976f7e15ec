//! consume: take messages until none comes any more, and write down each.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use cqueue::{Batch, Mode, Queue};

use crate::options::Options;
use crate::payload::{self, MANY};
use crate::{Outcome, attach};

pub fn run(options: &Options) -> Outcome {
    let queue = attach(options, Mode::Attach)?;
    let idle = Duration::from_millis(options.number("idle-ms")?);
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(options.text("log")?)?; // a File does not buffer
    match options.text("method")? {
        "copy" => copies(&queue, idle, log),
        "batch" => batches(&queue, idle, log),
        "loan" => loans(&queue, idle, log),
        other => Err(format!("no such method: {other}").into()),
    }
}

fn copies(queue: &Queue, idle: Duration, mut log: File) -> Outcome {
    let mut buffer = vec![0; queue.max_message_size()?];
    while let Some(message) = queue.dequeue_into_wait(&mut buffer, idle)? {
        log.write_all(&payload::record(message, 0))?;
    }
    Ok(())
}

fn batches(queue: &Queue, idle: Duration, mut log: File) -> Outcome {
    let room = queue.max_message_size()?;
    let mut batch = Batch::new(MANY, MANY * room);
    loop {
        if queue.dequeue_batch_wait(&mut batch, idle)? == 0 {
            return Ok(());
        }
        let records: Vec<_> = batch
            .iter()
            .map(|message| payload::record(message, 0))
            .collect();
        log.write_all(records.as_flattened())?;
    }
}

fn loans(queue: &Queue, idle: Duration, mut log: File) -> Outcome {
    for message in queue.iter_timeout(idle) {
        let message = message?;
        log.write_all(&payload::record(&message, message.deliveries()))?;
        message.release()?;
    }
    Ok(())
}
