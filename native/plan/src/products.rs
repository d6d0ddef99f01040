//! Products of a linear operation, added several at a time.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use ckks::{Ciphertext, Context, Extended, PlainSum, Plaintext};

use crate::execute::stamp;
use crate::partial::Partial;
use crate::run_error::RunError;

/// Products that wait for each other: of some inputs with the plaintexts of some sums.
const TERMS: usize = 32;
/// Plaintexts that wait and that nobody else keeps: they take memory.
const FRESH: usize = 8;

/// A value that is multiplied.
#[derive(Clone)]
pub enum Factor {
    /// Modulo Q.
    Plain(Rc<Ciphertext>),
    /// Modulo Q·P.
    Extended(Rc<Extended>),
}

/// Sums by number, and the products that are still to be added to them.
pub struct Products<'a> {
    context: &'a Context,
    /// Scale of every sum.
    scale: f64,
    waiting: Vec<(usize, Factor, Arc<Plaintext>)>,
    fresh: usize,
    sums: HashMap<usize, Partial>,
}

impl<'a> Products<'a> {
    pub fn new(context: &'a Context, scale: f64) -> Self {
        Self {
            context,
            scale,
            waiting: Vec::new(),
            fresh: 0,
            sums: HashMap::new(),
        }
    }

    /// Add value · plaintext to a sum.
    pub fn add(
        &mut self,
        sum: usize,
        value: Factor,
        plaintext: Arc<Plaintext>,
    ) -> Result<(), RunError> {
        self.fresh += usize::from(Arc::strong_count(&plaintext) == 1);
        self.waiting.push((sum, value, plaintext));
        if self.waiting.len() >= TERMS || self.fresh >= FRESH {
            self.flush()?;
        }
        Ok(())
    }

    /// Add a product that is made.
    pub fn add_made(&mut self, sum: usize, mut product: Ciphertext) -> Result<(), RunError> {
        stamp(&mut product, self.scale)?;
        let product = Partial::Plain(product);
        let total = match self.sums.remove(&sum) {
            Some(total) => total.plus(self.context, product)?,
            None => product,
        };
        self.sums.insert(sum, total);
        Ok(())
    }

    /// A sum that is complete.
    pub fn take(&mut self, sum: usize) -> Result<Partial, RunError> {
        self.flush()?;
        let found = self.sums.remove(&sum);
        found.ok_or_else(|| RunError::Internal(format!("sum {sum} has no products")))
    }

    /// Make the products that wait, so that nothing is held for them.
    pub fn flush(&mut self) -> Result<(), RunError> {
        self.fresh = 0;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|&(sum, ..)| sum);
        let mut extended: Vec<(usize, Extended, bool, Vec<_>)> = Vec::new();
        for terms in waiting.chunk_by(|a, b| a.0 == b.0) {
            let sum = terms[0].0;
            let mut plain = Vec::new();
            let mut wide = Vec::new();
            for (_, value, plaintext) in terms {
                match value {
                    Factor::Plain(value) => plain.push((&**value, &**plaintext)),
                    Factor::Extended(value) => wide.push((&**value, &**plaintext)),
                }
            }
            self.add_plain(sum, &plain)?;
            let Some(&(first, _)) = wide.first() else {
                continue;
            };
            let (total, empty) = match self.sums.remove(&sum) {
                Some(Partial::Extended(total)) => (total, false),
                Some(Partial::Plain(total)) => (self.context.extend(&total)?, false),
                None => (self.context.extended(first.primes()), true),
            };
            extended.push((sum, total, empty, wide));
        }
        let mut sums: Vec<PlainSum<'_>> = extended
            .iter_mut()
            .map(|(_, sum, empty, terms)| PlainSum {
                sum,
                empty: *empty,
                terms: std::mem::take(terms),
            })
            .collect();
        self.context.add_plain_products(&mut sums)?;
        for (sum, total, ..) in extended {
            self.sums.insert(sum, Partial::Extended(total));
        }
        Ok(())
    }

    /// Products modulo Q. Those that are reduced at once have the same scale in every bit.
    fn add_plain(
        &mut self,
        sum: usize,
        terms: &[(&Ciphertext, &Plaintext)],
    ) -> Result<(), RunError> {
        let scale =
            |(x, weight): &(&Ciphertext, &Plaintext)| (x.scale() * weight.scale()).to_bits();
        for terms in terms.chunk_by(|a, b| scale(a) == scale(b)) {
            self.add_made(sum, self.context.mul_plain_sum(terms)?)?;
        }
        Ok(())
    }
}
