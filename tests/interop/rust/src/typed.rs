//! put-typed, get-typed: a value in a format that all languages have, `json` or `struct`.

use std::fmt::{self, Display};
use std::time::Duration;

use cqueue::{Error, Format, Json, Mode, Pod, Typed};
use serde::{Deserialize, Serialize};

use crate::look::hex;
use crate::options::Options;
use crate::{Outcome, attach};

#[derive(Serialize, Deserialize)]
struct Item {
    id: i32,
    name: String,
    price: f64,
}

/// `struct { int32_t id; double price; char name[8]; }`
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Plain {
    id: i32,
    padding: [u8; 4],
    price: f64,
    name: [u8; 8],
}

impl Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.id, self.name, self.price)
    }
}

impl Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        write!(
            f,
            "{} {} {}",
            self.id,
            name.trim_end_matches('\0'),
            self.price
        )
    }
}

fn open<T, F: Format<T>>(options: &Options) -> Result<Typed<T, F>, Box<dyn std::error::Error>> {
    Ok(attach(options, Mode::Attach)?.into())
}

pub fn put(options: &Options) -> Outcome {
    match options.text("format")? {
        "json" => send::<Item, Json>(
            options,
            &Item {
                id: 7,
                name: "tea".into(),
                price: 2.5,
            },
        ),
        "struct" => send::<Plain, Pod>(
            options,
            &Plain {
                id: 7,
                padding: [0; 4],
                price: 2.5,
                name: *b"tea\0\0\0\0\0",
            },
        ),
        other => Err(format!("no such format: {other}").into()),
    }
}

pub fn get(options: &Options) -> Outcome {
    match options.text("format")? {
        "json" => receive::<Item, Json>(options),
        "struct" => receive::<Plain, Pod>(options),
        other => Err(format!("no such format: {other}").into()),
    }
}

fn send<T, F: Format<T>>(options: &Options, value: &T) -> Outcome {
    let queue = open::<T, F>(options)?;
    for _ in 0..options.number("count")? {
        queue.enqueue(value)?;
    }
    Ok(())
}

fn receive<T: Display, F: Format<T>>(options: &Options) -> Outcome {
    let queue = open::<T, F>(options)?;
    for _ in 0..options.number("count")? {
        match queue.take_wait(Duration::from_secs(10)) {
            Ok(taken) => {
                let taken = taken.ok_or("no value came for 10 s")?;
                println!("{}", taken.value());
                taken.release()?;
            }
            Err(Error::Undecodable(message)) => println!("undecodable {}", hex(message.bytes())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
