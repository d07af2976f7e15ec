//! SubEtha's SharedRing: any number of producers and consumers, 56 bytes a slot.
//!
//! It asks for a newer Rust than it needs; cargo is told not to mind.

use contestants::{fail, main_of, Contestant, Plan, Role};
use subetha::cxc::shared_ring::{RingError, SharedRing};

struct Queue(SharedRing);

impl Contestant for Queue {
    const NAME: &'static str = "SubEtha";
    const WHEN_KILLED: &'static str = "all but a slot, which its users heal";
    const MAX_SIZE: usize = 56;

    fn make(plan: &Plan, name: &str) {
        SharedRing::create(plan.place.join(name), plan.capacity).unwrap_or_else(|e| fail(format!("{e:?}")));
    }
    fn join(plan: &Plan, name: &str, _: Role) -> Self {
        Queue(SharedRing::open(plan.place.join(name), plan.capacity).unwrap_or_else(|e| fail(format!("{e:?}"))))
    }
    fn send(&mut self, message: &[u8]) -> bool {
        match self.0.try_push(message) {
            Ok(()) => true,
            Err(RingError::Full) => false,
            Err(error) => fail(format!("{error:?}")),
        }
    }
    fn receive(&mut self, message: &mut [u8]) -> bool {
        let mut slot = [0; 56];
        match self.0.try_pop(&mut slot) {
            Ok(_) => {
                message.copy_from_slice(&slot[..message.len()]);
                true
            }
            Err(RingError::Empty) => false,
            Err(error) => fail(format!("{error:?}")),
        }
    }
}

fn main() {
    main_of::<Queue>()
}
