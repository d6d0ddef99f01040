//! Linear maps with sums modulo Q·P: the same map as one rotation and product after the other, with
//! no larger error, and the same bits under every kernel and with any number of threads.
mod support;

use ckks::{Ciphertext, Context, Digits, Extended, First, Plaintext, SwitchingKey, Workers};
use ring::{Automorphism, Kernel, PADDING, RnsPolynomial, rotation_element};
use std::collections::HashMap;
use support::{Client, ring};

const DEGREE: usize = 4096;
/// 1 mod 2^18: 49, 48, 40 and 45 bits.
const PRIMES: [u64; 4] = [
    562_949_950_537_729,
    281_474_975_662_081,
    1_099_510_054_913,
    35_184_365_273_089,
];
/// 49, 47 and 48 bits.
const SPECIALS: [u64; 3] = [
    562_949_948_440_577,
    140_737_486_520_321,
    281_474_962_554_881,
];
const BABIES: [i32; 5] = [0, 3, 1, -70, 511];
const GIANTS: [i32; 3] = [0, 40, -512];
const FOLD: i32 = 1000;
/// Largest coefficient of a plaintext.
const LARGEST: u64 = 1000;

/// A client's value, the plaintexts of a map and the keys for it.
struct Setting {
    context: Context,
    client: Client,
    value: Ciphertext,
    /// By giant step and baby step, with residues for every prime.
    plaintexts: Vec<Vec<RnsPolynomial>>,
    keys: HashMap<i32, (Automorphism, SwitchingKey)>,
}

impl Setting {
    fn new(specials: usize, kernel: Kernel, threads: usize) -> Self {
        let context = Context::with_special_primes(DEGREE, &PRIMES, &SPECIALS[..specials], kernel)
            .expect("parameters")
            .with_workers(Workers::new(threads).expect("threads"));
        let mut client = Client::new(DEGREE, 7 + specials as u64);
        let draw = [0, 1].map(|_| client.uniform(&context, PRIMES.len()));
        let value = Ciphertext::new(draw.into(), 1.0);
        let mut plaintext = || {
            let coefficients: Vec<i64> = (0..DEGREE)
                .map(|_| (client.random.word() % (2 * LARGEST + 1)) as i64 - LARGEST as i64)
                .collect();
            let residues = PRIMES.len() + specials;
            let mut made = RnsPolynomial::zero(context.pool(), DEGREE, residues);
            for (i, residue) in made.residues_mut().enumerate() {
                let ring = ring(&context, i, PRIMES.len());
                residue.copy_from_slice(&support::transformed(ring, &coefficients));
            }
            made
        };
        let plaintexts = GIANTS.map(|_| BABIES.map(|_| plaintext()).into()).into();
        let keys = [&BABIES[1..], &GIANTS[1..], &[FOLD]].concat();
        let keys = keys.into_iter().map(|step| {
            let element = rotation_element(step, DEGREE).expect("a step");
            let automorphism = context.automorphism(element).expect("an element");
            let digits = client.automorphism_digits(&context, PRIMES.len(), &automorphism);
            let key = context.automorphism_key(digits, element).expect("a key");
            (step, (automorphism, key))
        });
        let keys = keys.collect();
        Self {
            context,
            client,
            value,
            plaintexts,
            keys,
        }
    }

    /// Every rotation and every product by itself.
    fn one_by_one(&self) -> Ciphertext {
        let context = &self.context;
        let rotate = |value: &Ciphertext, step: i32| match self.keys.get(&step) {
            Some((automorphism, key)) => context.apply(value, automorphism, key).expect("fits"),
            None => context.drop_to(value, PRIMES.len()).expect("a copy"),
        };
        let rotated = BABIES.map(|step| rotate(&self.value, step));
        let sums = self.plaintexts.iter().zip(GIANTS).map(|(row, giant)| {
            let row: Vec<_> = row
                .iter()
                .map(|p| Plaintext::new(p.first(context.pool(), PRIMES.len()), 1.0))
                .collect();
            let terms: Vec<_> = rotated.iter().zip(&row).collect();
            rotate(&context.mul_plain_sum(&terms).expect("fits"), giant)
        });
        let sum = sums.reduce(|a, b| context.add(&a, &b).expect("fits"));
        let sum = sum.expect("giant steps");
        context.add(&sum, &rotate(&sum, FOLD)).expect("fits")
    }

    /// Rotations of a value, where `from` has the digits of the second polynomial.
    fn turned(&self, digits: &Digits, first: First<'_>, step: i32) -> Extended {
        let (automorphism, key) = &self.keys[&step];
        let made = self.context.switch(digits, first, key, Some(automorphism));
        made.expect("fits")
    }

    /// Modulo Q·P to the end; the products in parts of `values` inputs.
    fn double_hoisted(&self, values: usize) -> Ciphertext {
        let context = &self.context;
        let [c0, c1] = self.value.polynomials() else {
            unreachable!("two polynomials")
        };
        let digits = context.decompose(c1);
        let mut sums = GIANTS.map(|_| None);
        for (part, steps) in BABIES.chunks(values).enumerate() {
            let rotated: Vec<Extended> = steps
                .iter()
                .map(|&step| match step {
                    0 => context.extend(&self.value).expect("two polynomials"),
                    step => self.turned(&digits, First::Plain(c0), step),
                })
                .collect();
            let rotated: Vec<&Extended> = rotated.iter().collect();
            let terms: Vec<_> = (0..GIANTS.len())
                .flat_map(|sum| (0..steps.len()).map(move |value| (sum, value)))
                .collect();
            let mut weights = context.weights(terms.clone(), PRIMES.len(), true);
            for (term, (sum, value)) in terms.into_iter().enumerate() {
                let plaintext = &self.plaintexts[sum][part * values + value];
                context.place_weight(&mut weights, term, plaintext);
            }
            context
                .add_products(&mut sums, &rotated, &weights)
                .expect("fits");
        }
        let [total, others @ ..] = sums.map(|sum| sum.expect("products"));
        let mut total = total;
        for (sum, giant) in others.into_iter().zip(&GIANTS[1..]) {
            let digits = context.decompose(&context.reduce_second(&sum));
            let (automorphism, key) = &self.keys[giant];
            let first = First::Extended(&sum);
            context
                .switch_add(&mut total, &digits, first, key, Some(automorphism))
                .expect("fits");
        }
        let digits = context.decompose(&context.reduce_second(&total));
        let folded = self.turned(&digits, First::Extended(&total), FOLD);
        context.add_extended(&mut total, &folded).expect("fits");
        context.reduce(&total, 1.0)
    }

    /// The map on what the client sees, modulo the first prime.
    fn expected(&self) -> Vec<u64> {
        let ring = &self.context.primes()[0];
        let phase = self
            .client
            .phase(&self.context, self.value.polynomials(), 0);
        let turn = |a: &[u64], step: i32| {
            let mut out = a.to_vec();
            if let Some((automorphism, _)) = self.keys.get(&step) {
                automorphism.apply(&mut out, a);
            }
            out
        };
        let mut total = vec![0; DEGREE];
        for (row, giant) in self.plaintexts.iter().zip(GIANTS) {
            let mut sum = vec![0; DEGREE];
            for (plaintext, baby) in row.iter().zip(BABIES) {
                let mut product = turn(&phase, baby);
                ring.mul_assign(&mut product, plaintext.residue(0));
                ring.add_assign(&mut sum, &product);
            }
            ring.add_assign(&mut total, &turn(&sum, giant));
        }
        let folded = turn(&total, FOLD);
        ring.add_assign(&mut total, &folded);
        total
    }

    /// Root mean square of a result's error.
    fn error(&self, result: &Ciphertext) -> f64 {
        let got = self.client.phase(&self.context, result.polynomials(), 0);
        let errors = support::error(&self.context, &got, &self.expected());
        (errors.iter().map(|x| x * x).sum::<f64>() / errors.len() as f64).sqrt()
    }
}

fn words(value: &Ciphertext) -> Vec<u64> {
    let polynomials = value.polynomials().iter();
    polynomials.flat_map(|p| p.words().to_vec()).collect()
}

#[test]
fn sums_modulo_qp_are_the_map_with_no_larger_error() {
    for specials in 1..=3 {
        let setting = Setting::new(specials, Kernel::detect(), 1);
        let [alone, together] =
            [setting.one_by_one(), setting.double_hoisted(BABIES.len())].map(|x| setting.error(&x));
        println!("{specials} special primes: RMS {alone:.1} one by one, {together:.1} modulo Q·P");
        // Roundings of divisions by P are not multiplied by plaintexts: with more special primes
        // than one they were most of the error.
        assert!(together < 1.02 * alone && together > 1.0);
    }
}

#[test]
fn kernels_threads_and_parts_agree_bit_for_bit() {
    let expected = words(&Setting::new(2, Kernel::SCALAR, 1).double_hoisted(1));
    for (n, kernel) in Kernel::all().into_iter().enumerate() {
        let setting = Setting::new(2, kernel, 1 + n % 3);
        assert!(words(&setting.double_hoisted(2)) == expected, "{kernel:?}");
    }
}

#[test]
fn products_modulo_q_are_those_of_single_sums() {
    for kernel in Kernel::native() {
        let setting = Setting::new(1, kernel, 2);
        let context = &setting.context;
        let values = [&setting.value, &setting.one_by_one()];
        let plaintexts: Vec<_> = setting.plaintexts[0][..3]
            .iter()
            .map(|p| Plaintext::new(p.first(context.pool(), PRIMES.len()), 1.0))
            .collect();
        // The second sum has one product, of the second value.
        let terms = [(0, 0), (0, 1), (1, 1)];
        let mut weights = context.weights(terms.to_vec(), PRIMES.len(), false);
        for (term, plaintext) in plaintexts.iter().enumerate() {
            context.place_weight(&mut weights, term, plaintext.polynomial());
        }
        let rings = &context.primes()[..PRIMES.len()];
        let packed: usize = rings.iter().map(|ring| ring.packed_words(3 * DEGREE)).sum();
        assert_eq!(weights.bytes(), 8 * (packed + PADDING));
        let made = context.products(&values, &weights, 1.0).expect("fits");
        for (sum, made) in made.iter().enumerate() {
            let terms: Vec<_> = terms
                .iter()
                .zip(&plaintexts)
                .filter(|((of, _), _)| *of == sum)
                .map(|(&(_, value), plaintext)| (values[value], plaintext))
                .collect();
            let expected = context.mul_plain_sum(&terms).expect("fits");
            assert!(words(made) == words(&expected));
        }
        let refused = context.add_products(&mut [None, None], &[], &weights);
        assert!(refused.is_err(), "plaintexts without special primes");
    }
}
