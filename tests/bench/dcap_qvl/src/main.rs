//! What the published dcap-qvl with ring takes for the input that ratls-bench is given:
//! `dcap-qvl-bench QUOTE COLLATERAL SECONDS ROUNDS` prints one JSON object of medians in microseconds of processor time.
//!
//! `cold_us`: quote and collateral from bytes. `warm_us`: the collateral was parsed before; that is all that it keeps.

use std::time::Duration;

use dcap_qvl::QuoteCollateralV3;

/// Processor time of this thread.
fn processor_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
    assert_eq!(status, 0, "no clock");
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn median_us(rounds: usize, mut run: impl FnMut()) -> f64 {
    let mut samples: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = processor_time();
            run();
            (processor_time() - start).as_secs_f64() * 1e6
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[rounds / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [quote, collateral, at, rounds] = arguments.as_slice() else {
        panic!("usage: dcap-qvl-bench QUOTE COLLATERAL SECONDS ROUNDS");
    };
    let quote = std::fs::read(quote).expect("the quote");
    let text = std::fs::read(collateral).expect("the collateral");
    let at: u64 = at.parse().expect("seconds");
    let rounds: usize = rounds.parse().expect("a number of rounds");
    let verify = |collateral: &QuoteCollateralV3| {
        let report = dcap_qvl::verify::ring::verify(&quote, collateral, at).expect("a quote that verifies");
        std::hint::black_box(report);
    };
    let parse = || serde_json::from_slice::<QuoteCollateralV3>(&text).expect("a collateral bundle");
    let parsed = parse();

    let cold = median_us(rounds, || verify(&parse()));
    let warm = median_us(rounds, || verify(&parsed));
    println!("{{\"cold_us\":{cold:.1},\"warm_us\":{warm:.1}}}");
}
