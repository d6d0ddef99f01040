//! Reads `model.loom`, makes its program ready to run and runs it on ciphertexts.

mod attributes;
mod batch_run;
mod batch_work;
mod compositions;
mod container;
mod depth_first;
mod diagonals;
mod encode;
mod error;
mod evaluator;
mod execute;
mod expanded_keys;
mod field_count;
mod groups;
mod inputs;
mod keys;
mod layout;
mod linear_map;
mod linear_run;
mod linear_work;
mod message;
mod numbers;
mod partial;
mod plaintexts;
mod prepare;
mod products;
mod program;
mod public_values;
mod rational;
mod read;
mod request;
mod request_memory;
mod run_error;
mod slot_constants;
mod slot_places;
mod steps;

pub use ckks::serial::{KeyBytes, KeyFile};
pub use error::PlanError;
pub use evaluator::{Evaluator, Options, Outputs};
pub use expanded_keys::ExpandedKeys;
pub use inputs::{InputBlobs, Inputs};
pub use keys::Keys;
pub use prepare::Prepared;
pub use public_values::PublicValues;
pub use read::check_plan;
pub use request::{Control, Progress};
pub use request_memory::RequestMemory;
pub use run_error::RunError;

/// Name of the instructions that evaluators compute with on this processor.
pub fn kernel_name() -> &'static str {
    ring::Kernel::detect().name()
}
