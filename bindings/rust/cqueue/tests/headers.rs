//! What goes along with messages, and what becomes of them on their way.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, SystemTime};

use cqueue::{Batch, Error, Headers, Options, Queue};
use support::Place;

const LONG: Duration = Duration::from_secs(60);

fn headers(pairs: &[(&str, &[u8])]) -> Headers {
    pairs.iter().map(|&(key, value)| (key.to_string(), value.to_vec())).collect()
}

fn open(place: &Place, options: impl FnOnce(Options) -> Options) -> Queue {
    options(place.options().capacity(100).max_message_size(64)).open("orders").unwrap()
}

#[test]
fn headers_go_along() {
    let place = Place::new();
    let queue = open(&place, |options| options.max_headers(200));
    let some =
        headers(&[("content-type", b"text/plain"), ("trace", b"\0\xff"), ("leer", b""), ("ключ", "я".as_bytes())]);
    queue.enqueue_with("one", &some).unwrap();
    queue.enqueue_with_wait("two", &Headers::new(), None).unwrap();
    let mut reserved = queue.reserve(5).unwrap();
    reserved.copy_from_slice(b"three");
    reserved.set_headers(&headers(&[("urgent", b"no")])).unwrap();
    reserved.commit(5).unwrap();

    let mut seen = Vec::new();
    let walked = queue.walk(|message| {
        seen.push((message.data.to_vec(), message.headers(), message.enqueued));
        ControlFlow::<()>::Continue(())
    });
    assert!(walked.unwrap().is_none());
    let third = headers(&[("urgent", b"no")]);
    let expected = [("one", &some), ("two", &Headers::new()), ("three", &third)];
    assert!(
        seen.iter().map(|seen| (seen.0.as_slice(), &seen.1)).eq(expected.map(|(text, all)| (text.as_bytes(), all)))
    );
    assert!(seen.iter().all(|seen| seen.2.is_none()));

    let first = queue.take().unwrap().unwrap();
    assert_eq!(first.headers().unwrap(), some);
    drop(first);
    for (text, all) in expected {
        let message = queue.take().unwrap().unwrap().into_owned();
        assert_eq!((&*message, &message.headers().unwrap()), (text.as_bytes(), all));
        message.release().unwrap();
    }
}

#[test]
fn headers_that_cannot_be_are_refused() {
    let (place, plain_place) = (Place::new(), Place::new());
    let (queue, plain) = (open(&place, |options| options.max_headers(50)), plain_place.open(10));
    let one = headers(&[("a", b"b")]);
    assert!(matches!(plain.enqueue_with("x", &one), Err(Error::Feature(_))));
    assert!(matches!(plain.reserve(1).unwrap().set_headers(&one), Err(Error::Feature(_))));
    plain.enqueue_with("x", &Headers::new()).unwrap();
    assert!(plain.take().unwrap().unwrap().headers().unwrap().is_empty());
    let (long, big) = ("k".repeat(256), vec![1; 65_536]);
    for wrong in [headers(&[("", b"b")]), headers(&[("a\0", b"b")]), headers(&[(&long, b"")]), headers(&[("a", &big)])]
    {
        let error = queue.enqueue_with("x", &wrong).unwrap_err();
        assert!(matches!(error, Error::Headers(_)), "{error:?}");
        assert!(matches!(queue.reserve(1).unwrap().set_headers(&wrong), Err(Error::Headers(_))));
    }
    assert!(matches!(queue.enqueue_with("x", &headers(&[("a", &[1; 47])])), Err(Error::TooBig(_))));
    queue.enqueue_with("x", &headers(&[("a", &[1; 46])])).unwrap();
    assert_eq!(queue.len().unwrap(), 1);
}

#[test]
fn headers_wait_for_room() {
    let place = Place::new();
    let queue = place.options().capacity(1).max_headers(50).open("orders").unwrap();
    queue.enqueue("in the way").unwrap();
    let some = headers(&[("a", b"b")]);
    assert!(matches!(queue.enqueue_with("x", &some), Err(Error::Full(_))));
    assert!(matches!(queue.enqueue_from("x", &some, "s", 1), Err(Error::Full(_))));
    let brief = Duration::from_millis(1);
    assert!(matches!(queue.enqueue_with_wait("x", &some, brief), Err(Error::Timeout(_))));
    assert!(matches!(queue.enqueue_from_wait("x", &some, "s", 1, brief), Err(Error::Timeout(_))));
    thread::scope(|scope| {
        let producer = scope.spawn(|| queue.enqueue_with_wait("x", &some, LONG));
        assert_eq!(queue.dequeue_wait(LONG).unwrap().unwrap(), b"in the way");
        producer.join().unwrap().unwrap();
    });
    assert_eq!(queue.take().unwrap().unwrap().headers().unwrap(), some);
}

#[test]
fn what_comes_from_elsewhere_comes_once() {
    let place = Place::new();
    let queue = open(&place, |options| options.max_headers(50));
    let other = place.options().open("orders").unwrap();
    for number in 1..=10_u64 {
        let some = headers(&[("n", &number.to_le_bytes())]);
        queue.enqueue_from(number.to_string(), &some, "orders.eu", number).unwrap();
        assert!(matches!(other.enqueue_from("again", &some, "orders.eu", number), Err(Error::Duplicate(_))));
        assert_eq!(other.source("orders.eu").unwrap(), number);
    }
    queue.enqueue_from_wait("us", &Headers::new(), "orders.us", 7, None).unwrap();
    queue.raise_source("orders.us", 9).unwrap();
    assert!(matches!(queue.raise_source("orders.us", 9), Err(Error::Duplicate(_))));
    let all = BTreeMap::from([("orders.eu".to_string(), 10), ("orders.us".to_string(), 9)]);
    assert_eq!(queue.sources().unwrap(), all);
    assert_eq!(queue.source("nobody").unwrap(), 0);
    let stats = queue.stats().unwrap();
    assert_eq!((stats.length, stats.sources, stats.max_headers), (11, 2, 50));
    assert_ne!(stats.id, [0; 16]);
    for name in ["", "a\0b", &"s".repeat(201)] {
        assert!(matches!(queue.enqueue_from("x", &Headers::new(), name, 1), Err(Error::Invalid(_))));
        assert!(matches!(queue.source(name), Err(Error::Invalid(_))));
    }
}

/// A standby waits until the consumer is gone, in each way to wait.
#[test]
fn one_consumer_at_a_time() {
    let place = Place::new();
    for way in 0..4 {
        let first = open(&place, |options| options.exclusive_consumer(true));
        let second = place.options().open("orders").unwrap();
        second.enqueue_batch(&["one", "two"]).unwrap();
        let message = first.take().unwrap().unwrap().into_owned();
        assert!(matches!(second.take(), Err(Error::Consumer(_))));
        assert!(matches!(second.dequeue_batch(&mut Batch::new(1, 64)), Err(Error::Consumer(_))));
        let brief = Duration::from_millis(1);
        assert!(matches!(second.take_wait(brief), Err(Error::Consumer(_))));
        assert!(matches!(second.take_batch_wait(1, brief), Err(Error::Consumer(_))));
        assert!(matches!(second.dequeue_batch_wait(&mut Batch::new(1, 64), brief), Err(Error::Consumer(_))));
        thread::scope(|scope| {
            let standby = scope.spawn(|| match way {
                0 => second.take_wait(LONG).unwrap().unwrap().to_vec(),
                1 => second.dequeue_wait(LONG).unwrap().unwrap(),
                2 => second.take_batch_wait(1, LONG).unwrap()[0].to_vec(),
                _ => {
                    let mut batch = Batch::new(1, 64);
                    assert_eq!(second.dequeue_batch_wait(&mut batch, LONG).unwrap(), 1);
                    batch.iter().next().unwrap().to_vec()
                }
            });
            while second.stats().unwrap().waiting_consumers == 0 {
                thread::yield_now();
            }
            assert_eq!(*message, *b"one");
            message.release().unwrap();
            first.close();
            assert_eq!(standby.join().unwrap(), b"two");
        });
        let stats = second.stats().unwrap();
        assert!(stats.exclusive_consumer && stats.consumer != 0);
        drop(second);
        place.options().unlink("orders").unwrap();
    }
}

#[test]
fn what_is_delivered_too_often_goes_to_the_dead_letters() {
    let place = Place::new();
    let queue = open(&place, |options| options.max_deliveries(2, "dead").max_headers(100));
    let dead = place.options().max_headers(200).open("dead").unwrap();
    queue.enqueue_with("poison", &headers(&[("a", b"b")])).unwrap();
    drop(queue.take().unwrap());
    drop(queue.take().unwrap());
    assert!(queue.take().unwrap().is_none());
    let letter = dead.take_wait(LONG).unwrap().unwrap();
    assert_eq!(*letter, *b"poison");
    let why =
        headers(&[("a", b"b"), ("cq-dead-letter", b"deliveries"), ("cq-queue", b"orders"), ("cq-deliveries", b"2")]);
    assert_eq!(letter.headers().unwrap(), why);
    letter.release().unwrap();
    let stats = queue.stats().unwrap();
    assert_eq!((stats.dead_lettered, stats.dead_letter.as_str(), stats.max_deliveries), (1, "dead", 2));
}

#[test]
fn messages_are_given_back_for_later() {
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two", "three"]).unwrap();
    queue.take().unwrap().unwrap().give_back_to_tail().unwrap();
    queue.take().unwrap().unwrap().give_back_after(Duration::from_secs(3600)).unwrap();
    assert_eq!(queue.stats().unwrap().delayed, 2);
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"three");
    let one = queue.take().unwrap().unwrap().into_owned();
    assert_eq!(*one, *b"one");
    one.give_back_after(Duration::from_millis(1)).unwrap();
    let again = queue.take_wait(LONG).unwrap().unwrap();
    assert_eq!((&*again, again.deliveries()), (b"one".as_slice(), 3));
    again.release().unwrap();
    assert!(queue.take().unwrap().is_none());
}

#[test]
fn messages_have_times_and_grow_old() {
    let (place, old_place) = (Place::new(), Place::new());
    let queue = open(&place, |options| options.enqueue_times(true));
    let before = SystemTime::now() - Duration::from_secs(1); // clocks of different precision
    queue.enqueue("x").unwrap();
    let seen = queue.walk(|message| ControlFlow::Break(message.enqueued)).unwrap().unwrap();
    let when = queue.take().unwrap().unwrap().enqueue_time().unwrap();
    assert_eq!(when, seen);
    assert!(before < when.unwrap() && when.unwrap() < SystemTime::now() + Duration::from_secs(1));
    assert!(queue.stats().unwrap().enqueue_times);

    let plain = old_place.options().time_to_live(Duration::from_millis(20)).open("orders").unwrap();
    plain.enqueue("stale").unwrap();
    thread::sleep(Duration::from_millis(50));
    assert!(plain.take().unwrap().is_none());
    let stats = plain.stats().unwrap();
    assert_eq!((stats.expired, stats.time_to_live), (1, Duration::from_millis(20)));
}

#[test]
fn properties_that_cannot_be_are_refused() {
    let place = Place::new();
    let wrong = [
        place.options().max_headers(70_000),
        place.options().max_deliveries(255, "dead"),
        place.options().max_deliveries(3, "-"),
        place.options().max_deliveries(3, "a\0"),
        place.options().dead_letter("dead"),
        place.options().durable_directory("a\0"),
        place.options().sync(true).mode(cqueue::Mode::ReadOnly),
    ];
    for options in wrong {
        let error = options.open("orders").unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{options:?}: {error:?}");
    }
    let _plain = place.open(1);
    assert!(matches!(place.options().exclusive_consumer(true).open("orders"), Err(Error::Mismatch(_))));
}

#[cfg(feature = "serde")]
#[test]
fn values_have_headers_and_sources() {
    let place = Place::new();
    let values = cqueue::Typed::<String, cqueue::Json>::open("orders", place.options().max_headers(50)).unwrap();
    let some = headers(&[("a", b"b")]);
    values.enqueue_with(&"tea".into(), &some).unwrap();
    values.enqueue_from(&"milk".into(), &Headers::new(), "shop", 1).unwrap();
    let again = values.enqueue_from(&"milk".into(), &Headers::new(), "shop", 1);
    assert!(matches!(again, Err(Error::Duplicate(_))));
    let tea = values.take().unwrap().unwrap();
    assert_eq!((tea.value().as_str(), tea.message().headers().unwrap()), ("tea", some));
    tea.release().unwrap();
    assert_eq!(values.take().unwrap().unwrap().release().unwrap(), "milk");
    assert!(values.take().unwrap().is_none());
}
