//! Results of the C interface as errors: a variant for each, with the queue's name and a sentence on what to do.
//!
//! The words are the library's, so that they are the same in every language, but for names of C's.

use std::ffi::{CStr, c_int};
use std::sync::Arc;
use std::{fmt, io};

use crate::Undecodable;
use crate::options::Target;
use crate::words::in_rust;
use cqueue_sys as sys;

/// What is known about an error beside its kind.
#[derive(Clone)]
pub struct Details {
    result: c_int,
    target: Arc<Target>,
    size: usize,
    /// None: the library is asked when somebody wants to read it. Running full is ordinary, and often nobody does.
    text: Option<Box<str>>,
    message: Option<Arc<Vec<u8>>>,
}

impl Details {
    /// The result of the C interface (`CQ_E...`); 0 for [`Error::Undecodable`], which it does not have.
    pub fn result(&self) -> i32 {
        self.result
    }

    /// The name of the queue.
    pub fn queue(&self) -> &str {
        self.target.name()
    }

    /// [`Error::TooSmall`]: the bytes that the message needs. [`Error::TooBig`]: the bytes that were asked for. [`Error::Io`]
    /// of `dequeue_into`: those of the message in the buffer; of a batch: how many messages were appended or removed. Else 0.
    pub fn size(&self) -> usize {
        self.size
    }

    /// [`Error::Io`] of `dequeue`: the message, which is in the queue no more. So is the value's message, of a
    /// [`Typed`](crate::Typed) queue.
    pub fn message(&self) -> Option<&[u8]> {
        self.message.as_ref().map(|message| message.as_slice())
    }
}

impl Details {
    /// What this crate has to say.
    pub(crate) fn own(result: c_int, target: &Arc<Target>, text: fmt::Arguments<'_>) -> Self {
        let text = Some(format!("\"{}\": {text}", target.name()).into());
        Self { result, target: Arc::clone(target), size: 0, text, message: None }
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => f.write_str(&explain(self.result, &self.target, self.size)),
        }
    }
}

/// "1 byte", "2 bytes".
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What was asked, what was found and what to do.
fn explain(result: c_int, target: &Target, size: usize) -> String {
    let config = target.config();
    let mut text = vec![0_u8; 512];
    loop {
        // SAFETY: the name ends with a 0, the config and `text` live until the call is over, and their sizes are true.
        let length =
            unsafe { sys::cq_explain(result, target.name_ptr(), &config, size, text.as_mut_ptr().cast(), text.len()) };
        if length < text.len() {
            text.truncate(length);
            return in_rust(String::from_utf8_lossy(&text).into_owned());
        }
        text.resize(length + 1, 0);
    }
}

macro_rules! errors {
    ($($(#[doc = $text:literal])+ $variant:ident = $result:ident, $kind:ident;)+) => {
        /// Why something did not work.
        ///
        /// Each variant is one result of the C interface, as `cqueue.h` lists them. Printed, it says which queue, what was
        /// asked, what was found and what to do: `"orders": region has capacity 4096, asked for 1024: ...`.
        ///
        /// That no message is waiting is no error: where it may happen, there is an `Option`.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[doc = $text])+ $variant(Details),)+
            /// A message is no value of a [`Typed`](crate::Typed) queue's type. It has the message's bytes.
            Undecodable(Box<Undecodable>),
            /// A result that a newer library has and this crate does not know.
            Unknown(Details),
        }

        impl Error {
            fn from_details(details: Details) -> Self {
                match details.result {
                    $(sys::$result => Self::$variant(details),)+
                    _ => Self::Unknown(details),
                }
            }

            /// What is known beside the kind.
            pub fn details(&self) -> &Details {
                match self {
                    $(Self::$variant(details) => details,)+
                    Self::Undecodable(undecodable) => undecodable.details(),
                    Self::Unknown(details) => details,
                }
            }

            /// The name that the result has in C, `CQ_EMISMATCH`; of [`Error::Undecodable`], `UNDECODABLE`.
            pub fn c_name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($result),)+
                    Self::Undecodable(_) => "UNDECODABLE",
                    Self::Unknown(_) => "unknown result",
                }
            }

            /// The kind of the [`io::Error`] that it turns into.
            pub fn kind(&self) -> io::ErrorKind {
                match self {
                    $(Self::$variant(_) => io::ErrorKind::$kind,)+
                    Self::Undecodable(_) => io::ErrorKind::InvalidData,
                    Self::Unknown(_) => io::ErrorKind::Other,
                }
            }
        }
    };
}

errors! {
    /// No room: `capacity` messages are waiting, or (see the header) every node is in use.
    Full = CQ_FULL, WouldBlock;
    /// Timed out, and the queue is full still.
    Timeout = CQ_TIMEOUT, TimedOut;
    /// [`Queue::cancel`](crate::Queue::cancel) ended the wait.
    Cancelled = CQ_CANCELLED, Other;
    /// The call would have to wait, and the queue was removed: nobody who opens it by name meets this handle any more. Open it
    /// again. What need not wait goes on as ever, and with
    /// [`Options::keep_unlinked`](crate::Options::keep_unlinked) waits do as well.
    Stale = CQ_STALE, NotFound;
    /// The source has come to this number before, so that the message was enqueued then: see
    /// [`Queue::enqueue_from`](crate::Queue::enqueue_from).
    Duplicate = CQ_DUPLICATE, AlreadyExists;
    /// An option is out of range.
    Invalid = CQ_EINVAL, InvalidInput;
    /// The name is not `[A-Za-z0-9][A-Za-z0-9._-]{0,199}`.
    Name = CQ_ENAME, InvalidInput;
    /// There is no queue of that name, or no such directory.
    NotFound = CQ_ENOENT, NotFound;
    /// [`Mode::Exclusive`](crate::Mode::Exclusive), and the queue exists.
    Exists = CQ_EEXIST, AlreadyExists;
    /// The region's capacity, largest message or another property differs from what was asked for.
    Mismatch = CQ_EMISMATCH, InvalidData;
    /// The region has another format version, word size or byte order.
    Version = CQ_EVERSION, Unsupported;
    /// The bytes of the region contradict each other.
    Corrupt = CQ_ECORRUPT, InvalidData;
    /// The system refuses access, or the file is not a regular file.
    Access = CQ_EACCESS, PermissionDenied;
    /// The file is somebody else's, or writable by more users than asked for: it is not trusted.
    Owner = CQ_EOWNER, PermissionDenied;
    /// The filesystem has no room for another part of the queue. Nothing was lost, try later.
    NoSpace = CQ_ENOSPACE, StorageFull;
    /// There is no memory or address space left in this process.
    NoMemory = CQ_ENOMEM, OutOfMemory;
    /// 4,094 handles are open on the queue.
    Limit = CQ_ELIMIT, QuotaExceeded;
    /// The buffer is smaller than the message, which stays queued. [`Details::size`] is what it needs.
    TooSmall = CQ_ETOOSMALL, InvalidInput;
    /// The message is larger than the largest allowed, or than what was reserved.
    TooBig = CQ_ETOOBIG, InvalidInput;
    /// The queue was opened with [`Mode::ReadOnly`](crate::Mode::ReadOnly).
    ReadOnly = CQ_EREADONLY, PermissionDenied;
    /// The queue was opened by the parent of this process: open it again.
    Fork = CQ_EFORK, Unsupported;
    /// The message is not held by this handle any more.
    NotHeld = CQ_ENOTHELD, InvalidInput;
    /// The filesystem does not support what a queue needs: name another directory.
    Filesystem = CQ_EFILESYSTEM, Unsupported;
    /// The operating system failed in a way that has no result of its own.
    System = CQ_ESYSTEM, Other;
    /// This process, or the system, may have no more descriptors or threads.
    Process = CQ_EPROCESS, QuotaExceeded;
    /// The queue's file would be larger than this process or the filesystem may make one.
    FileSize = CQ_EFILESIZE, FileTooLarge;
    /// The disk failed, or is full where [`Options::sync`](crate::Options::sync) asks for it: what the call was to do is done,
    /// but may not survive a power cut. [`Queue::sync`](crate::Queue::sync) tries again, and tells why. A message that was
    /// removed is in [`Details::message`], or in the caller's buffer; [`Details::size`] says how much of a batch was done.
    Io = CQ_EIO, Other;
    /// The durable directory serves another region, or another process is just recovering it.
    Busy = CQ_EBUSY, ResourceBusy;
    /// The queue has one consumer at a time, and another handle is it: see
    /// [`Options::exclusive_consumer`](crate::Options::exclusive_consumer).
    Consumer = CQ_ECONSUMER, ResourceBusy;
    /// The queue knows 64 sources, and this is none of them.
    Sources = CQ_ESOURCES, QuotaExceeded;
    /// The headers are not in order: a key is not 1 to 255 bytes of UTF-8 without a 0.
    Headers = CQ_EHEADERS, InvalidInput;
    /// The queue was not created for this: see [`Options::max_headers`](crate::Options::max_headers) and
    /// [`Options::enqueue_times`](crate::Options::enqueue_times).
    Feature = CQ_EFEATURE, Unsupported;
}

impl Error {
    /// What the library said. `size`: of the message that was asked for, or that it needs.
    #[cold]
    pub(crate) fn new(result: c_int, target: &Arc<Target>, size: usize) -> Self {
        let ordinary = result > 0;
        let text = (!ordinary).then(|| explain(result, target, size).into());
        Self::from_details(Details { result, target: Arc::clone(target), size, text, message: None })
    }

    /// What was to be done is done, and this was the message: nobody else has it.
    #[cold]
    pub(crate) fn with_message(mut self, message: Vec<u8>) -> Self {
        if let Self::Io(details) = &mut self {
            details.message = Some(Arc::new(message));
        }
        self
    }

    /// For signal handlers: allocates nothing. The library is asked for its words when somebody wants to read them.
    #[cold]
    pub(crate) fn in_handler(result: c_int, target: &Arc<Target>) -> Self {
        Self::from_details(Details { result, target: Arc::clone(target), size: 0, text: None, message: None })
    }

    /// What this crate has to say.
    #[cold]
    pub(crate) fn own(result: c_int, target: &Arc<Target>, text: fmt::Arguments<'_>) -> Self {
        Self::from_details(Details::own(result, target, text))
    }

    /// The meaning of the result, in a few words: `the queue is full`.
    pub fn meaning(&self) -> &'static str {
        if let Self::Undecodable(_) = self {
            return "the message is no value of the queue's type";
        }
        // SAFETY: cq_strerror returns a static string for any number.
        unsafe { CStr::from_ptr(sys::cq_strerror(self.details().result)) }.to_str().unwrap_or_default()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.details().fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Undecodable(undecodable) => std::error::Error::source(&**undecodable),
            _ => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Mode, Options};

    #[test]
    fn an_unknown_result_stays_what_it_is() {
        let target = Arc::new(Options::new().target("orders").unwrap());
        let error = Error::new(-99, &target, 0);
        assert!(matches!(error, Error::Unknown(_)));
        assert_eq!(error.details().result(), -99);
        assert_eq!(error.meaning(), "unknown result");
        assert_eq!(error.to_string(), "\"orders\": unknown result");
    }

    #[test]
    fn a_result_is_small() {
        assert!(size_of::<Result<(), Error>>() <= 56);
    }

    /// What a Rust programmer reads has no words of C's interface in it.
    #[test]
    fn every_error_speaks_rust() {
        let place = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = || Options::new().directory(place.path());
        let _queue = options().capacity(1).open("words").unwrap();
        let all = [
            options(),
            options().mode(Mode::Exclusive),
            options().mode(Mode::ReadOnly),
            options().mode(Mode::ReadOnly).sync(true),
            options().mode(Mode::Attach).exclusive_consumer(true),
            options().enqueue_times(true),
            options().max_headers(10),
            options().max_headers(1 << 20),
            options().durable(true),
            options().durable_directory("/nowhere/at/all"),
            options().max_deliveries(3, "dead"),
            options().max_deliveries(300, "dead"),
            options().time_to_live(Duration::from_secs(1)),
            options().capacity(1 << 40),
            options().max_message_size(1 << 40),
            options().max_held(1 << 40),
            options().permissions(0o111),
            options().trust(true).keep_unlinked(true),
            Options::new().directory("/proc"),
        ];
        for target in all.iter().flat_map(|options| ["words", "other"].map(|name| options.target(name).unwrap())) {
            for result in -40..10 {
                let text = explain(result, &target, 10);
                let foreign = ["CQ_", "cq_", "NULL", "struct_size", "flags has", "sizeof"];
                assert!(!foreign.iter().any(|word| text.contains(word)), "{text}");
            }
        }
    }
}
