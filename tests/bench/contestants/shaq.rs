//! shaq's ring for one producer and one consumer.
//!
//! rust: -Zcrate-attr=feature(isolate_most_least_significant_one)

use std::fs::File;
use std::num::NonZeroUsize;

use contestants::{fail, for_size, main_of, Bytes, Contestant, Plan, Role};
use shaq::spsc::{minimum_file_size, Consumer, Producer};

trait Ends {
    fn send(&mut self, messages: &[u8], size: usize) -> usize;
    fn receive(&mut self, messages: &mut [u8], size: usize) -> usize;
}

struct Typed<const SIZE: usize> {
    producer: Option<Producer<Bytes<SIZE>>>,
    consumer: Option<Consumer<Bytes<SIZE>>>,
}

impl<const SIZE: usize> Ends for Typed<SIZE> {
    fn send(&mut self, messages: &[u8], size: usize) -> usize {
        let producer = self.producer.as_mut().unwrap();
        let read = |message: &[u8]| Bytes::<SIZE>(message.try_into().unwrap());
        if messages.len() == size {
            return producer.try_write(read(messages)).is_ok().into();
        }
        let mut batch = producer.write_batch();
        messages
            .chunks_exact(size)
            .take_while(|message| batch.try_write(read(message)).is_ok())
            .count()
    }
    fn receive(&mut self, messages: &mut [u8], size: usize) -> usize {
        let consumer = self.consumer.as_mut().unwrap();
        if messages.len() == size {
            return match consumer.try_read() {
                Some(message) => {
                    messages.copy_from_slice(&message.0);
                    1
                }
                None => 0,
            };
        }
        let most = NonZeroUsize::new(messages.len() / size).unwrap();
        let Some(batch) = consumer.try_reserve_read_batch(most) else {
            return 0;
        };
        for (to, message) in messages.chunks_exact_mut(size).zip(batch.iter()) {
            to.copy_from_slice(&message.0);
        }
        batch.len()
    }
}

struct Queue(Box<dyn Ends>);

fn file(plan: &Plan, name: &str) -> File {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(plan.place.join(name))
        .unwrap_or_else(|e| fail(e))
}

fn create<const SIZE: usize>(plan: &Plan, name: &str) {
    let size = minimum_file_size::<Bytes<SIZE>>(plan.capacity);
    // SAFETY: one process alone makes it, before any joins.
    drop(unsafe { Producer::<Bytes<SIZE>>::create(&file(plan, name), size) }.unwrap_or_else(|e| fail(e)));
}

fn attach<const SIZE: usize>(plan: &Plan, name: &str, role: Role) -> Box<dyn Ends> {
    let file = file(plan, name);
    // SAFETY: one process alone has each end.
    unsafe {
        Box::new(Typed::<SIZE> {
            producer: (role != Role::Consumer).then(|| Producer::join(&file).unwrap_or_else(|e| fail(e))),
            consumer: (role != Role::Producer).then(|| Consumer::join(&file).unwrap_or_else(|e| fail(e))),
        })
    }
}

impl Contestant for Queue {
    const NAME: &'static str = "shaq";
    const WHEN_KILLED: &'static str = "all";
    const PRODUCERS: u32 = 1;
    const CONSUMERS: u32 = 1;
    const BATCHES: bool = true;

    fn make(plan: &Plan, name: &str) {
        for_size!(plan.size, N => create::<N>(plan, name))
    }
    fn join(plan: &Plan, name: &str, role: Role) -> Self {
        Queue(for_size!(plan.size, N => attach::<N>(plan, name, role)))
    }
    fn send(&mut self, message: &[u8]) -> bool {
        self.0.send(message, message.len()) == 1
    }
    fn receive(&mut self, message: &mut [u8]) -> bool {
        let size = message.len();
        self.0.receive(message, size) == 1
    }
    fn send_batch(&mut self, messages: &[u8], size: usize) -> usize {
        self.0.send(messages, size)
    }
    fn receive_batch(&mut self, messages: &mut [u8], size: usize) -> usize {
        self.0.receive(messages, size)
    }
}

fn main() {
    main_of::<Queue>()
}
