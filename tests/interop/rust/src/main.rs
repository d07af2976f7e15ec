//! What tests/interop asks of every language, by way of the crate cqueue: see README.md there.

mod bench;
mod consume;
mod look;
mod options;
mod payload;
mod produce;
mod typed;

use std::error::Error;
use std::process::ExitCode;

use cqueue::{Mode, Queue};
use options::Options;

type Outcome = Result<(), Box<dyn Error>>;

/// The queue that the options name, as opened by another worker.
fn attach(options: &Options, mode: Mode) -> Result<Queue, Box<dyn Error>> {
    Ok(cqueue::Options::new()
        .directory(options.text("directory")?)
        .mode(mode)
        .open(options.text("name")?)?)
}

fn run() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let options = Options::parse(arguments)?;
    match verb.as_str() {
        "open" => look::open(&options),
        "produce" => produce::run(&options),
        "consume" => consume::run(&options),
        "hold" => look::hold(&options),
        "walk" => look::walk(&options),
        "bench" => bench::run(&options),
        "put-typed" => typed::put(&options),
        "get-typed" => typed::get(&options),
        _ => Err("worker open | produce | consume | hold | walk | bench | put-typed | get-typed --OPTION VALUE ...".into()),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker: {error}");
            ExitCode::FAILURE
        }
    }
}
