//! Queues of values (features `serde`, `bytemuck` and `postcard`).
#![cfg(all(feature = "bytemuck", feature = "postcard"))]
#![allow(missing_docs)]

mod support;

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqueue::{Error, Format, FormatError, Headers, Json, Pod, Postcard, Typed, Verdict};
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
fn another_size_is_undecodable_and_stays() {
    let place = Place::new();
    let points = Typed::<Point, Pod>::open("points", place.options()).unwrap();
    points.bytes().enqueue([1; 15]).unwrap();
    points.enqueue(&Point { x: 1.0, y: 2.0 }).unwrap();
    for deliveries in 1..4 {
        let error = points.dequeue().unwrap_err();
        assert!(error.to_string().starts_with("\"points\": a message of 15 bytes is no typed::Point: "), "{error}");
        let Error::Undecodable(undecodable) = error else { panic!("{error}") };
        assert_eq!((undecodable.bytes(), undecodable.deliveries()), ([1; 15].as_slice(), deliveries));
    }
    let bad = points.bytes().take().unwrap().unwrap();
    assert_eq!(points.dequeue().unwrap(), Some(Point { x: 1.0, y: 2.0 }));
    bad.release().unwrap();
    let error = Typed::<u32, Pod>::open("points", place.options()).unwrap_err();
    assert!(error.to_string().starts_with("\"points\": region has max_message_size 16, asked for 4"), "{error}");
}

/// The formats that all languages have, byte for byte.
#[test]
fn the_common_formats_are_what_other_languages_write() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Item {
        id: u32,
        name: String,
        price: f64,
    }
    #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
    #[repr(C)]
    struct Plain {
        id: i32,
        padding: [u8; 4],
        price: f64,
        name: [u8; 8],
    }
    let place = Place::new();
    let items = Typed::<Item, Json>::open("items", place.options()).unwrap();
    let tea = || Item { id: 7, name: "tea".into(), price: 2.5 };
    items.enqueue(&tea()).unwrap();
    items.bytes().enqueue(br#" {"price":2.5, "id":7, "name":"tea"}"#).unwrap();
    assert_eq!(&*items.bytes().take().unwrap().unwrap(), br#"{"id":7,"name":"tea","price":2.5}"#);
    assert_eq!((items.dequeue().unwrap(), items.dequeue().unwrap()), (Some(tea()), Some(tea())));

    let plains = Typed::<Plain, Pod>::open("plains", place.options()).unwrap();
    let tea = Plain { id: 7, padding: [0; 4], price: 2.5, name: *b"tea\0\0\0\0\0" };
    plains.enqueue(&tea).unwrap();
    let bytes = plains.bytes().take().unwrap().unwrap();
    assert_eq!(&*bytes, b"\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\x40tea\0\0\0\0\0");
    bytes.give_back().unwrap();
    assert_eq!(plains.dequeue().unwrap(), Some(tea));
}

#[test]
fn a_value_stays_until_it_is_released() {
    let place = Place::new();
    let orders = Typed::<Order, Json>::from(place.open(10));
    assert_eq!(orders.enqueue_batch(&[tea(), Order::Cancel(7)]).unwrap(), 2);
    let taken = orders.take().unwrap().unwrap();
    assert_eq!((taken.value(), taken.message().deliveries()), (&tea(), 1));
    drop(taken);
    let taken = orders.take_wait(None).unwrap().unwrap().into_owned();
    assert_eq!(taken.message().deliveries(), 2);
    taken.give_back().unwrap();
    let (value, message) = orders.take().unwrap().unwrap().into_parts();
    message.release().unwrap();
    assert_eq!(value, tea());
    assert_eq!(orders.take().unwrap().unwrap().release().unwrap(), Order::Cancel(7));
    assert!(orders.take_wait(Duration::from_millis(1)).unwrap().is_none());
}

#[test]
fn an_undecodable_message_is_told_with_its_reason() {
    let place = Place::new();
    let orders = Typed::<Order, Json>::from(place.open(10));
    orders.bytes().enqueue(b"{\"Cancel\": -1}").unwrap();
    let error = orders.take().unwrap_err();
    assert_eq!((error.c_name(), error.details().result()), ("UNDECODABLE", 0));
    assert_eq!(error.meaning(), "the message is no value of the queue's type");
    let reason = error.source().unwrap().downcast_ref::<serde_json::Error>().unwrap();
    assert!(reason.to_string().contains("invalid value"), "{reason}");
    let Error::Undecodable(undecodable) = &error else { panic!("{error}") };
    assert_eq!(undecodable.bytes(), b"{\"Cancel\": -1}");
    assert_eq!(io::Error::from(error.clone()).kind(), io::ErrorKind::InvalidData);

    // The same for messages that come in other ways.
    let message = orders.bytes().take().unwrap().unwrap();
    let position = message.position();
    let Err(Error::Undecodable(undecodable)) = message.decode::<Order, Json>() else { panic!("decoded") };
    assert_eq!((undecodable.position(), undecodable.deliveries()), (position, 2));
    let text = orders.bytes().take().unwrap().unwrap().decode::<serde_json::Value, Json>().unwrap();
    assert_eq!(text.release().unwrap()["Cancel"], -1);
}

#[test]
fn good_neighbours_of_a_bad_message_are_delivered() {
    let place = Place::new();
    let orders = Typed::<Order, Json>::from(place.open(100));
    for number in 0..20 {
        orders.enqueue(&Order::Cancel(number)).unwrap();
        if number == 7 {
            orders.bytes().enqueue("bad").unwrap();
        }
    }
    let batch = orders.take_batch(100).unwrap();
    assert_eq!(batch.len(), 21);
    assert!(matches!(batch[8], Err(Error::Undecodable(_))));
    let good: Vec<_> = batch.into_iter().flatten().map(|order| order.release().unwrap()).collect();
    assert!(good.into_iter().eq((0..20).map(Order::Cancel)));
    let batch = orders.take_batch_wait(100, Duration::from_secs(1)).unwrap();
    assert!(matches!(batch.as_slice(), [Err(Error::Undecodable(_))]));
    drop(batch);
    assert_eq!(&*orders.bytes().take().unwrap().unwrap(), b"bad");
}

#[test]
fn a_hook_decides_what_becomes_of_bad_messages() {
    let place = Place::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let orders = Typed::<Order, Json>::from(place.open(10)).on_undecodable({
        let seen = Arc::clone(&seen);
        move |message| {
            seen.lock().unwrap().push(message.bytes().to_vec());
            Ok(Verdict::Drop)
        }
    });
    orders.bytes().enqueue_batch(&["bad", "worse"]).unwrap();
    orders.enqueue(&tea()).unwrap();
    assert_eq!(orders.dequeue().unwrap(), Some(tea()));
    assert_eq!(*seen.lock().unwrap(), [b"bad".as_slice(), b"worse"]);
    orders.bytes().enqueue("bad").unwrap();
    assert_eq!(orders.dequeue().unwrap(), None);
    assert!(orders.bytes().is_empty().unwrap());
}

#[test]
fn bad_messages_go_to_the_dead_letters_after_some_deliveries() {
    let place = Place::new();
    let letters = place.options().capacity(1).max_message_size(64).open("letters").unwrap();
    let reader = place.options().open("letters").unwrap();
    let orders = Typed::<Order, Json>::from(place.open(10)).dead_letters(letters, 3);
    orders.bytes().enqueue_batch(&["bad", "worse"]).unwrap();
    orders.enqueue(&tea()).unwrap();
    for _ in 1..3 {
        assert!(matches!(orders.dequeue(), Err(Error::Undecodable(_))));
    }
    assert!(matches!(orders.dequeue(), Err(Error::Undecodable(_))), "the next one, for the first time");
    assert!(matches!(orders.dequeue(), Err(Error::Undecodable(_))));
    let error = orders.dequeue().unwrap_err();
    assert!(matches!(error, Error::Full(_)), "it stays while the dead letters are full: {error}");
    assert_eq!(error.details().queue(), "letters");
    assert_eq!(reader.dequeue().unwrap().unwrap(), b"bad");
    assert_eq!(orders.dequeue().unwrap(), Some(tea()));
    assert_eq!(reader.dequeue().unwrap().unwrap(), b"worse");
}

#[test]
fn dead_letters_have_the_headers_that_fit() {
    let own: Headers = [("a".into(), b"b".to_vec())].into();
    for (room, count) in [(100, 4), (65, 3), (10, 0)] {
        let place = Place::new();
        let letters = place.options().max_headers(room).open("letters").unwrap();
        let reader = place.options().open("letters").unwrap();
        let options = place.options().max_headers(50);
        let orders = Typed::<bool, Pod>::open("orders", options).unwrap().dead_letters(letters, 1);
        orders.bytes().enqueue_with("", &own).unwrap();
        assert!(orders.take().unwrap().is_none());
        let letter = reader.take().unwrap().unwrap();
        let headers = letter.headers().unwrap();
        assert_eq!(headers.len(), count);
        assert_eq!(headers.get("a"), own.get("a").filter(|_| count == 4));
        assert_eq!(headers.get("cq-dead-letter").is_some_and(|why| why == b"undecodable"), count > 0);
        letter.release().unwrap();
    }
}

#[test]
fn values_that_some_bytes_are_not_are_refused() {
    let place = Place::new();
    let flags = Typed::<bool, Pod>::open("flags", place.options()).unwrap();
    flags.enqueue(&true).unwrap();
    flags.bytes().enqueue([2]).unwrap();
    assert_eq!(flags.dequeue().unwrap(), Some(true));
    assert!(matches!(flags.dequeue(), Err(Error::Undecodable(_))));
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
fn bytes_that_are_no_value_are_undecodable() {
    let place = Place::new();
    let orders = Typed::<Order, Postcard>::from(place.open(10));
    orders.enqueue(&tea()).unwrap();
    let bytes = orders.bytes().dequeue().unwrap().unwrap();
    for wrong in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), &[9], &[]] {
        orders.bytes().enqueue(wrong).unwrap();
        let error = orders.dequeue().unwrap_err();
        assert!(matches!(error, Error::Undecodable(_)), "{wrong:?}: {error}");
        orders.bytes().take().unwrap().unwrap().release().unwrap();
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
    assert!(error.to_string().ends_with("String cannot be encoded: more than one line"), "{error}");
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
