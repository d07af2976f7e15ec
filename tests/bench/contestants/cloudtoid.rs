//! cloudtoid/interprocess: a work queue of bytes; its readers take turns behind one owner.

use cloudtoid_interprocess::{Options, Publisher, Subscriber};
use contestants::{fail, main_of, Contestant, Plan, Role};

struct Queue {
    publisher: Option<Publisher>,
    subscriber: Option<Subscriber>,
}

impl Contestant for Queue {
    const NAME: &'static str = "cloudtoid";
    const WHEN_KILLED: &'static str = "all, after 10 s; messages may be lost";
    const WAITS: bool = false; // it has no waiting send

    fn make(_: &Plan, _: &str) {}
    fn join(plan: &Plan, name: &str, role: Role) -> Self {
        let number = plan.place.file_name().unwrap().to_str().unwrap();
        let parent = plan.place.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let options = Options::new(
            format!("{parent}-{number}-{name}"),
            (plan.size + 64) / 8 * 8 * plan.capacity,
        )
        .with_path(&plan.place);
        Queue {
            publisher: (role != Role::Consumer).then(|| Publisher::open(&options).unwrap_or_else(|e| fail(e))),
            subscriber: (role != Role::Producer).then(|| Subscriber::open(&options).unwrap_or_else(|e| fail(e))),
        }
    }
    fn send(&mut self, message: &[u8]) -> bool {
        match self.publisher.as_ref().unwrap().try_send(message) {
            Ok(()) => true,
            Err(error) if error.is_full() => false,
            Err(error) => fail(error),
        }
    }
    fn receive(&mut self, message: &mut [u8]) -> bool {
        self.subscriber
            .as_ref()
            .unwrap()
            .try_recv_into(message)
            .unwrap_or_else(|e| fail(e))
            .is_some()
    }
}

fn main() {
    main_of::<Queue>()
}
