//! How values are messages: the formats, and what is known about a message that cannot be decoded.

use std::any::type_name;
use std::sync::Arc;
use std::{error, fmt};

use crate::error::{Details, counted};
use crate::{Error, Headers, Received, events};

/// Why a value cannot be encoded or decoded.
pub type FormatError = Box<dyn error::Error + Send + Sync>;

/// How values of `T` are messages. Implement it for a format of your own.
pub trait Format<T> {
    /// The size of every message, if all have the same. Opening a queue asks for it.
    const SIZE: Option<usize> = None;

    /// Call `then` with the bytes of `value`.
    fn write<R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError>;

    /// The value that `bytes` are. They may be anything: others write into the queue too.
    fn read(bytes: &[u8]) -> Result<T, FormatError>;

    /// The bytes of `value`, for queues that are not [`Typed`](crate::Typed).
    fn to_vec(value: &T) -> Result<Vec<u8>, FormatError> {
        Self::write(value, <[u8]>::to_vec)
    }
}

/// Any type that serde knows as JSON, one value a message: what every language's binding can read and write.
#[cfg(feature = "serde")]
#[derive(Debug)]
pub enum Json {}

#[cfg(feature = "serde")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> Format<T> for Json {
    fn write<R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError> {
        Ok(then(&serde_json::to_vec(value)?))
    }

    fn read(bytes: &[u8]) -> Result<T, FormatError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

/// Plain structs as they lie in memory, which is how C has them if they are `#[repr(C)]`: the fixed binary format of all
/// languages' bindings. Padding is written out as a field, because its bytes go into the message too:
///
/// ```
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(C)]
/// struct Order { id: i32, padding: [u8; 4], price: f64, name: [u8; 8] }
/// ```
#[cfg(feature = "bytemuck")]
#[derive(Debug)]
pub enum Pod {}

#[cfg(feature = "bytemuck")]
impl<T: bytemuck::NoUninit + bytemuck::CheckedBitPattern> Format<T> for Pod {
    const SIZE: Option<usize> = Some(size_of::<T>());

    #[inline]
    fn write<R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError> {
        Ok(then(bytemuck::bytes_of(value)))
    }

    #[inline]
    fn read(bytes: &[u8]) -> Result<T, FormatError> {
        bytemuck::checked::try_pod_read_unaligned(bytes).map_err(|error| error.to_string().into())
    }
}

/// Any type that serde knows, in the compact [postcard](https://docs.rs/postcard) format, which is Rust's own.
#[cfg(feature = "postcard")]
#[derive(Debug)]
pub enum Postcard {}

#[cfg(feature = "postcard")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> Format<T> for Postcard {
    fn write<R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> Result<R, FormatError> {
        Ok(then(&postcard::to_allocvec(value).map_err(|error| error.to_string())?))
    }

    fn read(bytes: &[u8]) -> Result<T, FormatError> {
        match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(format!("left over: {} of {}", rest.len(), counted(bytes.len(), "byte")).into()),
            Err(error) => Err(error.to_string().into()),
        }
    }
}

/// A message that cannot be decoded: its bytes, and why. The error's source is what the format said.
#[derive(Clone, Debug)]
pub struct Undecodable {
    details: Details,
    bytes: Arc<[u8]>,
    position: u64,
    deliveries: u32,
    headers: Headers,
    reason: Arc<dyn error::Error + Send + Sync>,
}

impl Undecodable {
    fn new<T>(message: &Received<'_>, reason: FormatError) -> Self {
        let (size, name) = (counted(message.len(), "byte"), type_name::<T>());
        let text = format_args!(
            "a message of {size} is no {name}: {reason}: somebody else writes other things into the queue"
        );
        let undecodable = Self {
            details: Details::own(0, message.loan().handle.target(), text),
            bytes: Arc::from(&**message),
            position: message.position(),
            deliveries: message.deliveries(),
            headers: message.headers().unwrap_or_default(),
            reason: Arc::from(reason),
        };
        events::undecodable(&undecodable);
        undecodable
    }

    /// The message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Identifies the message, also when it is delivered again.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How often it was delivered by now.
    pub fn deliveries(&self) -> u32 {
        self.deliveries
    }

    /// The message's headers.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The queue.
    pub fn details(&self) -> &Details {
        &self.details
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.details.fmt(f)
    }
}

impl error::Error for Undecodable {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.reason)
    }
}

/// A value, and the message that it was decoded from, which is still taken.
///
/// [`Taken::release`] says that it is done with. Dropped in any other way it is given back, as a [`Received`].
#[derive(Debug)]
#[must_use = "dropped, it is given back: release it when it is done with"]
pub struct Taken<'q, T> {
    value: T,
    message: Received<'q>,
}

impl<'q, T> Taken<'q, T> {
    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value and its message, each on its own.
    pub fn into_parts(self) -> (T, Received<'q>) {
        (self.value, self.message)
    }

    /// How often it was delivered, and other things about it.
    pub fn message(&self) -> &Received<'q> {
        &self.message
    }

    /// Done with it: the message is gone, the value is the caller's.
    pub fn release(self) -> Result<T, Error> {
        let copy = self.message.is_synced().then(|| self.message.to_vec()); // in case that only the disk fails
        match self.message.release() {
            Ok(()) => Ok(self.value),
            Err(error) => Err(error.with_message(copy.unwrap_or_default())),
        }
    }

    /// Not done with it: it is delivered again, before newer messages.
    pub fn give_back(self) -> Result<(), Error> {
        self.message.give_back()
    }

    /// Free of the borrow of the queue, as [`Received::into_owned`].
    pub fn into_owned(self) -> Taken<'static, T> {
        Taken { value: self.value, message: self.message.into_owned() }
    }
}

impl<'q> Received<'q> {
    /// The value that the message is in the format `F`: for streams, and for queues of several types.
    ///
    /// A message that is none is given back, and [`Error::Undecodable`] has a copy of it.
    ///
    #[cfg_attr(feature = "serde", doc = "```")]
    #[cfg_attr(not(feature = "serde"), doc = "```ignore")]
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// queue.enqueue(r#"["tea", 3]"#)?;
    /// for message in queue.try_iter() {
    ///     let order = message?.decode::<(String, u32), cqueue::Json>()?;
    ///     assert_eq!(order.value().0, "tea");
    ///     order.release()?;
    /// }
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn decode<T, F: Format<T>>(self) -> Result<Taken<'q, T>, Error> {
        self.try_decode::<T, F>().map_err(|(undecodable, _)| Error::Undecodable(undecodable))
    }

    /// The message as well, if it is no value.
    pub(crate) fn try_decode<T, F: Format<T>>(self) -> Result<Taken<'q, T>, (Box<Undecodable>, Self)> {
        match F::read(&self) {
            Ok(value) => Ok(Taken { value, message: self }),
            Err(reason) => Err((Box::new(Undecodable::new::<T>(&self, reason)), self)),
        }
    }
}
