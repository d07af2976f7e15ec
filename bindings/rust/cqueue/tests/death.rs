//! Processes that die, and children that are forked.
#![allow(missing_docs)]

mod support;

use std::env;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use cqueue::{Error, Mode, Options, Participant, Queue, Recovery};
use support::Place;

/// In the child: take one message, reserve another, say so, and wait for the end.
fn hold(directory: &str) -> ! {
    let queue = Options::new().directory(directory).mode(Mode::Attach).open("orders").unwrap();
    let _taken = queue.take().unwrap().unwrap();
    let _reserved = queue.reserve(8).unwrap();
    println!("\nholding");
    io::stdin().read_line(&mut String::new()).unwrap(); // until the parent is gone, whatever becomes of it
    std::process::exit(0)
}

/// That of the process, which has one handle.
fn participant(queue: &Queue, pid: u32) -> Option<Participant> {
    queue.participants().unwrap().into_iter().find(|participant| participant.pid == pid)
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
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "holding"));
    assert_eq!(queue.stats().unwrap().participants, 2);
    assert_eq!(queue.recover().unwrap().participants, 0, "it is alive");
    let theirs = participant(&queue, child.id()).unwrap();
    assert!(theirs.alive);
    assert_eq!((theirs.held, theirs.writing), (1, 1));
    assert!(std::fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap().starts_with(&theirs.command));
    assert!(!theirs.command.is_empty());
    let ours = participant(&queue, std::process::id()).unwrap();
    assert_eq!((ours.held, ours.writing, ours.waiting_since), (0, 0, None));
    let stats = queue.stats().unwrap();
    assert_eq!((stats.held, stats.writing), (1, 1));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(participant(&queue, child.id()).is_none_or(|theirs| !theirs.alive));

    let Recovery { participants, slots, messages, .. } = queue.recover().unwrap();
    assert_eq!((participants, slots, messages), (1, 1, 1));
    assert_eq!(queue.recover().unwrap().participants, 0);
    let again = queue.take().unwrap().unwrap();
    assert_eq!((&*again, again.deliveries()), (b"one".as_slice(), 2));
    again.release().unwrap();
    let two = queue.take().unwrap().unwrap();
    assert_eq!((&*two, two.deliveries()), (b"two".as_slice(), 1));
    two.release().unwrap();
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
        // SAFETY: the child has its own copy of the parent's stack, and the parent leaves it alone meanwhile.
        let held = unsafe { &*(parents as *const Option<cqueue::Received<'_>>) };
        let all_refused = matches!(held.as_ref().unwrap().bytes(), Err(Error::Fork(_)))
            && matches!(childs.len(), Err(Error::Fork(_)))
            && matches!(childs.enqueue("two"), Err(Error::Fork(_)))
            && matches!(childs.dequeue(), Err(Error::Fork(_)))
            && matches!(childs.stats(), Err(Error::Fork(_)));
        // SAFETY: the child has its own copy of the parent's stack, and drops the guard there.
        unsafe { (parents as *mut Option<cqueue::Received<'_>>).drop_in_place() };
        if all_refused { Ok(()) } else { Err(io::Error::other("the child was not refused")) }
    };
    // SAFETY: what the closure calls does no harm in a child of a process with threads; glibc's malloc neither.
    unsafe { command.pre_exec(refused) };
    assert!(command.status().unwrap().success());

    held.take().unwrap().give_back().unwrap(); // still held
    let again = queue.take().unwrap().unwrap();
    assert_eq!(again.deliveries(), 2);
    again.release().unwrap();
    assert!(queue.take().unwrap().is_none());
}
