//! Time of each kernel's operations on this machine, one thread.
//!
//! `cargo bench -p cipherloom-ring [-- KERNEL] [LOG_DEGREE]`: smallest and median of many runs; the
//! smallest is what to compare on a machine that does other work.
use ring::{
    Automorphism, Kernel, Modulus, Pool, PrimeRing, RingError, RnsPolynomial, conjugation_element,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A prime as batch layouts have them: products with it fit a word.
const NARROW: u64 = 268_369_921;
/// Largest below 2^49 that is 1 mod 2^18.
const PRIME: u64 = 35_184_365_273_089;
/// 1 mod 2^18, near 2^45: of another size than `PRIME`.
const OTHER: u64 = 562_949_950_537_729;
const RUNS: usize = 401;
/// Shorter than a slice of the scheduler, so that the smallest time is undisturbed.
const RUN: Duration = Duration::from_micros(300);

/// Smallest and median time of a call in nanoseconds.
fn time(mut run: impl FnMut()) -> (f64, f64) {
    run();
    let start = Instant::now();
    run();
    let calls =
        (RUN.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9)).clamp(1.0, 1e6) as u32;
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                run();
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[0], times[RUNS / 2])
}

fn report(kernel: &str, what: &str, degree: usize, (least, median): (f64, f64)) {
    println!("{kernel:12} {what:24} N={degree:<7} {least:>12.0} ns {median:>12.0} ns");
}

fn polynomial(pool: &Pool, q: u64, degree: usize, primes: usize) -> RnsPolynomial {
    let mut result = RnsPolynomial::uninitialised(pool, degree, primes);
    let mut state = 1u64;
    for word in result.words_mut() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *word = (state >> 8) % q;
    }
    result
}

fn transforms(pool: &Pool, ring: &PrimeRing, other: &Modulus) {
    let (name, degree) = (ring.kernel().name(), ring.degree());
    let mut data = polynomial(pool, PRIME, degree, 1);
    let from = polynomial(pool, OTHER, degree, 1);
    report(
        name,
        "ntt",
        degree,
        time(|| ring.forward(black_box(data.words_mut()))),
    );
    report(
        name,
        "ntt of a digit",
        degree,
        time(|| {
            ring.forward_lifted(black_box(data.words_mut()), from.words(), other);
        }),
    );
    report(
        name,
        "inverse ntt",
        degree,
        time(|| ring.inverse(black_box(data.words_mut()))),
    );
}

fn dyadic(pool: &Pool, ring: &PrimeRing) -> Result<(), RingError> {
    let (name, degree) = (ring.kernel().name(), ring.degree());
    let mut out = polynomial(pool, PRIME, degree, 2);
    let a = polynomial(pool, PRIME, degree, 9);
    let b = polynomial(pool, PRIME, degree, 18);
    let scalar = ring.scalar(PRIME / 3);
    let [a0, b0, b1] = [a.residue(0), b.residue(0), b.residue(1)];
    let x = out.residue_mut(0);
    report(name, "add", degree, time(|| ring.add(black_box(x), a0, b0)));
    report(name, "mul", degree, time(|| ring.mul(black_box(x), a0, b0)));
    report(
        name,
        "mul_scalar",
        degree,
        time(|| ring.mul_scalar(black_box(x), a0, &scalar)),
    );
    report(
        name,
        "sub_scale_add",
        degree,
        time(|| ring.sub_scale_add(black_box(x), a0, b1, &scalar)),
    );
    let automorphism = Automorphism::new(conjugation_element(degree), degree, ring.kernel())?;
    report(
        name,
        "automorphism",
        degree,
        time(|| automorphism.apply(black_box(x), a0)),
    );
    let left: Vec<_> = a.residues().collect();
    let right: Vec<_> = b.residues().collect();
    let (right0, right1) = right.split_at(9);
    let (x, y) = out.words_mut().split_at_mut(degree);
    report(
        name,
        "2 sums of 9 products",
        degree,
        time(|| {
            ring.inner_products(
                [black_box(&mut *x), &mut *y],
                &left,
                [right0, right1],
                false,
            );
        }),
    );
    Ok(())
}

fn matrix(pool: &Pool, ring: &PrimeRing, rows: usize, depth: usize) {
    let (name, degree) = (ring.kernel().name(), ring.degree());
    let q = ring.modulus().value();
    let inputs = polynomial(pool, q, degree, depth);
    let mut outputs = polynomial(pool, q, degree, rows);
    let weights = polynomial(pool, q, rows * depth, 1);
    let inputs: Vec<_> = inputs.residues().collect();
    let mut outputs: Vec<_> = outputs.residues_mut().collect();
    let (least, median) =
        time(|| ring.matrix_product(black_box(&mut outputs), weights.words(), &inputs));
    let products = (rows * depth * degree) as f64;
    println!(
        "{name:12} matrix {:<17} N={degree:<7} {:>9.2} G/s    {:>9.2} G/s",
        format!("{rows}x{depth}, {} bits", ring.modulus().bits()),
        products / least,
        products / median
    );
}

fn bandwidth(pool: &Pool) {
    let words = 1 << 25;
    let data = polynomial(pool, u64::MAX, words, 1);
    let (least, median) = time(|| {
        let mut sums = [0u64; 16];
        for line in data.words().chunks_exact(16) {
            for (sum, word) in sums.iter_mut().zip(line) {
                *sum ^= word;
            }
        }
        black_box(sums);
    });
    let bytes = (8 * words) as f64;
    println!(
        "memory read, one core: {:.1} GB/s, median {:.1} GB/s",
        bytes / least,
        bytes / median
    );
}

fn main() -> Result<(), RingError> {
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let named = |kernel: Kernel| {
        let names: Vec<_> = chosen
            .iter()
            .filter(|a| a.parse::<u32>().is_err())
            .collect();
        names.is_empty() || names.iter().any(|name| *name == kernel.name())
    };
    let logs: Vec<u32> = chosen.iter().filter_map(|a| a.parse().ok()).collect();
    let logs = if logs.is_empty() {
        (11..=17).collect()
    } else {
        logs
    };
    let (prime, other) = (Modulus::new(PRIME)?, Modulus::new(OTHER)?);
    let pool = Pool::new();
    println!(
        "{:12} {:24} {:9} {:>12}    {:>12}",
        "kernel", "operation", "", "smallest", "median"
    );
    for kernel in Kernel::native().into_iter().filter(|&kernel| named(kernel)) {
        for &log in &logs {
            let ring = PrimeRing::new(prime, 1 << log, kernel)?;
            transforms(&pool, &ring, &other);
            if log == 14 {
                dyadic(&pool, &ring)?;
                let narrow = PrimeRing::new(Modulus::new(NARROW)?, 1 << log, kernel)?;
                for ring in [&ring, &narrow] {
                    matrix(&pool, ring, 64, 128);
                    matrix(&pool, ring, 10, 845);
                }
            }
        }
    }
    bandwidth(&pool);
    Ok(())
}
