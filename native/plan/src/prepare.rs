//! A program made ready to run many times.

use ckks::serial::Parameters;
use sha2::{Digest, Sha256};

use crate::batch_work::BatchWork;
use crate::depth_first::{Piece, depth_first};
use crate::error::{PlanError, refuse};
use crate::linear_work::LinearWork;
use crate::program::{Constant, Op, Operation, Program};
use crate::public_values::PublicSlots;
use crate::read::read_plan;
use crate::slot_constants::SlotConstants;
use crate::steps::{Step, execution_steps};

/// What one operation needs besides its operands.
#[derive(Debug)]
pub enum Work {
    Linear(Box<LinearWork>),
    Batch(BatchWork),
    Constants(SlotConstants),
    Public(PublicSlots),
    None,
}

/// A plan with its steps and diagonals.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) program: Program,
    /// SHA-256 of the file: keys name the plan they were made for by it.
    pub(crate) hash: [u8; 32],
    pub(crate) parameters: Parameters,
    pub(crate) steps: Vec<Step>,
    /// By operation.
    pub(crate) work: Vec<Work>,
    /// Parts of the steps in the order of execution, where nothing rotates; else steps are run as a
    /// whole.
    pub(crate) pieces: Option<Vec<Piece>>,
    pub(crate) units: usize,
}

impl Prepared {
    /// Read the bytes of `model.loom` and make the program ready.
    ///
    /// Cost: reading the plan, and listing the products of its linear maps; these stay in memory.
    ///
    /// # Errors
    /// A plan that is damaged, or that asks for what this evaluator cannot do.
    pub fn new(file: &[u8]) -> Result<Self, PlanError> {
        let program = read_plan(file)?;
        let work: Vec<Work> = program
            .operations
            .iter()
            .map(|operation| work_of(&program, operation))
            .collect();
        for (n, (work, operation)) in work.iter().zip(&program.operations).enumerate() {
            let sizes = operation
                .operands
                .iter()
                .map(|&x| program.operations[x].form.size);
            if matches!(work, Work::Linear(_)) && sizes.max() != Some(2) {
                return refuse(
                    format!("operation {n}"),
                    "rotates an operand that is not relinearised",
                );
            }
        }
        let units = work
            .iter()
            .zip(&program.operations)
            .map(|(work, operation)| match work {
                Work::Linear(linear) => linear.order.len() + linear.rotations,
                Work::Batch(batch) => batch.products,
                _ => program.layouts[operation.layout].ciphertexts as usize,
            })
            .sum();
        let steps = execution_steps(&program);
        Ok(Self {
            hash: Sha256::digest(file).into(),
            parameters: Parameters {
                ring_degree: program.modulus.ring_degree as usize,
                primes: program.modulus.primes.clone(),
                special_primes: program.modulus.special_primes.clone(),
            },
            pieces: depth_first(&program, &steps, &work),
            steps,
            work,
            units,
            program,
        })
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Predicted peak of the ciphertexts of one run, in bytes.
    pub const fn peak_ciphertext_bytes(&self) -> f64 {
        self.program.peak_ciphertext_bytes
    }

    /// Names of the inputs that a request gives.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.program
            .operations
            .iter()
            .filter_map(|operation| match &operation.op {
                Op::Input { name } => Some(name.as_str()),
                _ => None,
            })
    }

    /// Ciphertexts of an input.
    pub fn input_ciphertexts(&self, input: &str) -> Option<usize> {
        let operations = self.program.operations.iter();
        let found = operations
            .filter(|operation| matches!(&operation.op, Op::Input { name } if name == input));
        found
            .map(|operation| self.program.layouts[operation.layout].ciphertexts as usize)
            .next()
    }

    /// SHA-256 of the file.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

fn work_of(program: &Program, operation: &Operation) -> Work {
    let layout = &program.layouts[operation.layout];
    let placed = |constant: &Constant, elsewhere: f64| {
        Work::Constants(SlotConstants::new(layout, constant, elsewhere))
    };
    match operation.op {
        Op::AddPublic { ref value } | Op::MultiplyPublic { ref value, .. } => {
            Work::Public(PublicSlots::new(layout, value.clone()))
        }
        Op::AddConstant { constant } => placed(&program.constants[constant], 0.0),
        Op::MultiplyConstant { constant, .. } => {
            let constant = &program.constants[constant];
            let only = match constant.data[..] {
                [value] => value,
                _ => 0.0,
            };
            placed(constant, only)
        }
        _ => match LinearWork::new(program, operation) {
            None => Work::None,
            Some(linear) => match BatchWork::new(&linear) {
                Some(batch) => Work::Batch(batch),
                None => Work::Linear(Box::new(linear)),
            },
        },
    }
}
