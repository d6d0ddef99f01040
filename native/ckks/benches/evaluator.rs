//! Time of the evaluator's operations on this machine, one thread.
//!
//! `cargo bench -p cipherloom-ckks [-- [--json] [KERNEL…] [SET…]]`: the sets of
//! `bench/peers/parameters.txt`, set I unless one is named, for the kernels that are named, else for
//! all of this processor. Microseconds of processor time, smallest and median. Keys and values are
//! random residues: times do not depend on them.
//!
//! The floor of a rotation is what its transforms take, and reading its key from memory once.
use ckks::encoder::Encoder;
use ckks::{Ciphertext, CkksError, Context, First, Plaintext, SwitchingKey};
use ring::{Kernel, Modulus, RnsPolynomial, rotation_element};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;

const SETS: &str = include_str!("../../../bench/peers/parameters.txt");
const RUNS: usize = 21;
const WARM_UPS: usize = 2;
/// One run repeats a short operation until it takes this many microseconds.
const LEAST_RUN: f64 = 20e3;
/// Rotations of one ciphertext that share its decomposition.
const HOISTED: usize = 16;

struct Set {
    name: &'static str,
    degree: usize,
    primes: Vec<u64>,
    special: u64,
}

struct Times {
    least: f64,
    median: f64,
}

/// Microseconds that this thread spent on a processor: other work on the machine does not count.
fn microseconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 * 1e-3
}

/// Distinct primes below 2^bits that the transforms of a degree need, largest first.
fn primes_below(bits: u32, degree: usize) -> impl Iterator<Item = u64> {
    let step = 2 * degree as u64;
    let candidates = (0..1u64 << bits).rev().step_by(step as usize);
    candidates
        .map(move |top| top - step + 2)
        .filter(|&candidate| Modulus::new(candidate).is_ok())
}

fn read_set(line: &'static str) -> Option<Set> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, degree, count, bits, special_bits] = words.as_slice() else {
        return None;
    };
    let (degree, count) = (degree.parse().ok()?, count.parse().ok()?);
    let primes: Vec<u64> = primes_below(bits.parse().ok()?, degree)
        .take(count)
        .collect();
    let special = primes_below(special_bits.parse().ok()?, degree).find(|q| !primes.contains(q))?;
    Some(Set {
        name,
        degree,
        primes,
        special,
    })
}

fn random(context: &Context, primes: usize, state: &mut u64) -> RnsPolynomial {
    let mut result = RnsPolynomial::uninitialised(context.pool(), context.degree(), primes);
    for (i, residue) in result.residues_mut().enumerate() {
        let ring = context.primes().get(i).unwrap_or(&context.specials()[0]);
        for word in residue {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *word = ring.modulus().reduce(*state >> 3);
        }
    }
    result
}

/// Time of work of which one call does `share` units, per unit.
fn measure<T>(
    share: usize,
    mut run: impl FnMut() -> Result<T, CkksError>,
) -> Result<Times, CkksError> {
    let start = microseconds();
    drop(black_box(run()?));
    let calls = (LEAST_RUN / (microseconds() - start).max(1.0)).max(1.0) as u32;
    let mut times = Vec::with_capacity(RUNS);
    for turn in 0..WARM_UPS + RUNS {
        let start = microseconds();
        for _ in 0..calls {
            drop(black_box(run()?));
        }
        if turn >= WARM_UPS {
            times.push((microseconds() - start) / (share as f64 * f64::from(calls)));
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(Times {
        least: times[0],
        median: times[RUNS / 2],
    })
}

/// Where figures go.
struct Printer {
    json: bool,
}

impl Printer {
    fn head(&self) {
        if !self.json {
            let (set, kernel, operation) = ("set", "kernel", "operation");
            println!(
                "{set:3} {kernel:12} {operation:32} {:>9} {:>9}",
                "least us", "median us"
            );
        }
    }

    fn line(&self, library: &str, set: &Set, kernel: Kernel, operation: &str, times: &Times) {
        let (set, kernel) = (set.name, kernel.name());
        let Times { least, median } = times;
        if self.json {
            println!(
                r#"{{"library":"{library}","version":"{}","kernel":"{kernel}","set":"{set}","operation":"{operation}","median":{median:.2},"min":{least:.2},"runs":{RUNS}}}"#,
                env!("CARGO_PKG_VERSION")
            );
        } else {
            let floor = if library == "floor" { ", floor" } else { "" };
            let operation = format!("{operation}{floor}");
            println!("{set:3} {kernel:12} {operation:32} {least:>9.1} {median:>9.1}");
        }
    }
}

/// Bytes of memory that this thread reads in a microsecond, from an array larger than every cache.
fn bandwidth() -> Result<f64, CkksError> {
    const BYTES: usize = 1 << 28;
    let words = vec![1u64; BYTES / size_of::<u64>()];
    let times = measure(1, || Ok(words.iter().fold(0u64, |sum, word| sum ^ word)))?;
    Ok(BYTES as f64 / times.least)
}

/// Time to encode a vector of slots into all data primes, in transformed form.
fn encoding(context: &Context, scale: f64, out: &mut RnsPolynomial) -> Result<Times, CkksError> {
    let degree = context.degree();
    let encoder = Encoder::new(degree);
    let mut scratch = encoder.scratch();
    let slots: Vec<f64> = (0..degree / 2).map(|k| (k as f64).sin()).collect();
    let mut coefficients = vec![0; degree];
    measure(1, || {
        encoder
            .coefficients(&slots, scale, &mut scratch, &mut coefficients)
            .map_err(|_| CkksError::Constant { value: 1.0, scale })?;
        for (ring, residue) in context.primes().iter().zip(out.residues_mut()) {
            for (to, &from) in residue.iter_mut().zip(&coefficients) {
                *to = ring.modulus().from_signed(from);
            }
            ring.forward(residue);
        }
        Ok(())
    })
}

/// What a rotation takes at least: its transforms, and its key read from memory once.
fn floor(set: &Set, forward: f64, inverse: f64, bandwidth: f64) -> f64 {
    let n = set.primes.len();
    // Into coefficients and the special prime out; digits to all primes and the correction back.
    let (inverses, forwards) = ((n + 2) as f64, (n * (n + 1) + 2 * n) as f64);
    let key_bytes = (2 * n * (n + 1) * set.degree * size_of::<u64>()) as f64;
    inverses * inverse + forwards * forward + key_bytes / bandwidth
}

fn evaluate(printer: &Printer, set: &Set, kernel: Kernel, bandwidth: f64) -> Result<(), CkksError> {
    let context = Context::new(set.degree, &set.primes, set.special, kernel)?;
    let n = set.primes.len();
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
    let element = rotation_element(1, set.degree)?;
    let automorphism = context.automorphism(element)?;
    let relinearisation = SwitchingKey::new(&context, &digits());
    // As many keys as rotations: they come from memory, as in a program.
    let keys = (0..HOISTED)
        .map(|_| context.automorphism_key(digits(), element))
        .collect::<Result<Vec<_>, _>>()?;
    let print = |operation: &str, times: &Times| {
        printer.line("cipherloom", set, kernel, operation, times);
    };

    let mut encoded = random(&context, n, &mut state);
    print(
        "encode",
        &encoding(&context, set.primes[0] as f64, &mut encoded)?,
    );
    print("add", &measure(1, || context.add(&a, &b))?);
    print(
        "multiply plain",
        &measure(1, || context.mul_plain(&a, &plain))?,
    );
    let terms: Vec<_> = values.iter().map(|value| (value, &plain)).collect();
    let times = measure(HOISTED, || context.mul_plain_sum(&terms))?;
    print("multiply plain and accumulate", &times);
    print("multiply", &measure(1, || context.multiply(&a, &b))?);
    print("square", &measure(1, || context.square(&a))?);
    let times = measure(1, || {
        context.relinearise(&context.multiply(&a, &b)?, &relinearisation)
    })?;
    print("multiply and relinearise", &times);
    let times = measure(1, || context.relinearise(&product, &relinearisation))?;
    print("relinearise", &times);
    print("rescale", &measure(1, || context.rescale(&a))?);
    let times = measure(1, || context.apply(&a, &automorphism, &keys[0]))?;
    print("rotate", &times);
    let times = measure(HOISTED, || {
        keys.iter()
            .try_for_each(|key| context.apply(&a, &automorphism, key).map(drop))
    })?;
    print("rotate, 16 keys", &times);
    let times = measure(HOISTED, || {
        let digits = context.decompose(&a.polynomials()[1]);
        keys.iter().try_for_each(|key| {
            context
                .apply_hoisted(&a, &digits, &automorphism, key)
                .map(drop)
        })
    })?;
    print("rotate hoisted", &times);
    // A baby step of a linear map.
    let first = First::Plain(&a.polynomials()[0]);
    let digits = context.decompose(&a.polynomials()[1]);
    let times = measure(HOISTED, || {
        keys.iter().try_for_each(|key| {
            context
                .switch(&digits, first, key, Some(&automorphism))
                .map(drop)
        })
    })?;
    print("rotate hoisted, modulo QP", &times);

    let ring = &context.primes()[0];
    let mut residue = encoded.residue(0).to_vec();
    let forward = measure(1, || {
        ring.forward(&mut residue);
        Ok(())
    })?;
    print("ntt forward", &forward);
    let inverse = measure(1, || {
        ring.inverse(&mut residue);
        Ok(())
    })?;
    print("ntt inverse", &inverse);
    let floor = |pick: fn(&Times) -> f64| floor(set, pick(&forward), pick(&inverse), bandwidth);
    let times = Times {
        least: floor(|times| times.least),
        median: floor(|times| times.median),
    };
    printer.line("floor", set, kernel, "rotate", &times);
    Ok(())
}

fn main() -> Result<(), CkksError> {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| chosen.iter().any(|argument| argument == name);
    let mut sets: Vec<Set> = SETS.lines().filter_map(read_set).collect();
    let any = sets.iter().any(|set| named(set.name));
    sets.retain(|set| named(set.name) || (!any && set.name == "I"));
    let mut kernels = Kernel::native();
    if kernels.iter().any(|kernel| named(kernel.name())) {
        kernels.retain(|kernel| named(kernel.name()));
    }
    let printer = Printer {
        json: named("--json"),
    };
    let bandwidth = bandwidth()?;
    printer.head();
    for set in &sets {
        for &kernel in &kernels {
            evaluate(&printer, set, kernel, bandwidth)?;
        }
    }
    if !printer.json {
        println!("memory: {:.1} GB/s", bandwidth * 1e-3);
    }
    Ok(())
}
