//! iceoryx2: publish and subscribe, without a copy. Every subscriber gets every message, so there is one.
//!
//! cannot: reopen many

use core::mem::MaybeUninit;

use contestants::{fail, main_of, Contestant, Plan, Role};
use iceoryx2::config::Config;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::sample::Sample;
use iceoryx2::sample_mut_uninit::SampleMutUninit;

type Loan = SampleMutUninit<ipc::Service, [MaybeUninit<u8>], ()>;

struct Queue {
    reserved: Option<Loan>,
    taken: Option<Sample<ipc::Service, [u8], ()>>,
    publisher: Option<Publisher<ipc::Service, [u8], ()>>,
    subscriber: Option<Subscriber<ipc::Service, [u8], ()>>,
    _node: Node<ipc::Service>,
}

/// Its files have a prefix of their own, so that those of a killed sample can be removed.
fn prefix(plan: &Plan) -> String {
    format!("{}_", plan.place.display())
        .trim_start_matches('/')
        .replace(['/', '-'], "_")
}

impl Queue {
    fn loan(&mut self, size: usize) -> Option<Loan> {
        self.publisher.as_ref().unwrap().loan_slice_uninit(size).ok()
    }
}

impl Contestant for Queue {
    const NAME: &'static str = "iceoryx2";
    const WHEN_KILLED: &'static str = "all";
    const PRODUCERS: u32 = 1;
    const CONSUMERS: u32 = 1;
    const IN_PLACE: bool = true;

    fn make(_: &Plan, _: &str) {}
    fn end(plan: &Plan, _: &str) {
        let prefix = prefix(plan);
        for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
    fn join(plan: &Plan, name: &str, role: Role) -> Self {
        let mut config = Config::default();
        config.global.prefix = FileName::new(prefix(plan).as_bytes()).unwrap_or_else(|e| fail(format!("{e:?}")));
        let place = plan.place.to_str().unwrap();
        config
            .global
            .set_root_path(&Path::new(place.as_bytes()).unwrap_or_else(|e| fail(format!("{e:?}"))));
        let node = NodeBuilder::new()
            .config(&config)
            .create::<ipc::Service>()
            .unwrap_or_else(|e| fail(format!("{e:?}")));
        let service = node
            .service_builder(&name.try_into().unwrap())
            .publish_subscribe::<[u8]>()
            .enable_safe_overflow(false)
            .history_size(0)
            .subscriber_max_buffer_size(plan.capacity)
            .max_publishers(1)
            .max_subscribers(1)
            .open_or_create()
            .unwrap_or_else(|e| fail(format!("{e:?}")));
        let publisher = (role != Role::Consumer).then(|| {
            service
                .publisher_builder()
                .initial_max_slice_len(plan.size)
                .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
                .create()
                .unwrap_or_else(|e| fail(format!("{e:?}")))
        });
        let subscriber = (role != Role::Producer).then(|| {
            service
                .subscriber_builder()
                .buffer_size(plan.capacity)
                .create()
                .unwrap_or_else(|e| fail(format!("{e:?}")))
        });
        Queue {
            reserved: None,
            taken: None,
            publisher,
            subscriber,
            _node: node,
        }
    }
    fn send(&mut self, message: &[u8]) -> bool {
        let Some(loan) = self.loan(message.len()) else {
            return false;
        };
        loan.write_from_slice(message)
            .send()
            .unwrap_or_else(|e| fail(format!("{e:?}")))
            == 1
    }
    fn receive(&mut self, message: &mut [u8]) -> bool {
        match self
            .subscriber
            .as_ref()
            .unwrap()
            .receive()
            .unwrap_or_else(|e| fail(format!("{e:?}")))
        {
            Some(sample) => {
                message.copy_from_slice(sample.payload());
                true
            }
            None => false,
        }
    }
    fn reserve(&mut self, size: usize) -> *mut u8 {
        self.reserved = self.loan(size);
        self.reserved
            .as_mut()
            .map_or(std::ptr::null_mut(), |loan| loan.payload_mut().as_mut_ptr().cast())
    }
    fn commit(&mut self, _: usize) {
        // SAFETY: shared memory that the system zeroed, of which the worker wrote what it looks at.
        let loan = unsafe { self.reserved.take().unwrap().assume_init() };
        if loan.send().unwrap_or_else(|e| fail(format!("{e:?}"))) != 1 {
            fail("iceoryx2 dropped a message");
        }
    }
    fn take(&mut self) -> *const u8 {
        self.taken = self
            .subscriber
            .as_ref()
            .unwrap()
            .receive()
            .unwrap_or_else(|e| fail(format!("{e:?}")));
        self.taken
            .as_ref()
            .map_or(std::ptr::null(), |sample| sample.payload().as_ptr())
    }
    fn release(&mut self) {
        self.taken = None;
    }
}

fn main() {
    set_log_level(LogLevel::Error);
    main_of::<Queue>()
}
