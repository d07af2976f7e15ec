//! A message to another process and its answer: microseconds of a round trip, the median of many.
//!
//! Without a pause both sides are awake or about to be; with one, the other side sleeps for certain when the message comes.

use std::env;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cqueue::{AsyncQueue, Options, Queue};
use cqueue_sys as sys;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::calls::C;
use crate::{Figure, figure, median};

const PAUSE: Duration = Duration::from_micros(300);
/// The last one says that this is the end.
const PING: [u8; 8] = [1; 8];
const END: [u8; 8] = [0; 8];

pub fn figures() -> Vec<Figure> {
    let ping = |name, beside, kind, pause| figure(name, "us", beside, move |directory| ping(kind, directory, pause));
    let awake = Duration::ZERO;
    vec![
        ping("ping-pong, C", "ping-pong, Unix socket", "c", awake),
        ping("ping-pong, take_wait", "ping-pong, C", "threads", awake),
        ping("ping-pong, AsyncQueue in tokio", "ping-pong, C", "tasks", awake),
        ping("ping-pong, Unix socket", "", "socket", awake),
        ping("ping-pong, Unix socket in tokio", "ping-pong, AsyncQueue in tokio", "async-socket", awake),
        ping("ping-pong asleep, C", "ping-pong asleep, Unix socket", "c", PAUSE),
        ping("ping-pong asleep, take_wait", "ping-pong asleep, C", "threads", PAUSE),
        ping("ping-pong asleep, AsyncQueue in tokio", "ping-pong asleep, C", "tasks", PAUSE),
        ping("ping-pong asleep, Unix socket", "", "socket", PAUSE),
        ping("ping-pong asleep, Unix socket in tokio", "ping-pong asleep, AsyncQueue in tokio", "async-socket", PAUSE),
    ]
}

/// One way to send 8 bytes and to receive 8.
enum Line {
    C(C, C),
    Threads(Queue, Queue),
    Tasks(AsyncQueue, AsyncQueue),
    Socket(UnixStream),
    AsyncSocket(tokio::net::UnixStream),
}

impl Line {
    /// The same for both ends, but that `mine` and `theirs` are the other way round.
    fn queues(kind: &str, directory: &Path, mine: &str, theirs: &str) -> Self {
        let open = |name| Options::new().directory(directory).capacity(64).max_message_size(56).open(name).unwrap();
        match kind {
            "c" => Self::C(C::open(directory, mine), C::open(directory, theirs)),
            "threads" => Self::Threads(open(mine), open(theirs)),
            "tasks" => Self::Tasks(open(mine).into(), open(theirs).into()),
            _ => panic!("no such kind: {kind}"),
        }
    }

    fn socket(kind: &str, stream: UnixStream) -> Self {
        if kind == "socket" {
            return Self::Socket(stream);
        }
        stream.set_nonblocking(true).unwrap();
        Self::AsyncSocket(tokio::net::UnixStream::from_std(stream).unwrap())
    }

    async fn send(&mut self, message: [u8; 8]) {
        match self {
            // SAFETY: the message is readable for its size.
            Self::C(_, out) => assert_eq!(unsafe { sys::cq_enqueue(out.0, message.as_ptr().cast(), 8) }, sys::CQ_OK),
            Self::Threads(_, out) => out.enqueue(message).unwrap(),
            Self::Tasks(_, out) => out.enqueue(message).await.unwrap(),
            Self::Socket(stream) => stream.write_all(&message).unwrap(),
            Self::AsyncSocket(stream) => stream.write_all(&message).await.unwrap(),
        }
    }

    async fn receive(&mut self) -> [u8; 8] {
        let mut message = [0; 8];
        match self {
            Self::C(into, _) => {
                let mut size = 0;
                // SAFETY: the buffer is writable for its size.
                let result = unsafe { sys::cq_dequeue_wait(into.0, message.as_mut_ptr().cast(), 8, &mut size, -1) };
                assert_eq!(result, sys::CQ_OK);
            }
            Self::Threads(into, _) => release(into.take_wait(None).unwrap().unwrap(), &mut message),
            Self::Tasks(into, _) => release(into.take().await.unwrap(), &mut message),
            Self::Socket(stream) => stream.read_exact(&mut message).unwrap(),
            Self::AsyncSocket(stream) => drop(stream.read_exact(&mut message).await.unwrap()),
        }
        message
    }
}

fn release(received: cqueue::Received<'_>, message: &mut [u8; 8]) {
    message.copy_from_slice(&received);
    received.release().unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap()
}

fn is_socket(kind: &str) -> bool {
    kind.ends_with("socket")
}

fn ping(kind: &'static str, directory: &Path, pause: Duration) -> f64 {
    let listener = UnixListener::bind(directory.join("socket")).unwrap();
    let mut child = Command::new(env::current_exe().unwrap()).args(["answer", kind]).arg(directory).spawn().unwrap();
    let (stream, _) = listener.accept().unwrap(); // the child is there
    let times = runtime().block_on(async {
        let mut line = if is_socket(kind) {
            Line::socket(kind, stream)
        } else {
            Line::queues(kind, directory, "answers", "pings")
        };
        let mut times = Vec::new();
        for _ in 0..if pause.is_zero() { 20_000 } else { 1_000 } {
            if !pause.is_zero() {
                thread::sleep(pause);
            }
            let start = Instant::now();
            line.send(PING).await;
            assert_eq!(line.receive().await, PING);
            times.push(start.elapsed().as_nanos() as f64 / 1e3);
        }
        line.send(END).await;
        times
    });
    assert!(child.wait().unwrap().success());
    median(&times)
}

/// The other process.
pub fn answer(kind: &str, directory: &Path) {
    runtime().block_on(async {
        let stream = UnixStream::connect(directory.join("socket")).unwrap();
        let mut line = if is_socket(kind) {
            Line::socket(kind, stream)
        } else {
            Line::queues(kind, directory, "pings", "answers")
        };
        loop {
            let message = line.receive().await;
            if message == END {
                return;
            }
            line.send(message).await;
        }
    });
}
