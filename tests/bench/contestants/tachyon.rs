//! Tachyon: a ring for one producer and one consumer, whose two processes meet on a Unix socket.
//!
//! needs: clang-19
//! cannot: alone idle backlog reopen many

use contestants::{fail, main_of, Contestant, Plan, Role};
use tachyon_ipc::{Bus, TachyonError};

struct Queue(Bus);

impl Contestant for Queue {
    const NAME: &'static str = "Tachyon";
    const WHEN_KILLED: &'static str = "nothing";
    const PRODUCERS: u32 = 1;
    const CONSUMERS: u32 = 1;
    const POLLS: bool = false; // receiving always waits
    const WAITS: bool = true;

    fn make(_: &Plan, _: &str) {}
    fn join(plan: &Plan, name: &str, role: Role) -> Self {
        let path = plan.place.join(name);
        let path = path.to_str().unwrap();
        match role {
            Role::Producer => {
                let room = ((plan.size + 128) * plan.capacity).next_power_of_two();
                Queue(Bus::listen(path, room).unwrap_or_else(|e| fail(e)))
            }
            Role::Consumer => loop {
                if let Ok(bus) = Bus::connect(path) {
                    return Queue(bus);
                }
                std::thread::sleep(std::time::Duration::from_micros(100));
            },
            Role::Both => fail("Tachyon needs two processes"),
        }
    }
    fn send_wait(&mut self, message: &[u8]) {
        loop {
            match self.0.send(message, 1) {
                Ok(()) => return,
                Err(TachyonError::BufferFull) => std::hint::spin_loop(),
                Err(error) => fail(error),
            }
        }
    }
    fn receive_wait(&mut self, message: &mut [u8]) {
        let guard = self.0.acquire_rx(10_000).unwrap_or_else(|e| fail(e));
        message.copy_from_slice(guard.data());
        guard.commit().unwrap_or_else(|e| fail(e));
    }
}

fn main() {
    main_of::<Queue>()
}
