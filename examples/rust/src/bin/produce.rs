//! produce NAME COUNT: put COUNT orders into the queue NAME; sleep while it is full.

fn main() -> Result<(), cqueue::Error> {
    let (queue, count) = examples::start()?;
    for number in 1..=count {
        // Once this returns the order is in the queue, whatever happens to this process.
        queue.enqueue_wait(format!("order {number} from rust"), None)?;
    }
    println!("rust: sent {count}");
    Ok(())
}
