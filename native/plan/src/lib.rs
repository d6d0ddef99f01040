//! Reads `model.loom` and makes its program ready to run.

mod attributes;
mod container;
mod message;
mod numbers;
mod rational;

pub mod diagonals;
pub mod error;
pub mod groups;
pub mod layout;
pub mod linear_map;
pub mod program;
pub mod read;

pub use error::PlanError;
pub use program::Program;
pub use read::read_plan;
