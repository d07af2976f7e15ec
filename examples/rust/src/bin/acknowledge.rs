//! acknowledge NAME COUNT: handle COUNT orders of the queue NAME, each in place, and tell the queue when that is done.
//!
//! Killed before it does so, it has not handled the order as far as the queue knows: somebody else gets it, with deliveries
//! one higher. The first order is given back once, to show what that looks like.

use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let (queue, count) = examples::start()?;
    let mut handled = 0;
    let mut first = true;
    while handled < count {
        let order = queue
            .take_wait(Duration::from_secs(10))?
            .ok_or("no order came for 10 s")?;
        let text = String::from_utf8_lossy(&order);
        if first && order.deliveries() == 1 {
            println!("rust: gave back {text}");
            order.give_back()?; // it comes again, before newer ones
        } else {
            println!("rust: handled {text} (delivery {})", order.deliveries());
            order.release()?; // from here on it is gone
            handled += 1;
        }
        first = false;
    }
    Ok(())
}
