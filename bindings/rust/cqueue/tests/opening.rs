//! Opening, closing, unlinking; and what is said when it does not work.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use cqueue::{Error, Mode, Options, Queue};
use support::Place;

#[test]
fn two_handles_share_one_queue() {
    let place = Place::new();
    let first = place.open(10);
    let second = place.options().mode(Mode::Attach).open("orders").unwrap();
    first.enqueue("hello").unwrap();
    assert_eq!(second.dequeue().unwrap().unwrap(), b"hello");
    assert_eq!(first.name(), "orders");
    assert_eq!(format!("{first:?}"), "Queue { name: \"orders\", .. }");
}

#[test]
fn defaults_are_those_of_the_header() {
    let place = Place::new();
    let stats = place.options().open("orders").unwrap().stats().unwrap();
    assert_eq!((stats.capacity, stats.max_message_size), (65_536, 4_096));
    let file = fs::metadata(place.path().join("cqueue.orders")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn permissions_are_the_files() {
    let place = Place::new();
    place.options().permissions(0o640).open("orders").unwrap();
    let file = fs::metadata(place.path().join("cqueue.orders")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o640);
}

/// Give the file to somebody else, which takes root.
#[test]
fn trust_accepts_another_users_queue_that_others_may_not_write() {
    let place = Place::new();
    let path = place.path().join("cqueue.orders");
    place.options().permissions(0o660).open("orders").unwrap();
    if std::os::unix::fs::chown(&path, Some(12345), Some(12345)).is_err() {
        return;
    }
    let attach = place.options().mode(Mode::Attach).trust(true);
    attach.open("orders").unwrap().enqueue("hello").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(attach.open("orders"), Err(Error::Owner(_))));
}

#[test]
fn max_held_is_what_was_asked_for() {
    let place = Place::new();
    let queue = place.options().capacity(10).max_held(5000).open("orders").unwrap();
    assert!(queue.stats().unwrap().max_held >= 5000);
}

#[test]
fn memory_is_limited_reserved_and_given_back() {
    let place = Place::new();
    let options = place.options().capacity(100_000).max_message_size(1000).max_memory(4 << 20).reserve(1 << 20);
    let queue = options.open("orders").unwrap();
    let stats = queue.stats().unwrap();
    assert_eq!((stats.max_memory, stats.reserve), (4 << 20, 1 << 20));
    assert!(stats.memory >= 1 << 20);
    while queue.enqueue([b'x'; 1000]).is_ok() {}
    assert!((1000..5000).contains(&queue.len().unwrap()));
    assert!(queue.stats().unwrap().memory <= 4 << 20);
    while queue.dequeue().unwrap().is_some() {}
    assert!(queue.trim().unwrap() > 1 << 20);
    assert!(queue.stats().unwrap().memory < 5 << 19);
}

#[test]
fn a_mismatch_says_what_was_found_and_asked_for() {
    let place = Place::new();
    let _queue = place.open(4096);
    let error = place.options().capacity(1024).open("orders").unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)));
    assert_eq!(error.c_name(), "CQ_EMISMATCH");
    assert_eq!(error.details().result(), -5);
    assert_eq!(error.details().queue(), "orders");
    assert!(error.to_string().starts_with("\"orders\": region has capacity 4096, asked for 1024"), "{error}");
    assert_eq!(error.meaning(), "the region differs from what was asked for");
}

#[test]
fn each_mode_does_what_it_says() {
    let place = Place::new();
    assert!(matches!(place.options().mode(Mode::Attach).open("orders"), Err(Error::NotFound(_))));
    assert!(matches!(place.options().mode(Mode::ReadOnly).open("orders"), Err(Error::NotFound(_))));
    let queue = place.options().mode(Mode::Exclusive).open("orders").unwrap();
    assert!(matches!(place.options().mode(Mode::Exclusive).open("orders"), Err(Error::Exists(_))));
    queue.enqueue("hello").unwrap();

    let reader = place.options().mode(Mode::ReadOnly).open("orders").unwrap();
    assert_eq!(reader.stats().unwrap().length, 1);
    assert!(matches!(reader.enqueue("no"), Err(Error::ReadOnly(_))));
    assert!(matches!(reader.dequeue(), Err(Error::ReadOnly(_))));
    assert!(matches!(reader.recover(), Err(Error::ReadOnly(_))));
    assert!(matches!(reader.fd(), Err(Error::ReadOnly(_))));
}

#[test]
fn options_out_of_range_are_refused() {
    let place = Place::new();
    for options in [
        place.options().capacity((1 << 31) + 1),
        place.options().max_message_size((1 << 30) + 1),
        place.options().permissions(0o602),
    ] {
        assert!(matches!(options.open("orders"), Err(Error::Invalid(_))), "{options:?}");
    }
}

#[test]
fn names_are_checked() {
    let place = Place::new();
    for name in ["", ".hidden", "a/b", "a b", "a\0b", &"x".repeat(201)] {
        let error = place.options().open(name).unwrap_err();
        assert!(matches!(error, Error::Name(_)), "{name}: {error}");
        assert!(error.to_string().contains("a name is 1 to 200 of"), "{error}");
        assert!(matches!(place.options().unlink(name), Err(Error::Name(_))));
    }
}

#[test]
fn a_directory_with_a_zero_byte_is_refused() {
    let error = Options::new().directory("/dev/shm/a\0b").open("orders").unwrap_err();
    assert!(matches!(error, Error::Invalid(_)));
    assert_eq!(error.to_string(), r#""orders": the directory "/dev/shm/a\0b" has a 0 byte in it: none may"#);
}

#[test]
fn unlinked_queues_work_on() {
    let place = Place::new();
    let queue = place.open(10);
    assert!(!queue.stats().unwrap().unlinked);
    place.options().unlink("orders").unwrap();
    assert!(queue.stats().unwrap().unlinked);
    queue.enqueue("still here").unwrap();
    assert_eq!(queue.dequeue().unwrap().unwrap(), b"still here");
    assert!(matches!(place.options().unlink("orders"), Err(Error::NotFound(_))));
    assert_eq!(place.open(20).stats().unwrap().capacity, 20);
}

#[test]
fn the_default_directory_is_shared_memory() {
    let name = format!("cqueue-rust-{}", std::process::id());
    let queue = Queue::open(&name).unwrap();
    assert!(fs::exists(format!("/dev/shm/cqueue.{name}")).unwrap());
    Queue::unlink(&name).unwrap();
    assert!(!fs::exists(format!("/dev/shm/cqueue.{name}")).unwrap());
    queue.close();
}

#[test]
fn somebody_elses_bytes_are_refused() {
    let place = Place::new();
    fs::write(place.path().join("cqueue.orders"), vec![7; 100_000]).unwrap();
    fs::set_permissions(place.path().join("cqueue.orders"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(place.options().open("orders"), Err(Error::Corrupt(_))));
    fs::remove_file(place.path().join("cqueue.orders")).unwrap();
    fs::create_dir(place.path().join("cqueue.orders")).unwrap();
    assert!(matches!(place.options().open("orders"), Err(Error::Access(_))));
}

#[test]
fn errors_turn_into_those_of_io() {
    fn open(place: &Place) -> io::Result<Queue> {
        Ok(place.options().mode(Mode::Attach).open("orders")?)
    }
    let error = open(&Place::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().starts_with("\"orders\": no queue of that name in /dev/shm/cqueue-rust-"), "{error}");
    assert!(error.get_ref().unwrap().is::<Error>());
}

#[test]
fn closing_gives_the_participant_back() {
    let place = Place::new();
    let queue = place.open(10);
    let other = place.open(10);
    assert_eq!(queue.stats().unwrap().participants, 2);
    other.close();
    assert_eq!(queue.stats().unwrap().participants, 1);
}

#[test]
fn versions_are_the_librarys() {
    assert_eq!(cqueue::version(), env!("CARGO_PKG_VERSION"));
    assert_eq!(cqueue::abi_version(), cqueue_sys::CQ_ABI_VERSION);
}

/// A result that is added to the header must get a variant here.
#[test]
fn every_error_of_the_header_has_a_variant() {
    let in_header: Vec<&str> = include_str!("../../cqueue-sys/src/bindings.rs")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("pub const ")?.split_once(": _bindgen_ty_1 = ")?.0))
        .filter(|name| !["CQ_OK", "CQ_EMPTY"].contains(name)) // no errors
        .collect();
    let in_table: Vec<&str> = include_str!("../src/error.rs")
        .lines()
        .filter_map(|line| Some(line.split_once(" = CQ_")?.1.split_once(',')?.0))
        .collect();
    assert!(in_header.iter().map(|name| &name[3..]).eq(in_table), "{in_header:?}");
    assert_eq!(in_header.len(), 32);
}
