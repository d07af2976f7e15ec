//! bench: what a call and a message cost, in one thread.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cqueue::{Batch, Error, Mode};

use crate::Outcome;
use crate::options::Options;
use crate::payload::MANY;

/// The clock is read once for so many repetitions.
const ROUNDS: u32 = 1000;

pub fn run(options: &Options) -> Outcome {
    let (name, directory) = (options.text("name")?, options.text("directory")?);
    let duration = Duration::try_from_secs_f64(options.number_or("seconds", 1.0)?)?;
    let place = cqueue::Options::new().directory(directory);
    let queue = place
        .clone()
        .mode(Mode::Exclusive)
        .capacity(1024)
        .max_message_size(56)
        .open(name)?;

    let message = [7; 56];
    let mut buffer = [0; 56];
    let single = measure(duration, || {
        queue.enqueue(message)?;
        queue.dequeue_into(&mut buffer).map(drop)
    });
    let messages = [message; MANY];
    let mut batch = Batch::new(MANY, MANY * 56);
    let many = measure(duration, || {
        queue.enqueue_batch(&messages)?;
        queue.dequeue_batch(&mut batch).map(drop)
    });
    let empty = measure(duration, || {
        black_box(cqueue::abi_version());
        Ok(())
    });
    place.unlink(name)?;

    println!(
        r#"{{"language": "rust", "single_ns": {:.2}, "batch_ns": {:.2}, "empty_ns": {:.2}}}"#,
        single? / 2.0,
        many? / MANY as f64,
        empty?
    );
    Ok(())
}

/// Nanoseconds that one call takes.
fn measure(duration: Duration, mut call: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let start = Instant::now();
    let mut rounds = 0_u64;
    loop {
        for _ in 0..ROUNDS {
            call()?;
        }
        rounds += u64::from(ROUNDS);
        let elapsed = start.elapsed();
        if elapsed >= duration {
            return Ok(elapsed.as_nanos() as f64 / rounds as f64);
        }
    }
}
