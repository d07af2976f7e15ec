//! Processes that die, and children that are forked.
#![allow(missing_docs)]

mod support;

use std::env;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use cqueue::{Error, Mode, Options, Recovery};
use support::Place;

/// In the child: take one message, reserve another, say so, and wait for the end.
fn hold(directory: &str) -> ! {
    let queue = Options::new().directory(directory).mode(Mode::Attach).open("orders").unwrap();
    let _taken = queue.take().unwrap().unwrap();
    let _reserved = queue.reserve(8).unwrap();
    println!("\nholding");
    loop {
        thread::park();
    }
}

#[test]
fn what_a_killed_process_held_is_delivered_again() {
    if let Ok(directory) = env::var("CQUEUE_HOLD") {
        hold(&directory);
    }
    let place = Place::new();
    let queue = place.open(10);
    queue.enqueue_batch(&["one", "two"]).unwrap();

    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "what_a_killed_process_held_is_delivered_again", "--nocapture"])
        .env("CQUEUE_HOLD", place.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "holding"));
    assert_eq!(queue.stats().unwrap().participants, 2);
    assert_eq!(queue.recover().unwrap().participants, 0, "it is alive");
    child.kill().unwrap();
    child.wait().unwrap();

    let Recovery { participants, slots, messages, .. } = queue.recover().unwrap();
    assert_eq!((participants, slots, messages), (1, 1, 1));
    assert_eq!(queue.recover().unwrap().participants, 0);
    let again = queue.take().unwrap().unwrap();
    assert_eq!((&*again, again.deliveries()), (b"one".as_slice(), 2));
    again.release().unwrap();
    assert_eq!(queue.take().unwrap().unwrap().deliveries(), 1);
    assert!(queue.take().unwrap().is_none());
    let stats = queue.stats().unwrap();
    assert_eq!((stats.participants, stats.reaped, stats.redelivered), (1, 1, 1));
}

#[test]
fn a_forked_child_is_refused_and_leaves_everything_alone() {
    let place = Place::new();
    let queue = std::sync::Arc::new(place.open(10));
    queue.enqueue("one").unwrap();
    let mut held = queue.take().unwrap();
    let parents = &raw mut held as usize;
    let childs = std::sync::Arc::clone(&queue);
    let mut command = Command::new("true");
    let refused = move || {
        let all_refused = matches!(childs.enqueue("two"), Err(Error::Fork(_)))
            && matches!(childs.dequeue(), Err(Error::Fork(_)))
            && matches!(childs.stats(), Err(Error::Fork(_)));
        // SAFETY: the child has its own copy of the parent's stack, and drops the guard there.
        unsafe { (parents as *mut Option<cqueue::Received<'_>>).drop_in_place() };
        if all_refused { Ok(()) } else { Err(io::Error::other("the child was not refused")) }
    };
    // SAFETY: what the closure calls does no harm in a child of a process with threads; glibc's malloc neither.
    unsafe { command.pre_exec(refused) };
    assert!(command.status().unwrap().success());

    held.take().unwrap().return_().unwrap(); // still held
    assert_eq!(queue.take().unwrap().unwrap().deliveries(), 2);
    assert!(queue.take().unwrap().is_none());
}
