//! Random operations on a queue and on a simple model of it, side by side.
#![allow(missing_docs)]

mod support;

use std::collections::VecDeque;

use cqueue::{Batch, Error, Queue, Received, Reserved};
use proptest::prelude::*;
use support::{Place, rounds};

#[derive(Clone, Debug)]
enum Step {
    Enqueue { size: usize },
    EnqueueBatch { sizes: Vec<usize> },
    Dequeue,
    DequeueInto { room: usize },
    DequeueBatch { count: usize },
    Reserve,
    Commit { which: usize, size: usize },
    Abort { which: usize },
    Take,
    Release { which: usize },
    Return { which: usize },
    Walk,
}

fn step() -> impl Strategy<Value = Step> {
    let size = 4..=40_usize; // enough to tell them apart
    let which = 0..100_usize;
    prop_oneof![
        4 => size.clone().prop_map(|size| Step::Enqueue { size }),
        2 => prop::collection::vec(size.clone(), 0..6).prop_map(|sizes| Step::EnqueueBatch { sizes }),
        2 => Just(Step::Dequeue),
        2 => (0..=40_usize).prop_map(|room| Step::DequeueInto { room }),
        2 => (1..6_usize).prop_map(|count| Step::DequeueBatch { count }),
        3 => Just(Step::Reserve),
        3 => (which.clone(), size).prop_map(|(which, size)| Step::Commit { which, size }),
        1 => which.clone().prop_map(|which| Step::Abort { which }),
        3 => Just(Step::Take),
        2 => which.clone().prop_map(|which| Step::Release { which }),
        2 => which.prop_map(|which| Step::Return { which }),
        1 => Just(Step::Walk),
    ]
}

type Bytes = Vec<u8>;

#[derive(Debug, PartialEq)]
enum Spot {
    Waiting(Bytes),
    /// Reserved, by the number of the reservation.
    Pending(u64),
}

/// What the header promises, for one thread.
#[derive(Default)]
struct Model {
    capacity: usize,
    line: VecDeque<Spot>,
    /// Given back, with the number of their last delivery. They come before the line, in an order that is not promised.
    orphans: Vec<(Bytes, u32)>,
}

impl Model {
    fn room(&self) -> usize {
        self.capacity - self.line.len()
    }

    /// Whether the message that came out, in its delivery, is one that had to come; None: nothing came out.
    fn takes(&mut self, out: Option<(&[u8], u32)>) -> bool {
        if let Some((bytes, deliveries)) = out.filter(|_| !self.orphans.is_empty()) {
            let found = self.orphans.iter().position(|(orphan, last)| orphan == bytes && last + 1 == deliveries);
            return found.map(|index| self.orphans.remove(index)).is_some();
        }
        self.pass_over_pending();
        match (self.line.front(), out) {
            (Some(Spot::Waiting(expected)), Some((bytes, deliveries))) => {
                let right = expected == bytes && deliveries == 1;
                self.line.pop_front();
                right
            }
            (_, None) => self.waiting() == 0,
            _ => false,
        }
    }

    /// Who looks for a message does not wait for reservations that have one behind them: they lose their places.
    fn pass_over_pending(&mut self) {
        if self.orphans.is_empty() {
            let first = self.line.iter().position(|spot| matches!(spot, Spot::Waiting(_)));
            self.line.drain(..first.unwrap_or(0));
        }
    }

    fn waiting(&self) -> usize {
        self.line.iter().filter(|spot| matches!(spot, Spot::Waiting(_))).count() + self.orphans.len()
    }

    /// The size of what comes next, if that is certain.
    fn next_size(&self) -> Option<usize> {
        match self.orphans.as_slice() {
            [] => self.line.iter().find_map(|place| match place {
                Spot::Waiting(bytes) => Some(bytes.len()),
                Spot::Pending(_) => None,
            }),
            [(bytes, _)] => Some(bytes.len()),
            _ => None,
        }
    }
}

struct Run<'q> {
    queue: &'q Queue,
    model: Model,
    made: u64,
    reserved: Vec<(u64, Reserved<'q>)>,
    taken: Vec<Received<'q>>,
}

impl<'q> Run<'q> {
    fn new(queue: &'q Queue, capacity: usize) -> Self {
        let model = Model { capacity, ..Model::default() };
        Self { queue, model, made: 0, reserved: Vec::new(), taken: Vec::new() }
    }

    /// Different from all others, as far as so many bytes can be.
    fn make(&mut self, size: usize) -> Bytes {
        self.made += 1;
        self.made.to_le_bytes().into_iter().cycle().take(size).collect()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Enqueue { size } => {
                let message = self.make(size);
                match self.queue.enqueue(&message) {
                    Ok(()) => assert!(self.model.room() > 0),
                    Err(Error::Full(_)) => return assert_eq!(self.model.room(), 0),
                    Err(error) => panic!("{error}"),
                }
                self.model.line.push_back(Spot::Waiting(message));
            }
            Step::EnqueueBatch { sizes } => {
                let messages: Vec<Bytes> = sizes.into_iter().map(|size| self.make(size)).collect();
                let done = self.queue.enqueue_batch(&messages).unwrap();
                assert_eq!(done, messages.len().min(self.model.room()));
                self.model.line.extend(messages.into_iter().take(done).map(Spot::Waiting));
            }
            Step::Dequeue => self.take_and_release(Queue::dequeue),
            Step::DequeueInto { room } => {
                let size = self.model.next_size();
                let mut buffer = vec![0; room];
                match self.queue.dequeue_into(&mut buffer) {
                    Ok(out) => {
                        assert!(size.is_none_or(|size| size <= room));
                        let out = out.map(|bytes| bytes.to_vec());
                        self.take_and_release(|_| Ok(out));
                    }
                    Err(Error::TooSmall(details)) => {
                        assert!(details.size() > room);
                        assert!(size.is_none_or(|size| size == details.size()));
                        self.model.pass_over_pending();
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Step::DequeueBatch { count } => {
                let mut batch = Batch::new(count, 64 * count);
                let got = self.queue.dequeue_batch(&mut batch).unwrap();
                for message in &batch {
                    self.take_and_release(|_| Ok(Some(message.to_vec())));
                }
                if got < count {
                    self.take_and_release(|_| Ok(None));
                }
            }
            Step::Reserve => match self.queue.reserve(40) {
                Ok(reserved) => {
                    assert!(self.model.room() > 0);
                    self.made += 1;
                    self.model.line.push_back(Spot::Pending(self.made));
                    self.reserved.push((self.made, reserved));
                }
                Err(Error::Full(_)) => assert_eq!(self.model.room(), 0),
                Err(error) => panic!("{error}"),
            },
            Step::Commit { which, size } => {
                let message = self.make(size);
                let Some((id, mut reserved)) = pick(&mut self.reserved, which) else { return };
                reserved[..size].copy_from_slice(&message);
                let place = self.model.line.iter().position(|spot| *spot == Spot::Pending(id));
                match (reserved.commit(size), place) {
                    (Ok(_), Some(index)) => self.model.line[index] = Spot::Waiting(message),
                    (Ok(_), None) => {
                        assert!(self.model.room() > 0);
                        self.model.line.push_back(Spot::Waiting(message));
                    }
                    (Err(error), None) if matches!(error.error(), Error::Full(_)) => {
                        assert_eq!(self.model.room(), 0);
                        self.reserved.push((id, error.into_reserved()));
                    }
                    (Err(error), _) => panic!("{error}"),
                }
            }
            Step::Abort { which } => {
                let Some((id, reserved)) = pick(&mut self.reserved, which) else { return };
                reserved.abort().unwrap();
                self.model.line.retain(|spot| *spot != Spot::Pending(id));
            }
            Step::Take => {
                let received = self.queue.take().unwrap();
                assert!(self.model.takes(received.as_ref().map(|message| (&**message, message.deliveries()))));
                self.taken.extend(received);
            }
            Step::Release { which } => {
                if let Some(received) = pick(&mut self.taken, which) {
                    received.release().unwrap();
                }
            }
            Step::Return { which } => {
                let Some(received) = pick(&mut self.taken, which) else { return };
                self.model.orphans.push((received.to_vec(), received.deliveries()));
                received.give_back().unwrap();
            }
            Step::Walk => {
                let mut shown = 0;
                self.queue
                    .walk(|_| {
                        shown += 1;
                        std::ops::ControlFlow::<()>::Continue(())
                    })
                    .unwrap();
                assert_eq!(shown, self.model.waiting());
            }
        }
        assert_eq!(self.queue.stats().unwrap().orphans as usize, self.model.orphans.len());
    }

    /// A copy does not say which delivery it was: any that the model allows will do.
    fn take_and_release(&mut self, take: impl FnOnce(&Queue) -> Result<Option<Bytes>, Error>) {
        let out = take(self.queue).unwrap();
        let deliveries = out.as_ref().map_or(1, |bytes| {
            self.model.orphans.iter().find(|(orphan, _)| orphan == bytes).map_or(1, |(_, last)| last + 1)
        });
        assert!(self.model.takes(out.as_deref().map(|bytes| (bytes, deliveries))), "{out:?}");
    }
}

fn pick<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(which % from.len()))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: rounds(100, 5_000) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_queue_does_what_the_model_does(
        capacity in prop_oneof![1..8_u64, Just(300_u64)],
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let place = Place::new();
        let queue = place.open(capacity);
        let mut run = Run::new(&queue, capacity as usize);
        for step in steps {
            run.step(step);
        }
        // What is held goes back; then everything comes out, and there is room for all again.
        while !run.taken.is_empty() {
            run.step(Step::Return { which: 0 });
        }
        while !run.reserved.is_empty() {
            run.step(Step::Abort { which: 0 });
        }
        while run.model.waiting() > 0 {
            run.step(Step::Dequeue);
        }
        run.step(Step::Dequeue);
        for _ in 0..=capacity {
            run.step(Step::Enqueue { size: 1 });
        }
    }
}
