//! shaq's ring for any number of producers and consumers.
//!
//! It stalls when a thread is preempted in the middle, as rte_ring does.
//!
//! rust: -Zcrate-attr=feature(isolate_most_least_significant_one)

use std::fs::File;
use std::num::NonZeroUsize;

use contestants::{fail, for_size, main_of, Bytes, Contestant, Plan, Role};
use shaq::mpmc::{minimum_file_size, Consumer, Producer};

trait Ends {
    fn send(&mut self, messages: &[u8], size: usize) -> usize;
    fn receive(&mut self, messages: &mut [u8], size: usize) -> usize;
}

struct Typed<const SIZE: usize> {
    producer: Producer<Bytes<SIZE>>,
    consumer: Consumer<Bytes<SIZE>>,
}

impl<const SIZE: usize> Ends for Typed<SIZE> {
    fn send(&mut self, messages: &[u8], size: usize) -> usize {
        if messages.len() == size {
            return self
                .producer
                .try_write(Bytes(messages.try_into().unwrap()))
                .is_ok()
                .into();
        }
        let count = messages.len() / size;
        // SAFETY: all that is reserved is written.
        let Some(mut batch) = (unsafe { self.producer.try_reserve_write_batch(NonZeroUsize::new(count).unwrap()) })
        else {
            return 0;
        };
        for (index, message) in messages.chunks_exact(size).enumerate() {
            // SAFETY: less than was reserved.
            unsafe { batch.write(index, Bytes(message.try_into().unwrap())) };
        }
        count
    }
    fn receive(&mut self, messages: &mut [u8], size: usize) -> usize {
        if messages.len() == size {
            return match self.consumer.try_read() {
                Some(message) => {
                    messages.copy_from_slice(&message.0);
                    1
                }
                None => 0,
            };
        }
        let most = NonZeroUsize::new(messages.len() / size).unwrap();
        let Some(batch) = self.consumer.try_reserve_read_batch(most) else {
            return 0;
        };
        let count = batch.len();
        for (to, message) in messages.chunks_exact_mut(size).zip(batch) {
            to.copy_from_slice(&message.0);
        }
        count
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

fn attach<const SIZE: usize>(plan: &Plan, name: &str) -> Box<dyn Ends> {
    // SAFETY: it was made with this type.
    let producer = unsafe { Producer::join(&file(plan, name)) }.unwrap_or_else(|e| fail(e));
    let consumer = producer.join_as_consumer();
    Box::new(Typed::<SIZE> { producer, consumer })
}

impl Contestant for Queue {
    const NAME: &'static str = "shaq mpmc";
    const WHEN_KILLED: &'static str = "nothing";
    const BATCHES: bool = true;

    fn make(plan: &Plan, name: &str) {
        for_size!(plan.size, N => create::<N>(plan, name))
    }
    fn join(plan: &Plan, name: &str, _: Role) -> Self {
        Queue(for_size!(plan.size, N => attach::<N>(plan, name)))
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
