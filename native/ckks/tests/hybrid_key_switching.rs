//! Key switching with several special primes: digits of several primes, the error of the formula.
mod support;

use ckks::{Ciphertext, CkksError, Context, SwitchingKey};
use ring::{Kernel, rotation_element};
use support::{Client, error};

const DEGREE: usize = 2048;
/// 1 mod 2^18: 49, 48, 40, 45 and 47 bits.
const PRIMES: [u64; 5] = [
    562_949_950_537_729,
    281_474_975_662_081,
    1_099_510_054_913,
    35_184_365_273_089,
    140_737_487_306_753,
];
/// 49, 47 and 48 bits.
const SPECIALS: [u64; 3] = [
    562_949_948_440_577,
    140_737_486_520_321,
    281_474_962_554_881,
];
const SCALE: f64 = 1.0;

fn context(specials: usize, kernel: Kernel) -> Context {
    Context::with_special_primes(DEGREE, &PRIMES, &SPECIALS[..specials], kernel)
        .expect("parameters")
}

fn uniform(client: &mut Client, context: &Context, polynomials: usize) -> Ciphertext {
    let draw = (0..polynomials).map(|_| client.uniform(context, PRIMES.len()));
    Ciphertext::new(draw.collect(), SCALE)
}

/// N·σ²·Σ D_j²/12 / P² + (1 + N·V_s)/12 with the variance V_s of this secret.
fn predicted_variance(client: &Client, specials: usize, primes: usize) -> f64 {
    let n = DEGREE as f64;
    let product = |list: &[u64]| list.iter().map(|&q| q as f64).product::<f64>();
    let p = product(&SPECIALS[..specials]);
    let digits = PRIMES[..primes].chunks(specials).map(product);
    let digits: f64 = digits.map(|d| (d / p).powi(2) / 12.0).sum();
    let secret = client.secret.iter().map(|&s| (s * s) as f64).sum::<f64>() / n;
    n * 10.5 * digits + (1.0 + n * secret) / 12.0
}

fn check_errors(client: &Client, specials: usize, primes: usize, errors: &[Vec<f64>]) {
    let all: Vec<f64> = errors.concat();
    assert!(all.len() >= 2 * 40_000, "40,000 slots");
    let variance = predicted_variance(client, specials, primes);
    let mean = all.iter().map(|x| x * x).sum::<f64>() / all.len() as f64;
    let ratio = (mean / variance).sqrt();
    println!("{specials} special primes, {primes} data primes: RMS {ratio:.4} of the formula's");
    assert!(
        (0.95..1.05).contains(&ratio),
        "RMS is {ratio} of the formula's for {specials} special primes"
    );
    // A coefficient is a sum of N products: Gaussian, so 7 deviations have a probability of 2^-38.
    let worst = all.iter().fold(0.0, |worst: f64, x| worst.max(x.abs())) / variance.sqrt();
    assert!(worst < 7.0, "a coefficient is {worst} deviations off");
}

#[test]
fn rotations_add_the_predicted_error() {
    for specials in 1..=3 {
        let context = context(specials, Kernel::detect());
        let mut client = Client::new(DEGREE, 10 + specials as u64);
        let mut errors = Vec::new();
        for step in 1..=40 {
            let element = rotation_element(step * 13, DEGREE).expect("a step");
            let automorphism = context.automorphism(element).expect("an element");
            let digits = client.automorphism_digits(&context, PRIMES.len(), &automorphism);
            assert_eq!(digits.len(), PRIMES.len().div_ceil(specials));
            let key = context
                .automorphism_key(digits, element)
                .expect("an element");
            let value = uniform(&mut client, &context, 2);
            let result = context
                .apply(&value, &automorphism, &key)
                .expect("operands fit");
            let digits = context.decompose(&value.polynomials()[1]);
            let hoisted = context
                .apply_hoisted(&value, &digits, &automorphism, &key)
                .expect("fits");
            for (a, b) in result.polynomials().iter().zip(hoisted.polynomials()) {
                assert_eq!(a.words(), b.words(), "hoisting changes nothing");
            }
            let mut expected = vec![0; DEGREE];
            automorphism.apply(
                &mut expected,
                &client.phase(&context, value.polynomials(), 0),
            );
            let got = client.phase(&context, result.polynomials(), 0);
            errors.push(error(&context, &got, &expected));
        }
        check_errors(&client, specials, PRIMES.len(), &errors);
    }
}

#[test]
fn relinearisation_adds_the_predicted_error_at_every_level() {
    // Digits are cut off: four, three, two and one of the primes of the last one are left.
    for (specials, primes) in [(2, 5), (2, 4), (2, 3), (3, 4), (3, 2), (3, 1)] {
        let context = context(specials, Kernel::detect());
        let mut client = Client::new(DEGREE, 20 + primes as u64);
        let key = SwitchingKey::new(&context, &client.square_digits(&context, PRIMES.len()));
        assert_eq!(key.primes(), PRIMES.len());
        let errors: Vec<_> = (0..40)
            .map(|_| {
                let value = uniform(&mut client, &context, 3);
                let value = context.drop_to(&value, primes).expect("fewer primes");
                let result = context.relinearise(&value, &key).expect("operands fit");
                let expected = client.phase(&context, value.polynomials(), 0);
                error(
                    &context,
                    &client.phase(&context, result.polynomials(), 0),
                    &expected,
                )
            })
            .collect();
        check_errors(&client, specials, primes, &errors);
    }
}

#[test]
fn trimmed_keys_serve_lower_levels_and_are_refused_above() {
    let context = context(2, Kernel::detect());
    let mut client = Client::new(DEGREE, 4);
    let key = SwitchingKey::new(&context, &client.square_digits(&context, 3));
    let value = uniform(&mut client, &context, 3);
    let refused = context.relinearise(&value, &key);
    assert_eq!(
        refused.err(),
        Some(CkksError::KeyTrimmed { key: 3, value: 5 })
    );
    for primes in [3, 2, 1] {
        let low = context.drop_to(&value, primes).expect("fewer primes");
        let result = context.relinearise(&low, &key).expect("operands fit");
        let expected = client.phase(&context, low.polynomials(), 0);
        let got = client.phase(&context, result.polynomials(), 0);
        let worst = error(&context, &got, &expected)
            .iter()
            .fold(0.0, |m: f64, x| m.max(x.abs()));
        let limit = 7.0 * predicted_variance(&client, 2, primes).sqrt();
        assert!(worst < limit, "{worst} at {primes} primes, limit {limit}");
    }
}

#[test]
fn kernels_agree_bit_for_bit() {
    let results: Vec<Vec<u64>> = Kernel::all()
        .into_iter()
        .map(|kernel| {
            let context = context(2, kernel);
            let mut client = Client::new(DEGREE, 3);
            let key = SwitchingKey::new(&context, &client.square_digits(&context, PRIMES.len()));
            let value = uniform(&mut client, &context, 3);
            let result = context.relinearise(&value, &key).expect("operands fit");
            let polynomials = result.polynomials().iter();
            polynomials.flat_map(|p| p.words().to_vec()).collect()
        })
        .collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}
