//! What the programs share: their command line.

use std::env;

use cqueue::{Error, Options, Queue};

/// The two arguments NAME COUNT: the queue, opened or created, and how many orders.
pub fn start() -> Result<(Queue, u64), Error> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.as_slice() {
        [_, name, count] => open(Options::new(), name, count),
        _ => panic!("usage: {} NAME COUNT", arguments[0]),
    }
}

/// The three arguments NAME COUNT DIRECTORY: the same with a queue that is kept in that directory.
pub fn start_durable() -> Result<(Queue, u64), Error> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.as_slice() {
        [_, name, count, directory] => {
            open(Options::new().durable_directory(directory), name, count)
        }
        _ => panic!("usage: {} NAME COUNT DIRECTORY", arguments[0]),
    }
}

fn open(options: Options, name: &str, count: &str) -> Result<(Queue, u64), Error> {
    let count = count
        .parse()
        .unwrap_or_else(|error| panic!("COUNT: {error}"));
    let queue = options.capacity(1000).max_message_size(256).open(name)?;
    Ok((queue, count))
}
