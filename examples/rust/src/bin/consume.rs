//! consume NAME COUNT: get COUNT orders out of the queue NAME; sleep up to 10 s for each.

use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let (queue, count) = examples::start()?;
    let mut buffer = [0; 256];
    for _ in 0..count {
        // Once this returns the order is gone from the queue: see acknowledge.rs for orders that must not be lost.
        let order = queue.dequeue_into_wait(&mut buffer, Duration::from_secs(10))?;
        let order = order.ok_or("no order came for 10 s")?;
        println!("rust: got {}", String::from_utf8_lossy(order));
    }
    Ok(())
}
