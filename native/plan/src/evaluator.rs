//! Runs one plan on ciphertexts: blobs in, blobs out.

use std::path::Path;
use std::sync::Arc;

use ckks::encoder::Encoder;
use ckks::serial::{
    CiphertextForm, KeyBytes, ParmsId, ciphertext_bytes, read_ciphertext, write_ciphertext,
};
use ckks::{Ciphertext, Context, Workers};
use ring::Kernel;

use crate::execute::Run;
use crate::inputs::Inputs;
use crate::keys::{Keys, polynomial};
use crate::plaintexts::Plaintexts;
use crate::prepare::Prepared;
use crate::request::{Control, Request, is_transparent};
use crate::run_error::RunError;

/// Names of the outputs in the plan's order, with their serialised ciphertexts.
pub type Outputs = Vec<(String, Vec<Vec<u8>>)>;

/// Limits of an evaluator.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of encoded constants that are kept from one run to the next: transformed, or where they
    /// do not fit as coefficients, or not at all.
    pub plaintext_bytes: usize,
    /// Threads that work on a run. Results have the same bytes for any number.
    pub threads: usize,
}

/// A plan with the tables of its ring; it serves any number of keys, from several threads.
#[derive(Debug)]
pub struct Evaluator {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) context: Context,
    pub(crate) encoder: Encoder,
    pub(crate) plaintexts: Plaintexts,
    /// By number of primes less one.
    parms_ids: Vec<ParmsId>,
}

impl Evaluator {
    /// Make the tables for a plan, for the fastest kernel of this processor, and start the threads.
    ///
    /// # Errors
    /// Parameters that no ring has; [`RunError::Threads`].
    pub fn new(prepared: Arc<Prepared>, options: Options) -> Result<Self, RunError> {
        let parameters = &prepared.parameters;
        Ok(Self {
            context: Context::with_special_primes(
                parameters.ring_degree,
                &parameters.primes,
                &parameters.special_primes,
                Kernel::detect(),
            )?
            .with_workers(Workers::new(options.threads)?),
            encoder: Encoder::new(parameters.ring_degree),
            plaintexts: Plaintexts::new(&prepared, options.plaintext_bytes),
            parms_ids: (1..=parameters.primes.len())
                .map(|primes| parameters.parms_id(parameters.data_moduli(primes)))
                .collect(),
            prepared,
        })
    }

    /// The plan that it runs.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Open the evaluation keys of a client; each is expanded where a run first uses it.
    ///
    /// With a folder, expanded keys are mapped from a file there, which all processes share; it is
    /// made where it is missing. Who can write to the folder can make results wrong, or end the
    /// process by shortening a file.
    ///
    /// # Errors
    /// Keys of another plan, or incomplete; a folder that cannot be written to. A damaged key fails
    /// the run that uses it first.
    pub fn open_keys(
        &self,
        bytes: Box<dyn KeyBytes>,
        folder: Option<&Path>,
    ) -> Result<Keys, RunError> {
        Keys::open(&self.prepared, &self.context, bytes, folder)
    }

    /// Run the program once.
    ///
    /// # Errors
    /// Inputs that are missing or damaged; [`RunError::Cancelled`].
    pub fn run(
        &self,
        keys: &Keys,
        inputs: &Inputs,
        control: &mut Control<'_>,
    ) -> Result<Outputs, RunError> {
        let workers = self.context.workers();
        workers.install(|| {
            let results = Run::new(Request::new(self, keys, inputs, control)).execute()?;
            let outputs = self.prepared.program.outputs.iter().zip(results);
            outputs
                .map(|(output, ciphertexts)| {
                    if ciphertexts.iter().any(|value| is_transparent(value)) {
                        return Err(RunError::Transparent(output.name.clone()));
                    }
                    let blobs = workers.map(ciphertexts, |value| self.write(&value));
                    Ok((output.name.clone(), blobs))
                })
                .collect()
        })
    }

    /// Read a ciphertext of an input.
    pub(crate) fn read(
        &self,
        name: &str,
        blob: &[u8],
        primes: usize,
        scale: f64,
    ) -> Result<Ciphertext, RunError> {
        let degree = self.context.degree();
        let moduli = self.prepared.parameters.data_moduli(primes);
        let seeded = ciphertext_bytes(degree, primes, CiphertextForm::Seeded);
        let form = if blob.len() == seeded {
            CiphertextForm::Seeded
        } else {
            CiphertextForm::Expanded
        };
        let id = &self.parms_ids[primes - 1];
        match read_ciphertext(blob, id, degree, moduli, scale, form) {
            Ok(words) => {
                let polynomials = words.iter().map(|words| polynomial(&self.context, words));
                Ok(Ciphertext::new(polynomials.collect(), scale))
            }
            Err(error) => Err(RunError::Input {
                name: name.to_owned(),
                reason: format!("holds a bad ciphertext: {error}"),
            }),
        }
    }

    fn write(&self, value: &Ciphertext) -> Vec<u8> {
        let words = [0, 1].map(|k| value.polynomials()[k].words());
        let id = &self.parms_ids[value.primes() - 1];
        write_ciphertext(words, id, self.context.degree(), value.scale())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::Work;
    use crate::program::Op;
    use crate::public_values::PublicValues;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicBool;

    const PLANS: [&[u8]; 2] = [
        include_bytes!("../../fuzz/corpus/small.loom"),
        include_bytes!("../../fuzz/corpus/batch.loom"),
    ];

    fn evaluator(plan: &[u8], threads: usize) -> Result<Evaluator, RunError> {
        let options = Options {
            plaintext_bytes: 1 << 24,
            threads,
        };
        Evaluator::new(Arc::new(Prepared::new(plan)?), options)
    }

    /// Residues that look like those of a ciphertext; no key opens it.
    fn noise(words: &mut [u64], modulus: u64, seed: u64) {
        for (word, n) in words.iter_mut().zip(seed..) {
            *word = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) % modulus;
        }
    }

    fn inputs(evaluator: &Evaluator) -> Inputs {
        let degree = evaluator.context.degree();
        let program = &evaluator.prepared.program;
        let operations = program.operations.iter().enumerate();
        let ciphertexts = operations.filter_map(|(id, operation)| {
            let Op::Input { name } = &operation.op else {
                return None;
            };
            let primes = operation.form.level + 1;
            let moduli = evaluator.prepared.parameters.data_moduli(primes);
            let count = program.layout_of(id).ciphertexts;
            let blobs = (0..u64::from(count)).map(|index| {
                let words = [1, 2].map(|k| {
                    let mut words = vec![0; primes * degree];
                    for (words, &q) in words.chunks_exact_mut(degree).zip(moduli) {
                        noise(words, q, 1_000_000 * (3 * index + k));
                    }
                    words
                });
                let id = &evaluator.parms_ids[primes - 1];
                write_ciphertext([&words[0], &words[1]], id, degree, operation.form.scale)
            });
            Some((name.clone(), blobs.collect()))
        });
        Inputs::held(ciphertexts.collect(), PublicValues::default())
    }

    fn run(evaluator: &Evaluator, keys: &Keys, inputs: &Inputs) -> Result<Outputs, RunError> {
        let cancelled = AtomicBool::new(false);
        let mut control = Control {
            cancelled: &cancelled,
            progress: &mut |_| (),
        };
        evaluator.run(keys, inputs, &mut control)
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bytes_in_bounded_memory() -> Result<(), RunError> {
        for plan in PLANS {
            let mut first: Option<(Outputs, usize)> = None;
            for threads in [1, 2, 3, 8] {
                let evaluator = evaluator(plan, threads)?;
                let keys = Keys::of_noise(&evaluator.prepared, &evaluator.context, noise)?;
                let inputs = inputs(&evaluator);
                let before = evaluator.context.pool().held_bytes();
                let outputs = run(&evaluator, &keys, &inputs)?;
                let held = evaluator.context.pool().held_bytes() - before;
                let (expected, alone) = first.get_or_insert((outputs.clone(), held));
                assert!(outputs == *expected, "{threads} threads");
                // Each further thread works on a ciphertext of its own, with its scratch.
                let context = &evaluator.context;
                let residues = context.primes().len() + context.specials().len();
                let digits = context.primes().len() * residues;
                let most = 8 * context.degree() * (digits + 12 * residues);
                assert!(
                    held <= *alone + (threads - 1) * most,
                    "{threads}: {held}, {alone}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn a_panic_in_a_thread_is_a_panic_of_its_run_alone() -> Result<(), RunError> {
        let evaluator = evaluator(PLANS[0], 3)?;
        let rotates = |work: &Work| matches!(work, Work::Linear(linear) if linear.rotations > 0);
        assert!(evaluator.prepared.work.iter().any(rotates));
        let inputs = inputs(&evaluator);
        let good = Keys::of_noise(&evaluator.prepared, &evaluator.context, noise)?;
        let expected = run(&evaluator, &good, &inputs)?;
        // Keys of a smaller ring: the interface refuses them, here they meet the checks of `ring`.
        let parameters = &evaluator.prepared.parameters;
        let smaller = Context::with_special_primes(
            parameters.ring_degree / 2,
            &parameters.primes,
            &parameters.special_primes,
            Kernel::detect(),
        )?;
        let bad = Keys::of_noise(&evaluator.prepared, &smaller, noise)?;
        for _ in 0..3 {
            let failed = catch_unwind(AssertUnwindSafe(|| run(&evaluator, &bad, &inputs)));
            assert!(failed.is_err(), "keys of another ring were used");
            assert!(run(&evaluator, &good, &inputs)? == expected);
        }
        Ok(())
    }

    #[test]
    fn a_run_is_stopped_from_another_thread() -> Result<(), RunError> {
        for threads in [1, 3] {
            let evaluator = evaluator(PLANS[0], threads)?;
            let keys = Keys::of_noise(&evaluator.prepared, &evaluator.context, noise)?;
            let cancelled = AtomicBool::new(true);
            let mut control = Control {
                cancelled: &cancelled,
                progress: &mut |_| (),
            };
            let stopped = evaluator.run(&keys, &inputs(&evaluator), &mut control);
            assert!(matches!(stopped, Err(RunError::Cancelled)), "{threads}");
        }
        Ok(())
    }

    #[test]
    fn refuses_more_threads_than_there_can_be() {
        let refused = evaluator(PLANS[0], usize::MAX);
        assert!(matches!(refused, Err(RunError::Threads(usize::MAX))));
    }
}
