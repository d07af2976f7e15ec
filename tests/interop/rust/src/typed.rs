//! put-typed, get-typed: one value in a format that all languages have, `json` or `struct`.

use std::fmt::Debug;
use std::time::Duration;

use cqueue::{Format, Json, Mode, Pod, Typed};
use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::{Outcome, attach};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u64,
    name: String,
    price: f64,
}

/// `struct { int32_t id; double price; char name[8]; }`
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Plain {
    id: i32,
    padding: [u8; 4],
    price: f64,
    name: [u8; 8],
}

fn item() -> Item {
    Item {
        id: 7,
        name: "tea".into(),
        price: 2.5,
    }
}

const PLAIN: Plain = Plain {
    id: 7,
    padding: [0; 4],
    price: 2.5,
    name: *b"tea\0\0\0\0\0",
};

fn open<T, F: Format<T>>(options: &Options) -> Result<Typed<T, F>, Box<dyn std::error::Error>> {
    Ok(attach(options, Mode::Attach)?.into())
}

pub fn put(options: &Options) -> Outcome {
    match options.text("format")? {
        "json" => open::<Item, Json>(options)?.enqueue(&item())?,
        "struct" => open::<Plain, Pod>(options)?.enqueue(&PLAIN)?,
        other => return Err(format!("no such format: {other}").into()),
    }
    Ok(())
}

pub fn get(options: &Options) -> Outcome {
    match options.text("format")? {
        "json" => expect(&open::<Item, Json>(options)?, &item()),
        "struct" => expect(&open::<Plain, Pod>(options)?, &PLAIN),
        other => Err(format!("no such format: {other}").into()),
    }
}

/// Prints `ok` if the next value is the one that `put` sends.
fn expect<T: Debug + PartialEq, F: Format<T>>(queue: &Typed<T, F>, expected: &T) -> Outcome {
    let taken = queue.take_wait(Duration::from_secs(10))?;
    let value = taken.ok_or("no value came for 10 s")?.release()?;
    if value != *expected {
        return Err(format!("got {value:?}").into());
    }
    println!("ok");
    Ok(())
}
