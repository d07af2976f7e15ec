//! open, hold, walk: what one sees of a queue, and how one keeps a message for ever.

use std::ops::ControlFlow;
use std::thread;

use cqueue::Mode;

use crate::options::Options;
use crate::{Outcome, attach, payload};

pub fn open(options: &Options) -> Outcome {
    let mode = match options.text("flags").unwrap_or("create") {
        "create" => Mode::Create,
        "exclusive" => Mode::Exclusive,
        "attach" => Mode::Attach,
        "read-only" => Mode::ReadOnly,
        other => return Err(format!("no such flags: {other}").into()),
    };
    let opened = cqueue::Options::new()
        .directory(options.text("directory")?)
        .mode(mode)
        .capacity(options.number_or("capacity", 0)?)
        .max_message_size(options.number_or("max-size", 0)?)
        .open(options.text("name")?);
    match opened {
        Ok(queue) => {
            let stats = queue.stats()?;
            println!("ok {} {}", stats.capacity, stats.max_message_size);
        }
        Err(error) => println!("{}: {error}", error.c_name()),
    }
    Ok(())
}

pub fn hold(options: &Options) -> Outcome {
    let queue = attach(options, Mode::Attach)?;
    let message = queue
        .take_wait(None)?
        .ok_or("a wait without end has ended")?;
    let (producer, number) = payload::read(&message);
    println!("held {producer} {number} {}", message.deliveries());
    loop {
        thread::park();
    }
}

pub fn walk(options: &Options) -> Outcome {
    attach(options, Mode::ReadOnly)?.walk(|message| {
        println!(
            "{} {} {}",
            message.position,
            message.deliveries,
            hex(message.data)
        );
        ControlFlow::<()>::Continue(())
    })?;
    Ok(())
}

pub fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".into();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
