//! Prints the table of `bindings/rust/bench`. What is measured is in the modules; this has the turns and the medians.

mod calls;
mod idle;
mod ping;

use std::env;
use std::path::Path;
use std::time::Instant;

/// Where the queues and sockets are.
fn place() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("cqueue-figures-").tempdir_in("/dev/shm").expect("shared memory can be written")
}

/// How two numbers relate is looked at in the same turn.
struct Figure {
    name: &'static str,
    unit: &'static str,
    /// Whose figure it is divided by.
    beside: &'static str,
    measure: Box<dyn Fn(&Path) -> f64>,
    found: Vec<f64>,
}

fn figure(
    name: &'static str,
    unit: &'static str,
    beside: &'static str,
    measure: impl Fn(&Path) -> f64 + 'static,
) -> Figure {
    Figure { name, unit, beside, measure: Box::new(measure), found: Vec::new() }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.1} ({least:.1}-{most:.1})", median(values))
}

/// Nanoseconds of each of `count` calls: the median of many short spans, most of which nothing else interrupts.
fn mean_ns(count: u32, mut call: impl FnMut()) -> f64 {
    const SPANS: u32 = 300;
    let calls = (count / SPANS).max(1);
    let spans: Vec<f64> = (0..SPANS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                call();
            }
            start.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .collect();
    median(&spans)
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [verb, kind, directory] = arguments.as_slice() {
        assert_eq!(verb, "answer");
        return ping::answer(kind, Path::new(directory));
    }
    let rounds = arguments.first().map_or(5, |rounds| rounds.parse().expect("ROUNDS is a number"));
    let mut figures: Vec<Figure> = calls::figures().into_iter().chain(ping::figures()).chain(idle::figures()).collect();
    for _ in 0..rounds {
        for figure in &mut figures {
            let place = place();
            figure.found.push((figure.measure)(place.path()));
        }
    }
    println!("{:44}{:>26}      beside, in the same turn", "", "median (least-most)");
    for figure in &figures {
        let beside = figures.iter().find(|other| other.name == figure.beside).map(|other| {
            let ratios: Vec<f64> = figure.found.iter().zip(&other.found).map(|(own, other)| own / other).collect();
            format!("{:.2} x {}", median(&ratios), other.name)
        });
        println!("{:44}{:>26} {:3}  {}", figure.name, spread(&figure.found), figure.unit, beside.unwrap_or_default());
    }
}
