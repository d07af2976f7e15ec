//! events NAME COUNT: as consume, in an event loop, that of tokio.

use std::error::Error;
use std::time::Duration;

use cqueue::AsyncQueue;
use futures_util::StreamExt;
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (queue, count) = examples::start()?;
    let queue = AsyncQueue::new(queue);
    let mut orders = queue.stream(); // while it waits, other tasks run
    for _ in 0..count {
        let next = timeout(Duration::from_secs(10), orders.next()).await;
        let order = next
            .map_err(|_| "no order came for 10 s")?
            .ok_or("the stream has ended")??;
        println!("rust: got {}", String::from_utf8_lossy(&order));
        order.release()?; // dropped before that, it comes again
    }
    Ok(())
}
