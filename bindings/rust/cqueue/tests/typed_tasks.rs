//! Queues of values for tasks.
#![cfg(all(feature = "tokio", feature = "serde"))]
#![allow(missing_docs)]

mod support;

use std::pin::pin;
use std::time::Duration;

use cqueue::{AsyncTyped, Error, Json, Typed};
use futures_util::StreamExt;
use support::Place;

type Order = (String, u32);

fn orders(place: &Place) -> AsyncTyped<Order, Json> {
    Typed::<Order, Json>::from(place.open(3)).into()
}

fn tea(count: u32) -> Order {
    ("tea".into(), count)
}

#[tokio::test]
async fn values_are_waited_for() {
    let place = Place::new();
    let queue = orders(&place);
    let clone = queue.clone();
    let consumer = tokio::spawn(async move {
        let order = clone.take().await.unwrap();
        let value = order.value().clone();
        drop(order); // given back
        (value, clone.dequeue().await.unwrap())
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    queue.enqueue(&tea(1)).await.unwrap();
    assert_eq!(consumer.await.unwrap(), (tea(1), tea(1)));

    assert_eq!(queue.enqueue_batch(&[tea(1), tea(2), tea(3), tea(4)]).await.unwrap(), 3);
    let (value, full) = (tea(4), pin!(tokio::time::sleep(Duration::from_millis(10))));
    assert!(matches!(
        futures_util::future::select(pin!(queue.enqueue(&value)), full).await,
        futures_util::future::Either::Right(_)
    ));
    let batch = queue.take_batch(2).await.unwrap();
    let values: Vec<_> = batch.into_iter().map(|order| order.unwrap().release().unwrap()).collect();
    assert_eq!(values, [tea(1), tea(2)]);
    assert_eq!(queue.bytes().get_ref().len().unwrap(), 1);
}

#[tokio::test]
async fn what_is_no_value_is_told_and_keeps_nobody_from_the_rest() {
    let place = Place::new();
    let queue = orders(&place);
    queue.bytes().enqueue("no order").await.unwrap();
    queue.enqueue(&tea(1)).await.unwrap();
    assert!(matches!(queue.take().await, Err(Error::Undecodable(message)) if message.bytes() == b"no order"));
    let batch = queue.take_batch(10).await.unwrap();
    assert!(matches!(batch.as_slice(), [Err(Error::Undecodable(_)), Ok(_)]));
    drop(batch);

    let letters = place.options().open("letters").unwrap();
    let queue: AsyncTyped<Order, Json> = Typed::<Order, Json>::from(place.open(3)).dead_letters(letters, 4).into();
    let mut stream = queue.stream();
    assert!(matches!(stream.next().await, Some(Err(Error::Undecodable(_))))); // for the third time
    assert_eq!(stream.next().await.unwrap().unwrap().release().unwrap(), tea(1));
    assert_eq!(place.options().open("letters").unwrap().dequeue().unwrap().unwrap(), b"no order");
}
