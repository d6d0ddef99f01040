//! Reads `model.loom`, makes its program ready to run and runs it on ciphertexts.

mod attributes;
mod batch_run;
mod batch_work;
mod container;
mod diagonals;
mod encode;
mod error;
mod evaluator;
mod execute;
mod field_count;
mod groups;
mod keys;
mod layout;
mod linear_map;
mod linear_run;
mod linear_work;
mod message;
mod numbers;
mod plaintexts;
mod prepare;
mod program;
mod public_values;
mod rational;
mod read;
mod run_error;
mod slot_constants;
mod slot_places;
mod steps;

pub use error::PlanError;
pub use evaluator::{Evaluator, Inputs, Options, Outputs};
pub use execute::{Control, Progress};
pub use keys::Keys;
pub use prepare::Prepared;
pub use public_values::PublicValues;
pub use read::check_plan;
pub use run_error::RunError;
