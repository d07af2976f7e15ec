//! keep NAME COUNT DIRECTORY: put COUNT orders into the durable queue NAME, ten at a time, and say of each ten that they are
//! safe: on the disk, in DIRECTORY, whatever happens to this process or this machine.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (queue, count) = examples::start_durable()?;
    let me = std::process::id();
    for number in 1..=count {
        queue.enqueue_wait(format!("order {number} from rust-{me}"), None)?;
        if number % 10 == 0 || number == count {
            queue.sync(None)?; // one for all ten; and shared with whoever else syncs at this moment
            println!("rust: kept {number}");
        }
    }
    Ok(())
}
