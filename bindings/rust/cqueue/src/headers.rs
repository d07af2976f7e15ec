//! What goes along with messages: headers, where they come from, when they came.
//!
//! It owns the format of headers, which is that of the C library: for each the key's length (1 byte), the value's (2 bytes,
//! little-endian), the key, the value.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{ptr, slice};

use crate::error::counted;
use crate::handle::Handle;
use crate::look::time;
use crate::options::Target;
use crate::queue::nanoseconds;
use crate::{Error, Queue};
use cqueue_sys as sys;

/// What goes along with a message, beside its bytes: what kind of thing it is, where it comes from, what traces it. Keys are 1
/// to 255 bytes of UTF-8 without a 0, values any bytes, 65,535 at most. Messages have headers if the queue was created with
/// [`Options::max_headers`](crate::Options::max_headers).
pub type Headers = BTreeMap<String, Vec<u8>>;

/// The library says what else is wrong with them.
pub(crate) fn write(headers: &Headers, target: &Arc<Target>) -> Result<Vec<u8>, Error> {
    let mut written = Vec::new();
    for (key, value) in headers {
        let (Ok(key_size), Ok(value_size)) = (u8::try_from(key.len()), u16::try_from(value.len())) else {
            let text = format_args!(
                "a header has a key of {} and a value of {}: at most 255 and 65535 are possible",
                counted(key.len(), "byte"),
                value.len()
            );
            return Err(Error::own(sys::CQ_EHEADERS, target, text));
        };
        written.push(key_size);
        written.extend_from_slice(&value_size.to_le_bytes());
        written.extend_from_slice(key.as_bytes());
        written.extend_from_slice(value);
    }
    Ok(written)
}

/// What is not well formed, which nobody who keeps to the library writes, is left out.
pub(crate) fn parse(mut written: &[u8]) -> Headers {
    let mut headers = Headers::new();
    while let [key_size, low, high, rest @ ..] = written {
        let (key_size, value_size) = (usize::from(*key_size), usize::from(u16::from_le_bytes([*low, *high])));
        let Some((header, rest)) = rest.split_at_checked(key_size + value_size) else { break };
        let (key, value) = header.split_at(key_size);
        headers.insert(String::from_utf8_lossy(key).into_owned(), value.to_vec());
        written = rest;
    }
    headers
}

/// Valid as long as the message's data, of which this is not told: the caller keeps to it.
pub(crate) fn raw_of_message<'m>(handle: &Handle, message: &'m sys::cq_message) -> Result<&'m [u8], Error> {
    let mut headers = sys::cq_slice { data: ptr::null_mut(), size: 0 };
    // SAFETY: the message is held by the handle or shown by it, and headers is writable.
    match unsafe { sys::cq_headers(handle.raw(), message, &mut headers) } {
        sys::CQ_OK if headers.size > 0 => {
            // SAFETY: they are readable for their size as long as the message is held or shown.
            Ok(unsafe { slice::from_raw_parts(headers.data.cast(), headers.size) })
        }
        sys::CQ_OK | sys::CQ_EFEATURE => Ok(&[]),
        result => Err(handle.error(result, 0)),
    }
}

pub(crate) fn of_message(handle: &Handle, message: &sys::cq_message) -> Result<Headers, Error> {
    raw_of_message(handle, message).map(parse)
}

pub(crate) fn time_of_message(handle: &Handle, message: &sys::cq_message) -> Result<Option<SystemTime>, Error> {
    let mut when = 0;
    // SAFETY: as above.
    match unsafe { sys::cq_enqueue_time(handle.raw(), message, &mut when) } {
        sys::CQ_OK => Ok(Some(time(when))),
        sys::CQ_EFEATURE => Ok(None),
        result => Err(handle.error(result, 0)),
    }
}

/// # Safety
/// `name` ends with a 0, `context` is the map that was given to cq_sources.
unsafe extern "C" fn list(name: *const c_char, number: u64, context: *mut c_void) -> c_int {
    // SAFETY: as promised above; nobody else uses the map meanwhile.
    let (all, name) = unsafe { (&mut *context.cast::<BTreeMap<String, u64>>(), CStr::from_ptr(name)) };
    all.insert(name.to_string_lossy().into_owned(), number);
    0
}

impl Queue {
    /// Append a message with headers. Never blocks. [`Error::Feature`]: the queue was not created with
    /// [`Options::max_headers`](crate::Options::max_headers). [`Error::TooBig`] may also mean the headers, [`Error::Headers`]
    /// that they are not in order.
    ///
    /// ```
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let options = cqueue::Options::new().directory(directory.path());
    /// let queue = options.max_headers(200).open("orders")?;
    /// queue.enqueue_with("tea", &[("content-type".into(), b"text/plain".to_vec())].into())?;
    /// let order = queue.take()?.unwrap();
    /// assert_eq!(order.headers()?["content-type"], b"text/plain");
    /// order.release()?;
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn enqueue_with(&self, message: impl AsRef<[u8]>, headers: &Headers) -> Result<(), Error> {
        match self.enqueue_with_wait(message, headers, Duration::ZERO) {
            Err(Error::Timeout(_)) => Err(self.error(sys::CQ_FULL, 0)),
            other => other,
        }
    }

    /// As [`Queue::enqueue_with`] and [`Queue::enqueue_wait`].
    pub fn enqueue_with_wait(
        &self,
        message: impl AsRef<[u8]>,
        headers: &Headers,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), Error> {
        let (message, headers) = (message.as_ref(), write(headers, self.handle().target())?);
        let timeout = nanoseconds(timeout.into());
        // SAFETY: message and headers are readable for their sizes until the call is over.
        let result = unsafe { sys::cq_enqueue_message(self.raw(), &outgoing(message, &headers), timeout) };
        self.check(result, message.len())
    }

    /// Append a message that comes from elsewhere, exactly once: it is enqueued, and its source's number raised to this one, in
    /// one step, whatever happens to this process. A source is whatever the caller names so: a stream, a partition, a file.
    /// The queue remembers a number for each, 64 at most, which begins at 0 and only rises. Never blocks.
    ///
    /// [`Error::Duplicate`]: the number is not above the source's, so that the message was enqueued before. Whoever feeds a
    /// queue asks for the number with [`Queue::source`], and goes on behind it. Several may feed the same messages in the
    /// same order: each is enqueued once.
    ///
    /// ```
    /// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    /// # let queue = cqueue::Options::new().directory(directory.path()).open("orders")?;
    /// let lines = ["tea", "milk", "sugar"]; // of a file, say
    /// for number in queue.source("orders.txt")? + 1..=lines.len() as u64 {
    ///     queue.enqueue_from(lines[number as usize - 1], &Default::default(), "orders.txt", number)?;
    /// }
    /// assert_eq!(queue.source("orders.txt")?, 3);
    /// # Ok::<(), cqueue::Error>(())
    /// ```
    pub fn enqueue_from(
        &self,
        message: impl AsRef<[u8]>,
        headers: &Headers,
        source: &str,
        number: u64,
    ) -> Result<(), Error> {
        self.feed(message.as_ref(), headers, source, |queue, message, source| {
            // SAFETY: the message and what it points to live until the call is over, and the source ends with a 0.
            unsafe { sys::cq_enqueue_from(queue, message, source, number) }
        })
    }

    /// As [`Queue::enqueue_from`] and [`Queue::enqueue_wait`].
    pub fn enqueue_from_wait(
        &self,
        message: impl AsRef<[u8]>,
        headers: &Headers,
        source: &str,
        number: u64,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), Error> {
        let timeout = nanoseconds(timeout.into());
        self.feed(message.as_ref(), headers, source, |queue, message, source| {
            // SAFETY: as above.
            unsafe { sys::cq_enqueue_from_wait(queue, message, source, number, timeout) }
        })
    }

    fn feed(
        &self,
        message: &[u8],
        headers: &Headers,
        source: &str,
        enqueue: impl FnOnce(*mut sys::cq_queue, *const sys::cq_outgoing, *const c_char) -> c_int,
    ) -> Result<(), Error> {
        let (source, headers) = (self.source_name(source)?, write(headers, self.handle().target())?);
        let result = enqueue(self.raw(), &outgoing(message, &headers), source.as_ptr());
        self.check(result, message.len())
    }

    /// The number that a source has come to; 0 if the queue does not know it.
    pub fn source(&self, source: &str) -> Result<u64, Error> {
        let (source, mut number) = (self.source_name(source)?, 0);
        // SAFETY: the source ends with a 0 and number is writable.
        self.check(unsafe { sys::cq_source(self.raw(), source.as_ptr(), &mut number) }, 0)?;
        Ok(number)
    }

    /// The numbers of all sources that the queue knows.
    pub fn sources(&self) -> Result<BTreeMap<String, u64>, Error> {
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        // SAFETY: the callback gets the map, which lives until the call is over.
        self.check(unsafe { sys::cq_sources(self.raw(), Some(list), (&raw mut all).cast()) }, 0)?;
        Ok(all)
    }

    /// Raise a source's number without a message: what comes from there up to this number is not wanted.
    /// [`Error::Duplicate`]: it is as high already.
    pub fn raise_source(&self, source: &str, number: u64) -> Result<(), Error> {
        let source = self.source_name(source)?;
        // SAFETY: the source ends with a 0.
        self.check(unsafe { sys::cq_raise_source(self.raw(), source.as_ptr(), number) }, 0)
    }

    fn source_name(&self, source: &str) -> Result<CString, Error> {
        CString::new(source).ok().filter(|_| (1..=200).contains(&source.len())).ok_or_else(|| {
            let text = format_args!(
                "a source's name has {}: 1 to 200 are possible, and no byte 0",
                counted(source.len(), "byte")
            );
            Error::own(sys::CQ_EINVAL, self.handle().target(), text)
        })
    }
}

fn outgoing(message: &[u8], headers: &[u8]) -> sys::cq_outgoing {
    sys::cq_outgoing {
        struct_size: size_of::<sys::cq_outgoing>() as u32,
        reserved: 0,
        data: message.as_ptr().cast(),
        size: message.len(),
        headers: headers.as_ptr().cast(),
        headers_size: headers.len(),
    }
}
