// Made from cqueue.h by bindings/rust/generate: do not edit.
#![allow(non_camel_case_types)]

pub const CQ_VERSION_MAJOR: u32 = 1;
pub const CQ_VERSION_MINOR: u32 = 0;
pub const CQ_VERSION_PATCH: u32 = 0;
pub const CQ_VERSION_STRING: &::core::ffi::CStr = c"1.0.0";
pub const CQ_ABI_VERSION: u32 = 1;
pub const CQ_DIRECTORY: &::core::ffi::CStr = c"/dev/shm";
pub const CQ_TO_TAIL: i32 = -1;
pub const CQ_OK: _bindgen_ty_1 = 0;
pub const CQ_EMPTY: _bindgen_ty_1 = 1;
pub const CQ_FULL: _bindgen_ty_1 = 2;
pub const CQ_TIMEOUT: _bindgen_ty_1 = 3;
pub const CQ_CANCELLED: _bindgen_ty_1 = 4;
pub const CQ_STALE: _bindgen_ty_1 = 5;
pub const CQ_DUPLICATE: _bindgen_ty_1 = 6;
pub const CQ_EINVAL: _bindgen_ty_1 = -1;
pub const CQ_ENAME: _bindgen_ty_1 = -2;
pub const CQ_ENOENT: _bindgen_ty_1 = -3;
pub const CQ_EEXIST: _bindgen_ty_1 = -4;
pub const CQ_EMISMATCH: _bindgen_ty_1 = -5;
pub const CQ_EVERSION: _bindgen_ty_1 = -6;
pub const CQ_ECORRUPT: _bindgen_ty_1 = -7;
pub const CQ_EACCESS: _bindgen_ty_1 = -8;
pub const CQ_EOWNER: _bindgen_ty_1 = -9;
pub const CQ_ENOSPACE: _bindgen_ty_1 = -10;
pub const CQ_ENOMEM: _bindgen_ty_1 = -11;
pub const CQ_ELIMIT: _bindgen_ty_1 = -12;
pub const CQ_ETOOSMALL: _bindgen_ty_1 = -13;
pub const CQ_ETOOBIG: _bindgen_ty_1 = -14;
pub const CQ_EREADONLY: _bindgen_ty_1 = -15;
pub const CQ_EFORK: _bindgen_ty_1 = -16;
pub const CQ_ENOTHELD: _bindgen_ty_1 = -17;
pub const CQ_EFILESYSTEM: _bindgen_ty_1 = -18;
pub const CQ_ESYSTEM: _bindgen_ty_1 = -19;
pub const CQ_EPROCESS: _bindgen_ty_1 = -20;
pub const CQ_EFILESIZE: _bindgen_ty_1 = -21;
pub const CQ_EIO: _bindgen_ty_1 = -22;
pub const CQ_EBUSY: _bindgen_ty_1 = -23;
pub const CQ_ECONSUMER: _bindgen_ty_1 = -24;
pub const CQ_ESOURCES: _bindgen_ty_1 = -25;
pub const CQ_EHEADERS: _bindgen_ty_1 = -26;
pub const CQ_EFEATURE: _bindgen_ty_1 = -27;
pub type _bindgen_ty_1 = ::core::ffi::c_int;
#[repr(C)]
#[derive(Debug)]
pub struct cq_queue {
    _unused: [u8; 0],
}
pub const CQ_CREATE: _bindgen_ty_2 = 0;
pub const CQ_EXCLUSIVE: _bindgen_ty_2 = 1;
pub const CQ_ATTACH: _bindgen_ty_2 = 2;
pub const CQ_READ_ONLY: _bindgen_ty_2 = 4;
pub const CQ_ANY_FILESYSTEM: _bindgen_ty_2 = 8;
pub const CQ_KEEP_UNLINKED: _bindgen_ty_2 = 16;
pub const CQ_TRUST: _bindgen_ty_2 = 32;
pub const CQ_DURABLE: _bindgen_ty_2 = 64;
pub const CQ_SYNC: _bindgen_ty_2 = 128;
pub const CQ_EXCLUSIVE_CONSUMER: _bindgen_ty_2 = 256;
pub const CQ_ENQUEUE_TIMES: _bindgen_ty_2 = 512;
pub type _bindgen_ty_2 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_config {
    pub struct_size: u32,
    pub flags: u32,
    pub capacity: u64,
    pub max_message_size: u64,
    pub permissions: u32,
    pub reserved: u32,
    pub directory: *const ::core::ffi::c_char,
    pub max_held: u64,
    pub max_memory: u64,
    pub reserve: u64,
    pub durable_directory: *const ::core::ffi::c_char,
    pub max_headers: u64,
    pub max_deliveries: u64,
    pub dead_letter: *const ::core::ffi::c_char,
    pub time_to_live: i64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_config"][::core::mem::size_of::<cq_config>() - 104usize];
    ["Alignment of cq_config"][::core::mem::align_of::<cq_config>() - 8usize];
    [
        "Offset of field: cq_config::struct_size",
    ][::core::mem::offset_of!(cq_config, struct_size) - 0usize];
    [
        "Offset of field: cq_config::flags",
    ][::core::mem::offset_of!(cq_config, flags) - 4usize];
    [
        "Offset of field: cq_config::capacity",
    ][::core::mem::offset_of!(cq_config, capacity) - 8usize];
    [
        "Offset of field: cq_config::max_message_size",
    ][::core::mem::offset_of!(cq_config, max_message_size) - 16usize];
    [
        "Offset of field: cq_config::permissions",
    ][::core::mem::offset_of!(cq_config, permissions) - 24usize];
    [
        "Offset of field: cq_config::reserved",
    ][::core::mem::offset_of!(cq_config, reserved) - 28usize];
    [
        "Offset of field: cq_config::directory",
    ][::core::mem::offset_of!(cq_config, directory) - 32usize];
    [
        "Offset of field: cq_config::max_held",
    ][::core::mem::offset_of!(cq_config, max_held) - 40usize];
    [
        "Offset of field: cq_config::max_memory",
    ][::core::mem::offset_of!(cq_config, max_memory) - 48usize];
    [
        "Offset of field: cq_config::reserve",
    ][::core::mem::offset_of!(cq_config, reserve) - 56usize];
    [
        "Offset of field: cq_config::durable_directory",
    ][::core::mem::offset_of!(cq_config, durable_directory) - 64usize];
    [
        "Offset of field: cq_config::max_headers",
    ][::core::mem::offset_of!(cq_config, max_headers) - 72usize];
    [
        "Offset of field: cq_config::max_deliveries",
    ][::core::mem::offset_of!(cq_config, max_deliveries) - 80usize];
    [
        "Offset of field: cq_config::dead_letter",
    ][::core::mem::offset_of!(cq_config, dead_letter) - 88usize];
    [
        "Offset of field: cq_config::time_to_live",
    ][::core::mem::offset_of!(cq_config, time_to_live) - 96usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_slice {
    pub data: *mut ::core::ffi::c_void,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_slice"][::core::mem::size_of::<cq_slice>() - 16usize];
    ["Alignment of cq_slice"][::core::mem::align_of::<cq_slice>() - 8usize];
    [
        "Offset of field: cq_slice::data",
    ][::core::mem::offset_of!(cq_slice, data) - 0usize];
    [
        "Offset of field: cq_slice::size",
    ][::core::mem::offset_of!(cq_slice, size) - 8usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_message {
    pub struct_size: u32,
    pub deliveries: u32,
    pub data: *mut ::core::ffi::c_void,
    pub size: usize,
    pub position: u64,
    pub token: [u64; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_message"][::core::mem::size_of::<cq_message>() - 48usize];
    ["Alignment of cq_message"][::core::mem::align_of::<cq_message>() - 8usize];
    [
        "Offset of field: cq_message::struct_size",
    ][::core::mem::offset_of!(cq_message, struct_size) - 0usize];
    [
        "Offset of field: cq_message::deliveries",
    ][::core::mem::offset_of!(cq_message, deliveries) - 4usize];
    [
        "Offset of field: cq_message::data",
    ][::core::mem::offset_of!(cq_message, data) - 8usize];
    [
        "Offset of field: cq_message::size",
    ][::core::mem::offset_of!(cq_message, size) - 16usize];
    [
        "Offset of field: cq_message::position",
    ][::core::mem::offset_of!(cq_message, position) - 24usize];
    [
        "Offset of field: cq_message::token",
    ][::core::mem::offset_of!(cq_message, token) - 32usize];
};
pub type cq_visitor = ::core::option::Option<
    unsafe extern "C" fn(
        message: *const cq_message,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int,
>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_stats {
    pub struct_size: u32,
    pub format_version: u32,
    pub capacity: u64,
    pub max_message_size: u64,
    pub length: u64,
    pub orphans: u64,
    pub enqueued: u64,
    pub dequeued: u64,
    pub redelivered: u64,
    pub returned: u64,
    pub voided: u64,
    pub reaped: u64,
    pub participants: u32,
    pub waiting_producers: u32,
    pub waiting_consumers: u32,
    pub slots_per_node: u32,
    pub nodes: u64,
    pub nodes_touched: u64,
    pub nodes_linked: u64,
    pub memory: u64,
    pub file_size: u64,
    pub created: i64,
    pub unlinked: u32,
    pub reserved: u32,
    pub held: u64,
    pub writing: u64,
    pub max_held: u64,
    pub max_memory: u64,
    pub reserve: u64,
    pub trimmed: u64,
    pub id: [u8; 16usize],
    pub durable: u32,
    pub disk_error: i32,
    pub flushes_begun: u64,
    pub flushes_done: u64,
    pub unsynced: u64,
    pub segments: u64,
    pub disk_bytes: u64,
    pub recovered: u64,
    pub max_headers: u64,
    pub max_deliveries: u64,
    pub time_to_live: i64,
    pub enqueue_times: u32,
    pub exclusive_consumer: u32,
    pub consumer: u32,
    pub sources: u32,
    pub delayed: u64,
    pub oldest_age: i64,
    pub expired: u64,
    pub dead_lettered: u64,
    pub spent: u64,
    pub dead_letter_result: i64,
    pub dead_letter: [::core::ffi::c_char; 208usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_stats"][::core::mem::size_of::<cq_stats>() - 576usize];
    ["Alignment of cq_stats"][::core::mem::align_of::<cq_stats>() - 8usize];
    [
        "Offset of field: cq_stats::struct_size",
    ][::core::mem::offset_of!(cq_stats, struct_size) - 0usize];
    [
        "Offset of field: cq_stats::format_version",
    ][::core::mem::offset_of!(cq_stats, format_version) - 4usize];
    [
        "Offset of field: cq_stats::capacity",
    ][::core::mem::offset_of!(cq_stats, capacity) - 8usize];
    [
        "Offset of field: cq_stats::max_message_size",
    ][::core::mem::offset_of!(cq_stats, max_message_size) - 16usize];
    [
        "Offset of field: cq_stats::length",
    ][::core::mem::offset_of!(cq_stats, length) - 24usize];
    [
        "Offset of field: cq_stats::orphans",
    ][::core::mem::offset_of!(cq_stats, orphans) - 32usize];
    [
        "Offset of field: cq_stats::enqueued",
    ][::core::mem::offset_of!(cq_stats, enqueued) - 40usize];
    [
        "Offset of field: cq_stats::dequeued",
    ][::core::mem::offset_of!(cq_stats, dequeued) - 48usize];
    [
        "Offset of field: cq_stats::redelivered",
    ][::core::mem::offset_of!(cq_stats, redelivered) - 56usize];
    [
        "Offset of field: cq_stats::returned",
    ][::core::mem::offset_of!(cq_stats, returned) - 64usize];
    [
        "Offset of field: cq_stats::voided",
    ][::core::mem::offset_of!(cq_stats, voided) - 72usize];
    [
        "Offset of field: cq_stats::reaped",
    ][::core::mem::offset_of!(cq_stats, reaped) - 80usize];
    [
        "Offset of field: cq_stats::participants",
    ][::core::mem::offset_of!(cq_stats, participants) - 88usize];
    [
        "Offset of field: cq_stats::waiting_producers",
    ][::core::mem::offset_of!(cq_stats, waiting_producers) - 92usize];
    [
        "Offset of field: cq_stats::waiting_consumers",
    ][::core::mem::offset_of!(cq_stats, waiting_consumers) - 96usize];
    [
        "Offset of field: cq_stats::slots_per_node",
    ][::core::mem::offset_of!(cq_stats, slots_per_node) - 100usize];
    [
        "Offset of field: cq_stats::nodes",
    ][::core::mem::offset_of!(cq_stats, nodes) - 104usize];
    [
        "Offset of field: cq_stats::nodes_touched",
    ][::core::mem::offset_of!(cq_stats, nodes_touched) - 112usize];
    [
        "Offset of field: cq_stats::nodes_linked",
    ][::core::mem::offset_of!(cq_stats, nodes_linked) - 120usize];
    [
        "Offset of field: cq_stats::memory",
    ][::core::mem::offset_of!(cq_stats, memory) - 128usize];
    [
        "Offset of field: cq_stats::file_size",
    ][::core::mem::offset_of!(cq_stats, file_size) - 136usize];
    [
        "Offset of field: cq_stats::created",
    ][::core::mem::offset_of!(cq_stats, created) - 144usize];
    [
        "Offset of field: cq_stats::unlinked",
    ][::core::mem::offset_of!(cq_stats, unlinked) - 152usize];
    [
        "Offset of field: cq_stats::reserved",
    ][::core::mem::offset_of!(cq_stats, reserved) - 156usize];
    [
        "Offset of field: cq_stats::held",
    ][::core::mem::offset_of!(cq_stats, held) - 160usize];
    [
        "Offset of field: cq_stats::writing",
    ][::core::mem::offset_of!(cq_stats, writing) - 168usize];
    [
        "Offset of field: cq_stats::max_held",
    ][::core::mem::offset_of!(cq_stats, max_held) - 176usize];
    [
        "Offset of field: cq_stats::max_memory",
    ][::core::mem::offset_of!(cq_stats, max_memory) - 184usize];
    [
        "Offset of field: cq_stats::reserve",
    ][::core::mem::offset_of!(cq_stats, reserve) - 192usize];
    [
        "Offset of field: cq_stats::trimmed",
    ][::core::mem::offset_of!(cq_stats, trimmed) - 200usize];
    ["Offset of field: cq_stats::id"][::core::mem::offset_of!(cq_stats, id) - 208usize];
    [
        "Offset of field: cq_stats::durable",
    ][::core::mem::offset_of!(cq_stats, durable) - 224usize];
    [
        "Offset of field: cq_stats::disk_error",
    ][::core::mem::offset_of!(cq_stats, disk_error) - 228usize];
    [
        "Offset of field: cq_stats::flushes_begun",
    ][::core::mem::offset_of!(cq_stats, flushes_begun) - 232usize];
    [
        "Offset of field: cq_stats::flushes_done",
    ][::core::mem::offset_of!(cq_stats, flushes_done) - 240usize];
    [
        "Offset of field: cq_stats::unsynced",
    ][::core::mem::offset_of!(cq_stats, unsynced) - 248usize];
    [
        "Offset of field: cq_stats::segments",
    ][::core::mem::offset_of!(cq_stats, segments) - 256usize];
    [
        "Offset of field: cq_stats::disk_bytes",
    ][::core::mem::offset_of!(cq_stats, disk_bytes) - 264usize];
    [
        "Offset of field: cq_stats::recovered",
    ][::core::mem::offset_of!(cq_stats, recovered) - 272usize];
    [
        "Offset of field: cq_stats::max_headers",
    ][::core::mem::offset_of!(cq_stats, max_headers) - 280usize];
    [
        "Offset of field: cq_stats::max_deliveries",
    ][::core::mem::offset_of!(cq_stats, max_deliveries) - 288usize];
    [
        "Offset of field: cq_stats::time_to_live",
    ][::core::mem::offset_of!(cq_stats, time_to_live) - 296usize];
    [
        "Offset of field: cq_stats::enqueue_times",
    ][::core::mem::offset_of!(cq_stats, enqueue_times) - 304usize];
    [
        "Offset of field: cq_stats::exclusive_consumer",
    ][::core::mem::offset_of!(cq_stats, exclusive_consumer) - 308usize];
    [
        "Offset of field: cq_stats::consumer",
    ][::core::mem::offset_of!(cq_stats, consumer) - 312usize];
    [
        "Offset of field: cq_stats::sources",
    ][::core::mem::offset_of!(cq_stats, sources) - 316usize];
    [
        "Offset of field: cq_stats::delayed",
    ][::core::mem::offset_of!(cq_stats, delayed) - 320usize];
    [
        "Offset of field: cq_stats::oldest_age",
    ][::core::mem::offset_of!(cq_stats, oldest_age) - 328usize];
    [
        "Offset of field: cq_stats::expired",
    ][::core::mem::offset_of!(cq_stats, expired) - 336usize];
    [
        "Offset of field: cq_stats::dead_lettered",
    ][::core::mem::offset_of!(cq_stats, dead_lettered) - 344usize];
    [
        "Offset of field: cq_stats::spent",
    ][::core::mem::offset_of!(cq_stats, spent) - 352usize];
    [
        "Offset of field: cq_stats::dead_letter_result",
    ][::core::mem::offset_of!(cq_stats, dead_letter_result) - 360usize];
    [
        "Offset of field: cq_stats::dead_letter",
    ][::core::mem::offset_of!(cq_stats, dead_letter) - 368usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_participant {
    pub struct_size: u32,
    pub id: u32,
    pub pid: u32,
    pub alive: u32,
    pub held: u64,
    pub writing: u64,
    pub waiting_producers: u32,
    pub waiting_consumers: u32,
    pub waiting_since: i64,
    pub command: [::core::ffi::c_char; 16usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_participant"][::core::mem::size_of::<cq_participant>() - 64usize];
    ["Alignment of cq_participant"][::core::mem::align_of::<cq_participant>() - 8usize];
    [
        "Offset of field: cq_participant::struct_size",
    ][::core::mem::offset_of!(cq_participant, struct_size) - 0usize];
    [
        "Offset of field: cq_participant::id",
    ][::core::mem::offset_of!(cq_participant, id) - 4usize];
    [
        "Offset of field: cq_participant::pid",
    ][::core::mem::offset_of!(cq_participant, pid) - 8usize];
    [
        "Offset of field: cq_participant::alive",
    ][::core::mem::offset_of!(cq_participant, alive) - 12usize];
    [
        "Offset of field: cq_participant::held",
    ][::core::mem::offset_of!(cq_participant, held) - 16usize];
    [
        "Offset of field: cq_participant::writing",
    ][::core::mem::offset_of!(cq_participant, writing) - 24usize];
    [
        "Offset of field: cq_participant::waiting_producers",
    ][::core::mem::offset_of!(cq_participant, waiting_producers) - 32usize];
    [
        "Offset of field: cq_participant::waiting_consumers",
    ][::core::mem::offset_of!(cq_participant, waiting_consumers) - 36usize];
    [
        "Offset of field: cq_participant::waiting_since",
    ][::core::mem::offset_of!(cq_participant, waiting_since) - 40usize];
    [
        "Offset of field: cq_participant::command",
    ][::core::mem::offset_of!(cq_participant, command) - 48usize];
};
pub type cq_participant_visitor = ::core::option::Option<
    unsafe extern "C" fn(
        participant: *const cq_participant,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int,
>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_recovery {
    pub struct_size: u32,
    pub participants: u32,
    pub slots: u64,
    pub messages: u64,
    pub nodes: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_recovery"][::core::mem::size_of::<cq_recovery>() - 32usize];
    ["Alignment of cq_recovery"][::core::mem::align_of::<cq_recovery>() - 8usize];
    [
        "Offset of field: cq_recovery::struct_size",
    ][::core::mem::offset_of!(cq_recovery, struct_size) - 0usize];
    [
        "Offset of field: cq_recovery::participants",
    ][::core::mem::offset_of!(cq_recovery, participants) - 4usize];
    [
        "Offset of field: cq_recovery::slots",
    ][::core::mem::offset_of!(cq_recovery, slots) - 8usize];
    [
        "Offset of field: cq_recovery::messages",
    ][::core::mem::offset_of!(cq_recovery, messages) - 16usize];
    [
        "Offset of field: cq_recovery::nodes",
    ][::core::mem::offset_of!(cq_recovery, nodes) - 24usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_outgoing {
    pub struct_size: u32,
    pub reserved: u32,
    pub data: *const ::core::ffi::c_void,
    pub size: usize,
    pub headers: *const ::core::ffi::c_void,
    pub headers_size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_outgoing"][::core::mem::size_of::<cq_outgoing>() - 40usize];
    ["Alignment of cq_outgoing"][::core::mem::align_of::<cq_outgoing>() - 8usize];
    [
        "Offset of field: cq_outgoing::struct_size",
    ][::core::mem::offset_of!(cq_outgoing, struct_size) - 0usize];
    [
        "Offset of field: cq_outgoing::reserved",
    ][::core::mem::offset_of!(cq_outgoing, reserved) - 4usize];
    [
        "Offset of field: cq_outgoing::data",
    ][::core::mem::offset_of!(cq_outgoing, data) - 8usize];
    [
        "Offset of field: cq_outgoing::size",
    ][::core::mem::offset_of!(cq_outgoing, size) - 16usize];
    [
        "Offset of field: cq_outgoing::headers",
    ][::core::mem::offset_of!(cq_outgoing, headers) - 24usize];
    [
        "Offset of field: cq_outgoing::headers_size",
    ][::core::mem::offset_of!(cq_outgoing, headers_size) - 32usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct cq_header {
    pub key: *const ::core::ffi::c_char,
    pub key_size: usize,
    pub value: *const ::core::ffi::c_void,
    pub value_size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of cq_header"][::core::mem::size_of::<cq_header>() - 32usize];
    ["Alignment of cq_header"][::core::mem::align_of::<cq_header>() - 8usize];
    [
        "Offset of field: cq_header::key",
    ][::core::mem::offset_of!(cq_header, key) - 0usize];
    [
        "Offset of field: cq_header::key_size",
    ][::core::mem::offset_of!(cq_header, key_size) - 8usize];
    [
        "Offset of field: cq_header::value",
    ][::core::mem::offset_of!(cq_header, value) - 16usize];
    [
        "Offset of field: cq_header::value_size",
    ][::core::mem::offset_of!(cq_header, value_size) - 24usize];
};
pub type cq_source_visitor = ::core::option::Option<
    unsafe extern "C" fn(
        name: *const ::core::ffi::c_char,
        number: u64,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int,
>;
unsafe extern "C" {
    pub fn cq_open(
        name: *const ::core::ffi::c_char,
        config: *const cq_config,
        queue: *mut *mut cq_queue,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_close(queue: *mut cq_queue) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_unlink(
        name: *const ::core::ffi::c_char,
        config: *const cq_config,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_enqueue(
        queue: *mut cq_queue,
        data: *const ::core::ffi::c_void,
        size: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_dequeue(
        queue: *mut cq_queue,
        buffer: *mut ::core::ffi::c_void,
        buffer_size: usize,
        size: *mut usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_enqueue_wait(
        queue: *mut cq_queue,
        data: *const ::core::ffi::c_void,
        size: usize,
        timeout_ns: i64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_dequeue_wait(
        queue: *mut cq_queue,
        buffer: *mut ::core::ffi::c_void,
        buffer_size: usize,
        size: *mut usize,
        timeout_ns: i64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_enqueue_batch(
        queue: *mut cq_queue,
        messages: *const cq_slice,
        count: usize,
        done: *mut usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_dequeue_batch(
        queue: *mut cq_queue,
        buffer: *mut ::core::ffi::c_void,
        buffer_size: usize,
        messages: *mut cq_slice,
        count: usize,
        done: *mut usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_enqueue_message(
        queue: *mut cq_queue,
        message: *const cq_outgoing,
        timeout_ns: i64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_enqueue_from(
        queue: *mut cq_queue,
        message: *const cq_outgoing,
        source: *const ::core::ffi::c_char,
        number: u64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_enqueue_from_wait(
        queue: *mut cq_queue,
        message: *const cq_outgoing,
        source: *const ::core::ffi::c_char,
        number: u64,
        timeout_ns: i64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_source(
        queue: *mut cq_queue,
        source: *const ::core::ffi::c_char,
        number: *mut u64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_sources(
        queue: *mut cq_queue,
        visitor: cq_source_visitor,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_raise_source(
        queue: *mut cq_queue,
        source: *const ::core::ffi::c_char,
        number: u64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_headers(
        queue: *mut cq_queue,
        message: *const cq_message,
        headers: *mut cq_slice,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_set_headers(
        queue: *mut cq_queue,
        message: *mut cq_message,
        headers: *const ::core::ffi::c_void,
        headers_size: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_header_add(
        headers: *mut ::core::ffi::c_void,
        room: usize,
        size: *mut usize,
        key: *const ::core::ffi::c_char,
        value: *const ::core::ffi::c_void,
        value_size: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_header_next(
        headers: *const ::core::ffi::c_void,
        size: usize,
        offset: *mut usize,
        header: *mut cq_header,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_header_find(
        headers: *const ::core::ffi::c_void,
        size: usize,
        key: *const ::core::ffi::c_char,
        value: *mut cq_slice,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_enqueue_time(
        queue: *mut cq_queue,
        message: *const cq_message,
        when: *mut i64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_reserve(
        queue: *mut cq_queue,
        size: usize,
        message: *mut cq_message,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_commit(
        queue: *mut cq_queue,
        message: *mut cq_message,
        size: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_abort(
        queue: *mut cq_queue,
        message: *mut cq_message,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_take(queue: *mut cq_queue, message: *mut cq_message) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_take_wait(
        queue: *mut cq_queue,
        message: *mut cq_message,
        timeout_ns: i64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_release(
        queue: *mut cq_queue,
        message: *mut cq_message,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_return(
        queue: *mut cq_queue,
        message: *mut cq_message,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_sync(queue: *mut cq_queue, timeout_ns: i64) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_durable_directory(
        queue: *mut cq_queue,
        path: *mut ::core::ffi::c_char,
        size: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_return_after(
        queue: *mut cq_queue,
        message: *mut cq_message,
        delay_ns: i64,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_walk(
        queue: *mut cq_queue,
        visitor: cq_visitor,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_stat(queue: *mut cq_queue, stats: *mut cq_stats) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_length(queue: *mut cq_queue, length: *mut u64) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_recover(
        queue: *mut cq_queue,
        recovery: *mut cq_recovery,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_trim(queue: *mut cq_queue, bytes: *mut u64) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_participants(
        queue: *mut cq_queue,
        visitor: cq_participant_visitor,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_wait(queue: *mut cq_queue, timeout_ns: i64) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_wait_room(queue: *mut cq_queue, timeout_ns: i64) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_wait_pass_on(queue: *mut cq_queue) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_wait_room_pass_on(queue: *mut cq_queue) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_cancel(queue: *mut cq_queue) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_cancel_reset(queue: *mut cq_queue) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_fd(
        queue: *mut cq_queue,
        fd: *mut ::core::ffi::c_int,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_room_fd(
        queue: *mut cq_queue,
        fd: *mut ::core::ffi::c_int,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn cq_strerror(result: ::core::ffi::c_int) -> *const ::core::ffi::c_char;
}
unsafe extern "C" {
    pub fn cq_explain(
        result: ::core::ffi::c_int,
        name: *const ::core::ffi::c_char,
        config: *const cq_config,
        size: usize,
        text: *mut ::core::ffi::c_char,
        text_size: usize,
    ) -> usize;
}
unsafe extern "C" {
    pub fn cq_abi_version() -> u32;
}
unsafe extern "C" {
    pub fn cq_version() -> *const ::core::ffi::c_char;
}
