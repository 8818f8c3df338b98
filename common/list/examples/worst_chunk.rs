//! How long one chunk of a list may take at worst, in milliseconds: for every query and
//! list that the engine's tests have to make as much work as they can.
//!
//! ```text
//! cargo run --package cubegate-list --release --example worst_chunk
//! ```
//!
//! For wasm, build it for `wasm32-wasip1` with the profile `filter` and run it with any
//! runtime for WASI.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that measures may stop at the first surprise"
)]

#[path = "../tests/engine/hostile.rs"]
mod hostile;

use std::time::{Duration, Instant};

use cubegate_list::{Limits, ListEngine, ListRequest};

/// What a case took: its longest chunk, its end, and what became of it.
struct Taken {
    longest: Duration,
    finish: Duration,
    outcome: &'static str,
}

fn run(case: &hostile::Case) -> Taken {
    let query = ListRequest::parse(&case.raw_query).query;
    let query = query.expect("a query that is accepted");
    let mut engine = ListEngine::new(query, Limits::default());
    let mut longest = Duration::ZERO;
    let mut outcome = "page";
    for chunk in case.body.chunks(hostile::CHUNK) {
        let start = Instant::now();
        let pushed = engine.push(chunk);
        longest = longest.max(start.elapsed());
        if pushed.is_err() {
            outcome = "refused";
            break;
        }
    }
    let start = Instant::now();
    let _ = engine.finish();
    Taken {
        longest,
        finish: start.elapsed(),
        outcome,
    }
}

fn main() {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    for case in hostile::cases() {
        // The first time the code may still have to be compiled, and memory to grow.
        run(&case);
        let Taken {
            longest,
            finish,
            outcome,
        } = run(&case);
        println!(
            "{:>7.2} ms, {:>6.2} ms at the end, {outcome}: {}",
            milliseconds(longest),
            milliseconds(finish),
            case.name
        );
    }
}
