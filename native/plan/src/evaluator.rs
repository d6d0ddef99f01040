//! Runs one plan on ciphertexts: blobs in, blobs out.

use std::collections::HashMap;
use std::sync::Arc;

use ckks::encoder::Encoder;
use ckks::serial::{CiphertextForm, ParmsId, ciphertext_bytes, read_ciphertext, write_ciphertext};
use ckks::{Ciphertext, Context};
use ring::Kernel;

use crate::execute::{Control, Run, is_transparent};
use crate::keys::{Keys, polynomial};
use crate::plaintexts::Plaintexts;
use crate::prepare::Prepared;
use crate::public_values::PublicValues;
use crate::run_error::RunError;

/// What a request gives.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Serialised ciphertexts of each input by name.
    pub ciphertexts: HashMap<String, Vec<Vec<u8>>>,
    /// What the server computed in the clear.
    pub public: PublicValues,
}

/// Names of the outputs in the plan's order, with their serialised ciphertexts.
pub type Outputs = Vec<(String, Vec<Vec<u8>>)>;

/// Limits of an evaluator.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of encoded constants that are kept from one run to the next.
    pub plaintext_bytes: usize,
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
    /// Make the tables for a plan, for the fastest kernel of this processor.
    ///
    /// # Errors
    /// Parameters that no ring has.
    pub fn new(prepared: Arc<Prepared>, options: Options) -> Result<Self, RunError> {
        let parameters = &prepared.parameters;
        Ok(Self {
            context: Context::with_special_primes(
                parameters.ring_degree,
                &parameters.primes,
                &parameters.special_primes,
                Kernel::detect(),
            )?,
            encoder: Encoder::new(parameters.ring_degree),
            plaintexts: Plaintexts::new(options.plaintext_bytes),
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

    /// Read the evaluation keys of a client and expand those that the plan uses.
    ///
    /// # Errors
    /// Keys that are damaged, of another plan, or incomplete.
    pub fn read_keys(&self, bytes: &[u8]) -> Result<Keys, RunError> {
        Keys::read(&self.prepared, &self.context, bytes)
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
        let results = Run::new(self, keys, inputs, control).execute()?;
        let outputs = self.prepared.program.outputs.iter().zip(results);
        outputs
            .map(|(output, ciphertexts)| {
                if ciphertexts.iter().any(|value| is_transparent(value)) {
                    return Err(RunError::Transparent(output.name.clone()));
                }
                let blobs = ciphertexts.iter().map(|value| self.write(value)).collect();
                Ok((output.name.clone(), blobs))
            })
            .collect()
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
