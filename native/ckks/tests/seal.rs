//! Bit for bit what SEAL computes: fingerprints written by `test/native/generate-seal-vectors.ts`.
use ckks::{Ciphertext, Context, Plaintext};
use ring::{Kernel, RnsPolynomial};
use sha2::{Digest, Sha256};

const SCALE: f64 = 1024.0;

/// mulberry32
fn next(state: &mut u32) -> u32 {
    *state = state.wrapping_add(0x6d2b_79f5);
    let s = *state;
    let mut t = (s ^ (s >> 15)).wrapping_mul(1 | s);
    t = t.wrapping_add((t ^ (t >> 7)).wrapping_mul(0x3d | t)) ^ t;
    t ^ (t >> 14)
}

fn drawn(context: &Context, value: u32) -> RnsPolynomial {
    let primes = context.primes();
    let mut polynomial = RnsPolynomial::zero(context.pool(), context.degree(), primes.len());
    for (i, (ring, residue)) in primes.iter().zip(polynomial.residues_mut()).enumerate() {
        let q = ring.modulus().value();
        let mut state = 1000 * value + i as u32;
        for word in residue {
            let (high, low) = (next(&mut state), next(&mut state));
            *word = match high & 15 {
                0 => 0,
                1 => q - 1,
                _ => (u64::from(high >> 12) << 32 | u64::from(low)) % q,
            };
        }
    }
    polynomial
}

fn fingerprint<'a>(polynomials: impl IntoIterator<Item = &'a RnsPolynomial>, scale: f64) -> String {
    let mut hash = Sha256::new();
    for word in polynomials.into_iter().flat_map(RnsPolynomial::words) {
        hash.update(word.to_le_bytes());
    }
    hash.update(scale.to_le_bytes());
    let bytes = hash.finalize();
    let word = u64::from_be_bytes(bytes[..8].try_into().expect("eight bytes"));
    format!("{word:016x}")
}

fn of(ciphertext: &Ciphertext) -> String {
    fingerprint(ciphertext.polynomials(), ciphertext.scale())
}

struct Operands {
    context: Context,
    a: Ciphertext,
    b: Ciphertext,
    p: Plaintext,
}

fn operands(context: Context) -> Operands {
    let value = |k| Ciphertext::new(vec![drawn(&context, k), drawn(&context, k + 1)], SCALE);
    let (a, b) = (value(0), value(10));
    let p = Plaintext::new(drawn(&context, 20), SCALE);
    Operands { context, a, b, p }
}

fn transformed(context: &Context) -> String {
    let primes = context.primes();
    let mut polynomial = RnsPolynomial::zero(context.pool(), context.degree(), primes.len());
    for (ring, residue) in primes.iter().zip(polynomial.residues_mut()) {
        let mut state = 7;
        for word in residue.iter_mut() {
            let coefficient = i64::from(next(&mut state) % 65537);
            let centred = if coefficient > 32768 {
                coefficient - 65537
            } else {
                coefficient
            };
            *word = ring.modulus().from_signed(centred);
        }
        ring.forward(residue);
    }
    fingerprint([&polynomial], 1.0)
}

fn compute(name: &str, Operands { context, a, b, p }: &Operands) -> String {
    let result = match name {
        "ntt" => return transformed(context),
        "add" => context.add(a, b),
        "sub" => context.sub(a, b),
        "negate" => Ok(context.negate(a)),
        "add_plain" => context.add_plain(a, p),
        "sub_plain" => context.sub_plain(a, p),
        "mul_plain" => context.mul_plain(a, p),
        "add_constant" => context.add_constant(a, 1.234_567_8),
        "mul_constant" => context.mul_constant(a, -3.3, SCALE),
        "multiply" => context.multiply(a, b),
        "square" => context.square(a),
        "rescale" => context.rescale(a),
        "rescale_product" => context.multiply(a, b).and_then(|ab| context.rescale(&ab)),
        "drop" => context.drop_to(b, b.primes() - 1),
        "rescale_all" => {
            let all = context.drop_to(a, a.primes());
            (1..a.primes()).fold(all, |value, _| {
                value.and_then(|value| context.rescale(&value))
            })
        }
        other => panic!("unknown operation {other}"),
    };
    of(&result.expect("operands fit"))
}

#[test]
fn results_are_those_of_seal() {
    let mut checked = 0;
    for kernel in Kernel::native() {
        let mut current: Option<Operands> = None;
        for line in include_str!("../../test-vectors/seal.txt").lines() {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["#", ..] => {}
                ["case", degree, moduli] => {
                    let moduli: Vec<u64> = moduli.split(',').map(|q| q.parse().unwrap()).collect();
                    let (special, primes) = moduli.split_last().unwrap();
                    let degree = degree.parse().unwrap();
                    current = Some(operands(
                        Context::new(degree, primes, *special, kernel).unwrap(),
                    ));
                }
                [name, expected] => {
                    let operands = current.as_ref().unwrap();
                    let got = compute(name, operands);
                    let (degree, primes) = (operands.context.degree(), operands.a.primes());
                    assert_eq!(
                        got, expected,
                        "{name} {kernel:?} N={degree} primes={primes}"
                    );
                    checked += 1;
                }
                _ => panic!("malformed line {line}"),
            }
        }
    }
    assert!(checked >= 90, "{checked} results");
}
