//! What the programs share: their command line.

use std::env;

use cqueue::{Error, Options, Queue};

/// The two arguments NAME COUNT: the queue, opened or created, and how many orders.
pub fn start() -> Result<(Queue, u64), Error> {
    let arguments: Vec<String> = env::args().collect();
    let (name, count) = match arguments.as_slice() {
        [_, name, count] => (
            name,
            count
                .parse()
                .unwrap_or_else(|error| panic!("COUNT: {error}")),
        ),
        _ => panic!("usage: {} NAME COUNT", arguments[0]),
    };
    let queue = Options::new()
        .capacity(1000)
        .max_message_size(256)
        .open(name)?;
    Ok((queue, count))
}
