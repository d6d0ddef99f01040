//! The program of a plan as an evaluator sees it: every index, level, scale and name is checked.

use crate::compositions::Compositions;
use crate::diagonals::LinearMethod;
use crate::layout::Layout;
use crate::linear_map::Segments;

/// Number of the operation that makes a value.
pub type ValueId = usize;

/// Data primes and special primes; level l uses the data primes 0 … l.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modulus {
    pub ring_degree: u32,
    pub primes: Vec<u64>,
    pub special_primes: Vec<u64>,
}

/// Numbers in row-major order of a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    pub name: String,
    pub shape: Vec<u32>,
    pub data: Vec<f64>,
}

/// What each ciphertext of a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Form {
    pub level: usize,
    /// The double that is stamped on results, the nearest to the exact rational of the plan.
    pub scale: f64,
    /// Polynomials: 2, or 3 between a product and its relinearisation.
    pub size: usize,
}

/// The matrix of one operand of a linear operation.
#[derive(Clone, Debug)]
pub struct MatrixOperand {
    pub segments: Segments,
    /// Index into the constants.
    pub weights: usize,
    /// Scale at which its diagonals are encoded.
    pub plain_scale: f64,
}

#[derive(Clone, Debug)]
pub enum Op {
    Input {
        name: String,
    },
    Linear {
        maps: Vec<MatrixOperand>,
        method: LinearMethod,
        compositions: Compositions,
    },
    Add,
    Sub,
    Multiply,
    Square,
    Relinearize,
    Rescale,
    LevelDrop {
        level: usize,
    },
    AddConstant {
        constant: usize,
    },
    MultiplyConstant {
        constant: usize,
        plain_scale: f64,
    },
    /// The server computes the value of that name from the tensors it knows.
    AddPublic {
        value: String,
    },
    MultiplyPublic {
        value: String,
        plain_scale: f64,
    },
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub op: Op,
    pub operands: Vec<ValueId>,
    /// Index into the layouts.
    pub layout: usize,
    pub form: Form,
    /// Node of the model that this comes from.
    pub location: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub value: ValueId,
}

/// A switching key that the program uses, for at most so many data primes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationKey {
    /// To the left, in (−slots/2, slots/2].
    pub step: i32,
    pub primes: usize,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub name: String,
    pub modulus: Modulus,
    pub layouts: Vec<Layout>,
    pub constants: Vec<Constant>,
    /// In execution order: operands come before their users.
    pub operations: Vec<Operation>,
    pub outputs: Vec<Output>,
    /// Data primes of the relinearisation key; 0 for none.
    pub relinearisation_primes: usize,
    pub rotations: Vec<RotationKey>,
    /// Predicted peak of the ciphertexts of one execution, in bytes.
    pub peak_ciphertext_bytes: f64,
}

impl Program {
    pub fn layout_of(&self, value: ValueId) -> &Layout {
        &self.layouts[self.operations[value].layout]
    }
}
