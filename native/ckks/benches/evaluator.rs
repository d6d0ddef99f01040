//! Time of the evaluator's operations on this machine, one thread: N = 2^14, eight data primes.
//!
//! `cargo bench -p cipherloom-ckks [-- KERNEL]`: smallest and median. Keys and values are random
//! residues: times do not depend on them. Processor time, where the system tells it.
use ckks::{Ciphertext, CkksError, Context, Plaintext, SwitchingKey};
use ring::{Kernel, RnsPolynomial, rotation_element};
use std::hint::black_box;
use std::time::{Instant, SystemTime};

const DEGREE: usize = 1 << 14;
/// 1 mod 2^18, near 2^45 and below, and the special prime near 2^49.
const PRIMES: [u64; 8] = [
    35_184_365_273_089,
    35_184_350_330_881,
    35_184_345_088_001,
    35_184_339_320_833,
    35_184_330_145_793,
    35_184_329_097_217,
    35_184_320_708_609,
    35_184_318_087_169,
];
const SPECIAL: u64 = 562_949_950_537_729;
const RUNS: usize = 21;
const HOISTED: usize = 16;

/// Seconds that this thread spent on a processor, where the system says so: other work on the
/// machine does not count.
fn seconds() -> f64 {
    let own = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = own.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            since.map_or(0.0, |time| time.as_secs_f64())
        },
        |nanoseconds| nanoseconds * 1e-9,
    )
}

fn random(context: &Context, primes: usize, state: &mut u64) -> RnsPolynomial {
    let mut result = RnsPolynomial::uninitialised(context.pool(), DEGREE, primes);
    for (i, residue) in result.residues_mut().enumerate() {
        let q = PRIMES.get(i).copied().unwrap_or(SPECIAL);
        for word in residue {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *word = (*state >> 8) % q;
        }
    }
    result
}

fn report<T>(
    kernel: Kernel,
    what: &str,
    share: usize,
    run: impl Fn() -> Result<T, CkksError>,
) -> Result<(), CkksError> {
    let start = Instant::now();
    drop(black_box(run()?));
    // The system counts processor time in ticks of some milliseconds.
    let calls = (0.04 / start.elapsed().as_secs_f64()).clamp(1.0, 1e4) as u32;
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = seconds();
        for _ in 0..calls {
            drop(black_box(run()?));
        }
        times.push((seconds() - start) * 1e6 / (share as f64 * f64::from(calls)));
    }
    times.sort_by(f64::total_cmp);
    let (least, median) = (times[0], times[RUNS / 2]);
    println!(
        "{:12} {what:28} {least:>9.0} us {median:>9.0} us",
        kernel.name()
    );
    Ok(())
}

fn evaluate(kernel: Kernel) -> Result<(), CkksError> {
    let context = Context::new(DEGREE, &PRIMES, SPECIAL, kernel)?;
    let n = PRIMES.len();
    let mut state = 1;
    let mut value = |polynomials: usize| {
        let draw = (0..polynomials).map(|_| random(&context, n, &mut state));
        Ciphertext::new(draw.collect(), 1.0)
    };
    let (a, b, product) = (value(2), value(2), value(3));
    let values: Vec<_> = (0..HOISTED).map(|_| value(2)).collect();
    let plain = Plaintext::new(random(&context, n, &mut state), 1.0);
    let mut digits = || -> Vec<_> {
        (0..n)
            .map(|_| [0, 1].map(|_| random(&context, n + 1, &mut state)))
            .collect()
    };
    let element = rotation_element(1, DEGREE)?;
    let automorphism = context.automorphism(element)?;
    let relinearisation = SwitchingKey::new(digits());
    // As many keys as rotations: they come from memory, as in a program.
    let keys = (0..HOISTED)
        .map(|_| context.automorphism_key(digits(), element))
        .collect::<Result<Vec<_>, _>>()?;

    report(kernel, "add", 1, || context.add(&a, &b))?;
    report(kernel, "mul_plain", 1, || context.mul_plain(&a, &plain))?;
    let terms: Vec<_> = values.iter().map(|value| (value, &plain)).collect();
    report(kernel, "mul_plain_sum, per term", HOISTED, || {
        context.mul_plain_sum(&terms)
    })?;
    report(kernel, "multiply", 1, || context.multiply(&a, &b))?;
    report(kernel, "rescale", 1, || context.rescale(&a))?;
    report(kernel, "relinearise", 1, || {
        context.relinearise(&product, &relinearisation)
    })?;
    report(kernel, "rotate, per key of 16", HOISTED, || {
        keys.iter()
            .try_for_each(|key| context.apply(&a, &automorphism, key).map(drop))
    })?;
    report(kernel, "rotate hoisted, per key of 16", HOISTED, || {
        let digits = context.decompose(&a.polynomials()[1]);
        keys.iter().try_for_each(|key| {
            context
                .apply_hoisted(&a, &digits, &automorphism, key)
                .map(drop)
        })
    })
}

fn main() -> Result<(), CkksError> {
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    println!(
        "{:12} {:28} {:>12} {:>12}",
        "kernel", "operation", "smallest", "median"
    );
    Kernel::native()
        .into_iter()
        .filter(|kernel| chosen.is_empty() || chosen.iter().any(|name| name == kernel.name()))
        .try_for_each(evaluate)
}
