//! settle NAME COUNT DIRECTORY: handle COUNT orders of the durable queue NAME, and say of each when it will not come again.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (queue, count) = examples::start_durable()?;
    for _ in 0..count {
        let order = queue.take_wait(None)?.ok_or("the queue was removed")?;
        let text = String::from_utf8_lossy(&order).into_owned();
        let (delivery, position) = (order.deliveries(), order.position());
        println!("rust: got {text} (delivery {delivery}, position {position})");
        order.release()?;
        queue.sync(None)?; // until here a power cut may bring it back, marked as delivered before
        println!("rust: settled {text}");
    }
    Ok(())
}
