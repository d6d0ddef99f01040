//! Sums of products of a linear operation.

use std::collections::HashMap;
use std::sync::Arc;

use ckks::{Ciphertext, Context, Extended, Weights};

use crate::partial::Partial;
use crate::request::stamp;
use crate::run_error::RunError;

/// Values that are multiplied: inputs, or what was made of them.
pub enum Factors {
    /// Modulo Q.
    Plain(Vec<Arc<Ciphertext>>),
    /// Modulo Q·P.
    Extended(Vec<Arc<Extended>>),
}

/// Sums by number, all of one scale.
pub struct Sums<'a> {
    context: &'a Context,
    scale: f64,
    by_number: HashMap<usize, Partial>,
}

impl<'a> Sums<'a> {
    pub fn new(context: &'a Context, scale: f64) -> Self {
        Self {
            context,
            scale,
            by_number: HashMap::new(),
        }
    }

    /// Add to a sum.
    pub fn add(&mut self, sum: usize, mut product: Ciphertext) -> Result<(), RunError> {
        stamp(&mut product, self.scale)?;
        let product = Partial::Plain(product);
        let total = match self.by_number.remove(&sum) {
            Some(total) => total.plus(self.context, product)?,
            None => product,
        };
        self.by_number.insert(sum, total);
        Ok(())
    }

    /// Add products to the sums of these numbers.
    pub fn add_products(
        &mut self,
        numbers: &[usize],
        factors: &Factors,
        weights: &Weights,
    ) -> Result<(), RunError> {
        match factors {
            Factors::Plain(values) => {
                let values: Vec<&Ciphertext> = values.iter().map(|value| &**value).collect();
                let made = self.context.products(&values, weights, self.scale)?;
                for (&number, product) in numbers.iter().zip(made) {
                    self.add(number, product)?;
                }
            }
            Factors::Extended(values) => {
                let values: Vec<&Extended> = values.iter().map(|value| &**value).collect();
                let mut sums = numbers
                    .iter()
                    .map(|number| match self.by_number.remove(number) {
                        Some(Partial::Extended(sum)) => Ok(Some(sum)),
                        Some(Partial::Plain(sum)) => self.context.extend(&sum).map(Some),
                        None => Ok(None),
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                self.context.add_products(&mut sums, &values, weights)?;
                let sums = numbers.iter().zip(sums.into_iter().flatten());
                self.by_number
                    .extend(sums.map(|(&number, sum)| (number, Partial::Extended(sum))));
            }
        }
        Ok(())
    }

    /// A sum that is complete.
    pub fn take(&mut self, sum: usize) -> Result<Partial, RunError> {
        let found = self.by_number.remove(&sum);
        found.ok_or_else(|| RunError::Internal(format!("sum {sum} has no products")))
    }
}
