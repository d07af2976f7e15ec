//! A queue of values of one type, and what becomes of messages that are none.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use crate::{Error, Format, Headers, Options, Queue, Received, Taken, Undecodable};
use cqueue_sys as sys;

/// What is done with a message that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is given back, and the call returns [`Error::Undecodable`].
    GiveBack,
    /// It is released, and the call goes on with the next one.
    Drop,
}

type Hook = Box<dyn Fn(&Undecodable) -> Result<Verdict, Error> + Send + Sync>;

/// A queue of values of one type.
///
/// A message that is none of them came in another way. By default it stays: it is given back, and the call returns
/// [`Error::Undecodable`], which has its bytes. As it comes first again, somebody has to decide what becomes of it:
/// [`Typed::dead_letters`] and [`Typed::on_undecodable`] do.
///
#[cfg_attr(feature = "serde", doc = "```")]
#[cfg_attr(not(feature = "serde"), doc = "```ignore")]
/// use cqueue::{Json, Options, Typed};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Order { id: u64, item: String }
///
/// # let directory = tempfile::tempdir_in("/dev/shm").unwrap();
/// # let options = Options::new().directory(directory.path());
/// let orders = Typed::<Order, Json>::open("orders", options)?;
/// orders.enqueue(&Order { id: 1, item: "tea".into() })?;
/// if let Some(order) = orders.take()? {
///     assert_eq!(order.value().item, "tea");
///     order.release()?;
/// }
/// # Ok::<(), cqueue::Error>(())
/// ```
pub struct Typed<T, F> {
    queue: Queue,
    codec: Codec<T, F>,
}

/// How values become messages and messages values.
pub(crate) struct Codec<T, F> {
    hook: Option<Hook>,
    what: PhantomData<fn(T, F) -> T>,
}

impl<T, F: Format<T>> Typed<T, F> {
    /// Open the queue `name`. A format whose messages all have one size replaces [`Options::max_message_size`] by it.
    pub fn open(name: &str, mut options: Options) -> Result<Self, Error> {
        if let Some(size) = F::SIZE {
            options = options.max_message_size(size as u64);
        }
        options.open(name).map(Self::from)
    }

    /// Have `hook` decide about each message that cannot be decoded. If it fails, the message is given back, and the call
    /// returns what it failed with.
    pub fn on_undecodable(
        mut self,
        hook: impl Fn(&Undecodable) -> Result<Verdict, Error> + Send + Sync + 'static,
    ) -> Self {
        self.codec.hook = Some(Box::new(hook));
        self
    }

    /// Put messages that cannot be decoded, and were delivered `max_deliveries` times, into the queue `letters`. Their headers
    /// go along, and why they are there (cq-dead-letter: undecodable, cq-queue, cq-deliveries), if that queue takes them.
    pub fn dead_letters(self, letters: Queue, max_deliveries: u32) -> Self {
        self.on_undecodable(move |message| {
            if message.deliveries() < max_deliveries {
                return Ok(Verdict::GiveBack);
            }
            bury(&letters, message)?;
            Ok(Verdict::Drop)
        })
    }

    /// Append a value, as [`Queue::enqueue`].
    pub fn enqueue(&self, value: &T) -> Result<(), Error> {
        self.codec.write(&self.queue, value, |bytes| self.queue.enqueue(bytes))
    }

    /// Append a value, as [`Queue::enqueue_wait`].
    pub fn enqueue_wait(&self, value: &T, timeout: impl Into<Option<Duration>>) -> Result<(), Error> {
        self.codec.write(&self.queue, value, |bytes| self.queue.enqueue_wait(bytes, timeout))
    }

    /// Append a value with headers, as [`Queue::enqueue_with`].
    pub fn enqueue_with(&self, value: &T, headers: &Headers) -> Result<(), Error> {
        self.codec.write(&self.queue, value, |bytes| self.queue.enqueue_with(bytes, headers))
    }

    /// Append a value that comes from elsewhere, exactly once, as [`Queue::enqueue_from`].
    pub fn enqueue_from(&self, value: &T, headers: &Headers, source: &str, number: u64) -> Result<(), Error> {
        self.codec.write(&self.queue, value, |bytes| self.queue.enqueue_from(bytes, headers, source, number))
    }

    /// Append values, as [`Queue::enqueue_batch`]. None is, if one of them cannot be encoded.
    pub fn enqueue_batch(&self, values: &[T]) -> Result<usize, Error> {
        self.queue.enqueue_batch(&self.codec.to_vecs(&self.queue, values)?)
    }

    /// Take the oldest value, as [`Queue::take`].
    pub fn take(&self) -> Result<Option<Taken<'_, T>>, Error> {
        self.take_wait(Duration::ZERO)
    }

    /// Take the oldest value, as [`Queue::take_wait`].
    pub fn take_wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<Taken<'_, T>>, Error> {
        let deadline = timeout.into().and_then(|timeout| Instant::now().checked_add(timeout)); // None: never
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let Some(message) = self.queue.take_wait(left)? else { return Ok(None) };
            if let Some(taken) = self.codec.decode(message)? {
                return Ok(Some(taken));
            }
        }
    }

    /// Take up to `limit` of the oldest values, as [`Queue::take_batch`]. Messages that cannot be decoded keep nobody from
    /// the others: each has an error in its place.
    pub fn take_batch(&self, limit: usize) -> Result<Vec<Result<Taken<'_, T>, Error>>, Error> {
        Ok(self.codec.decode_all(self.queue.take_batch(limit)?))
    }

    /// As [`Typed::take_batch`] and [`Queue::take_batch_wait`].
    pub fn take_batch_wait(
        &self,
        limit: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Vec<Result<Taken<'_, T>, Error>>, Error> {
        Ok(self.codec.decode_all(self.queue.take_batch_wait(limit, timeout)?))
    }

    /// Remove the oldest value, as [`Queue::dequeue`].
    pub fn dequeue(&self) -> Result<Option<T>, Error> {
        self.take()?.map(Taken::release).transpose()
    }

    /// Remove the oldest value, as [`Queue::dequeue_wait`].
    pub fn dequeue_wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<T>, Error> {
        self.take_wait(timeout)?.map(Taken::release).transpose()
    }

    /// The queue of bytes behind it, for everything else.
    pub fn bytes(&self) -> &Queue {
        &self.queue
    }

    /// Give the queue of bytes back.
    pub fn into_bytes(self) -> Queue {
        self.queue
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn into_parts(self) -> (Queue, Codec<T, F>) {
        (self.queue, self.codec)
    }
}

fn bury(letters: &Queue, message: &Undecodable) -> Result<(), Error> {
    let why: Headers = [
        ("cq-dead-letter".into(), b"undecodable".to_vec()),
        ("cq-queue".into(), message.details().queue().into()),
        ("cq-deliveries".into(), message.deliveries().to_string().into()),
    ]
    .into();
    let mut all = why.clone();
    all.extend(message.headers().clone());
    for headers in [all, why] {
        match letters.enqueue_with(message.bytes(), &headers) {
            Err(Error::Feature(_) | Error::TooBig(_)) => {}
            done => return done,
        }
    }
    letters.enqueue(message.bytes())
}

impl<T, F: Format<T>> Codec<T, F> {
    pub(crate) fn write<R>(
        &self,
        queue: &Queue,
        value: &T,
        then: impl FnOnce(&[u8]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        F::write(value, then).unwrap_or_else(|error| {
            let text = format_args!("a value of {} cannot be encoded: {error}", type_name::<T>());
            Err(Error::own(sys::CQ_EINVAL, queue.handle().target(), text))
        })
    }

    /// None: the hook had it dropped.
    pub(crate) fn decode<'q>(&self, message: Received<'q>) -> Result<Option<Taken<'q, T>>, Error> {
        let (undecodable, message) = match message.try_decode::<T, F>() {
            Ok(taken) => return Ok(Some(taken)),
            Err(undecodable) => undecodable,
        };
        match self.hook.as_ref().map_or(Ok(Verdict::GiveBack), |hook| hook(&undecodable))? {
            Verdict::GiveBack => {
                message.give_back()?;
                Err(Error::Undecodable(undecodable))
            }
            Verdict::Drop => message.release().map(|()| None),
        }
    }

    /// All were taken before one is given back: it does not come twice.
    pub(crate) fn decode_all<'q>(&self, messages: Vec<Received<'q>>) -> Vec<Result<Taken<'q, T>, Error>> {
        messages.into_iter().filter_map(|message| self.decode(message).transpose()).collect()
    }

    pub(crate) fn to_vecs(&self, queue: &Queue, values: &[T]) -> Result<Vec<Vec<u8>>, Error> {
        values.iter().map(|value| self.write(queue, value, |bytes| Ok(bytes.to_vec()))).collect()
    }
}

/// A queue that was opened already.
impl<T, F: Format<T>> From<Queue> for Typed<T, F> {
    fn from(queue: Queue) -> Self {
        Self { queue, codec: Codec { hook: None, what: PhantomData } }
    }
}

impl<T, F> fmt::Debug for Typed<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("queue", &self.queue).finish_non_exhaustive()
    }
}
