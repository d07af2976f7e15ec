//! What is told to `tracing` (feature `tracing`).
#![cfg(feature = "tracing")]
#![allow(missing_docs)]

mod support;

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use support::Place;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The events, each as a line of its fields.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "cqueue"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} ", event.metadata().level()));
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn what_is_rare_or_goes_wrong_is_told() {
    let place = Place::new();
    let seen = Seen::default();
    tracing::subscriber::with_default(seen.clone(), || {
        let queue = place.open(10);
        queue.enqueue_batch(&["one", "two"]).unwrap();
        queue.take().unwrap().unwrap().release().unwrap();
        drop(queue.take());
    });
    let seen = seen.0.lock().unwrap();
    let [opened, dropped, closed] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(opened, "DEBUG message=opened queue=\"orders\" ");
    assert!(dropped.starts_with("DEBUG message=dropped without release: given back queue=\"orders\" "), "{dropped}");
    assert!(dropped.ends_with("deliveries=1 "), "{dropped}");
    assert_eq!(closed, "DEBUG message=closed queue=\"orders\" ");
}
