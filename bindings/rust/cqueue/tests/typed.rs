//! Queues of values (features `bytemuck` and `serde`).
#![cfg(all(feature = "bytemuck", feature = "serde"))]
#![allow(missing_docs)]

mod support;

use std::time::Duration;

use cqueue::{Error, Format, FormatError, Pod, Postcard, Typed};
use support::Place;

#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Order {
    Buy { item: String, count: u32 },
    Cancel(u64),
}

fn tea() -> Order {
    Order::Buy { item: "tea".into(), count: 3 }
}

#[test]
fn plain_old_data_lies_in_the_message_as_in_memory() {
    let place = Place::new();
    let points = Typed::<Point, Pod>::open("points", place.options().max_message_size(1)).unwrap();
    assert_eq!(points.bytes().stats().unwrap().max_message_size, 16);
    let point = Point { x: 1.5, y: -2.0 };
    points.enqueue(&point).unwrap();
    points.enqueue_wait(&Point { x: 0.0, y: 0.0 }, None).unwrap();
    assert_eq!(points.bytes().dequeue().unwrap().unwrap(), [1.5_f64.to_ne_bytes(), (-2.0_f64).to_ne_bytes()].concat());
    assert_eq!(points.dequeue().unwrap(), Some(Point { x: 0.0, y: 0.0 }));
    assert_eq!(points.dequeue().unwrap(), None);
}

#[test]
fn another_size_is_a_mismatch_and_gone() {
    let place = Place::new();
    let points = Typed::<Point, Pod>::open("points", place.options()).unwrap();
    points.bytes().enqueue([1; 15]).unwrap();
    points.enqueue(&Point { x: 1.0, y: 2.0 }).unwrap();
    let error = points.dequeue().unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)));
    assert!(error.to_string().starts_with("\"points\": a message of 15 bytes is no typed::Point: "), "{error}");
    assert_eq!(points.dequeue().unwrap(), Some(Point { x: 1.0, y: 2.0 }));
    let error = Typed::<u32, Pod>::open("points", place.options()).unwrap_err();
    assert!(error.to_string().starts_with("\"points\": region has max_message_size 16, asked for 4"), "{error}");
}

#[test]
fn values_that_some_bytes_are_not_are_refused() {
    let place = Place::new();
    let flags = Typed::<bool, Pod>::open("flags", place.options()).unwrap();
    flags.enqueue(&true).unwrap();
    flags.bytes().enqueue([2]).unwrap();
    assert_eq!(flags.dequeue().unwrap(), Some(true));
    assert!(matches!(flags.dequeue(), Err(Error::Mismatch(_))));
}

#[test]
fn serde_passes_any_value() {
    let place = Place::new();
    let orders = Typed::<Order, Postcard>::open("orders", place.options()).unwrap();
    orders.enqueue(&tea()).unwrap();
    orders.enqueue_wait(&Order::Cancel(7), Duration::from_secs(1)).unwrap();
    assert_eq!(orders.dequeue_wait(None).unwrap(), Some(tea()));
    assert_eq!(orders.dequeue_wait(Duration::ZERO).unwrap(), Some(Order::Cancel(7)));
    assert_eq!(orders.dequeue_wait(Duration::ZERO).unwrap(), None);
    assert_eq!(orders.into_bytes().name(), "orders");
}

#[test]
fn bytes_that_are_no_value_are_a_mismatch() {
    let place = Place::new();
    let orders = Typed::<Order, Postcard>::from(place.open(10));
    orders.enqueue(&tea()).unwrap();
    let bytes = orders.bytes().dequeue().unwrap().unwrap();
    for wrong in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), &[9], &[]] {
        orders.bytes().enqueue(wrong).unwrap();
        let error = orders.dequeue().unwrap_err();
        assert!(matches!(error, Error::Mismatch(_)), "{wrong:?}: {error}");
    }
    assert_eq!(orders.dequeue().unwrap(), None);
}

#[test]
fn a_value_that_is_too_big_is_refused() {
    let place = Place::new();
    let orders = Typed::<Order, Postcard>::from(place.open(10));
    let error = orders.enqueue(&Order::Buy { item: "x".repeat(100), count: 1 }).unwrap_err();
    assert!(matches!(error, Error::TooBig(_)));
    assert_eq!(error.details().size(), 103);
}

/// A format of the user's own.
enum Text {}

impl Format<String> for Text {
    fn write<R>(value: &String, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError> {
        if value.contains('\n') {
            return Err("more than one line".into());
        }
        Ok(then(value.as_bytes()))
    }

    fn read(bytes: &[u8]) -> Result<String, FormatError> {
        Ok(std::str::from_utf8(bytes)?.into())
    }
}

#[test]
fn formats_can_be_added() {
    let place = Place::new();
    let lines = Typed::<String, Text>::open("lines", place.options()).unwrap();
    lines.enqueue(&"hello".into()).unwrap();
    assert_eq!(lines.dequeue().unwrap().unwrap(), "hello");
    let error = lines.enqueue(&"a\nb".into()).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)));
    assert!(error.to_string().ends_with("String cannot be written: more than one line"), "{error}");
    lines.bytes().enqueue([0xff]).unwrap();
    assert!(lines.dequeue().unwrap_err().to_string().contains("invalid utf-8"));
}

#[test]
fn stats_and_recovery_can_be_serialized() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue("x").unwrap();
    let stats = serde_json::to_value(queue.stats().unwrap()).unwrap();
    assert_eq!((&stats["capacity"], &stats["length"], &stats["unlinked"]), (&10.into(), &1.into(), &false.into()));
    let recovery = serde_json::to_string(&queue.recover().unwrap()).unwrap();
    assert_eq!(recovery, r#"{"participants":0,"slots":0,"messages":0,"nodes":0}"#);
}
