//! Links with the worker, which tests/bench/run has built (BENCH_WORKER: the directory with libworker.a).

fn main() {
    println!("cargo::rerun-if-env-changed=BENCH_WORKER");
    if let Ok(place) = std::env::var("BENCH_WORKER") {
        println!("cargo::rerun-if-changed={place}/libworker.a");
        println!("cargo::rustc-link-search=native={place}");
        println!("cargo::rustc-link-lib=static=worker");
    }
}
