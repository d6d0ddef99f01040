//! Runs one linear operation; its steps are those of `src/backend/execute/execute-linear.ts`.
//!
//! Rotations of one input share its digits. Products of one sum are added several at a time.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use ckks::{Ciphertext, Context, Digits, Plaintext};

use crate::execute::{Run, is_transparent, stamp};
use crate::linear_work::LinearWork;
use crate::run_error::RunError;
use crate::steps::Step;

/// Products that are reduced at once: more hold more plaintexts and gain little.
const TERMS: usize = 8;

/// A sum of products under way.
#[derive(Default)]
struct Sum {
    terms: Vec<(Rc<Ciphertext>, Arc<Plaintext>)>,
    total: Option<Ciphertext>,
}

impl Sum {
    fn add(
        &mut self,
        context: &Context,
        mut product: Ciphertext,
        scale: f64,
    ) -> Result<(), RunError> {
        stamp(&mut product, scale)?;
        match &mut self.total {
            Some(total) => context.add_assign(total, &product)?,
            None => self.total = Some(product),
        }
        Ok(())
    }

    /// Products of one batch have the same scale in every bit.
    fn takes(&self, x: &Ciphertext, plain_scale: f64) -> bool {
        self.terms.first().is_none_or(|(first, weight)| {
            (first.scale() * weight.scale()).to_bits() == (x.scale() * plain_scale).to_bits()
        })
    }

    fn flush(&mut self, context: &Context, scale: f64) -> Result<(), RunError> {
        if self.terms.is_empty() {
            return Ok(());
        }
        let terms: Vec<(&Ciphertext, &Plaintext)> = self
            .terms
            .iter()
            .map(|(x, weight)| (&**x, &**weight))
            .collect();
        let product = context.mul_plain_sum(&terms)?;
        self.terms.clear();
        self.add(context, product, scale)
    }
}

/// Rotated versions of an input that are still to be made, and its digits once there are some.
struct Hoisted {
    digits: Option<Digits>,
    left: usize,
}

impl<'a> Run<'a, '_> {
    /// Run a linear operation; its products are not rescaled.
    pub fn linear(&mut self, step: &'a Step, work: &'a LinearWork) -> Result<(), RunError> {
        let operation = &self.prepared.program.operations[step.head];
        let context = &self.evaluator.context;
        let scale = operation.form.scale;
        for (index, last) in work.last_of_output.iter().enumerate() {
            // Without any product: a product with zero would be readable by everybody.
            if last.is_none() {
                let x = self.value(operation.operands[0], 0)?;
                let mut made = self.vanishing(&x, work.plain_scales[0])?;
                stamp(&mut made, scale)?;
                self.emit(step, index, made)?;
            }
        }

        let batch = if work.by_output { TERMS } else { 1 };
        let mut hoisted: Vec<Hoisted> = work
            .rotations_of_input
            .iter()
            .map(|&left| Hoisted { digits: None, left })
            .collect();
        let mut rotated: HashMap<usize, Rc<Ciphertext>> = HashMap::new();
        let mut sums: HashMap<usize, Sum> = HashMap::new();
        let mut outputs: HashMap<usize, Ciphertext> = HashMap::new();
        for (position, &g) in work.order.iter().enumerate() {
            let group = work.groups.list[g];
            let operand = operation.operands[group.operand as usize];
            let in_ciphertext = group.in_ciphertext as usize;
            let plain_scale = work.plain_scales[group.operand as usize];
            let x = if group.baby == 0 {
                self.value(operand, in_ciphertext)?
            } else if let Some(known) = rotated.get(&work.rotated_of[g]) {
                Rc::clone(known)
            } else {
                let x = self.value(operand, in_ciphertext)?;
                let made = self.rotate_hoisted(&x, group.baby, &mut hoisted[work.input_of[g]])?;
                let made = Rc::new(made);
                rotated.insert(work.rotated_of[g], Rc::clone(&made));
                made
            };

            let sum = sums.entry(work.sum_of[g]).or_default();
            if work.scalar {
                let product = context.mul_constant(&x, work.number(g), plain_scale)?;
                sum.add(context, product, scale)?;
            } else {
                let key = (step.head, g);
                let fill = |slots: &mut [f64]| work.fill(g, slots);
                let weight = self.plaintext(key, plain_scale, x.primes(), fill)?;
                if !sum.takes(&x, plain_scale) {
                    sum.flush(context, scale)?;
                }
                sum.terms.push((Rc::clone(&x), weight));
                if sum.terms.len() >= batch {
                    sum.flush(context, scale)?;
                }
            }

            let sum_ends = work.last_of_sum[work.sum_of[g]] == Some(position);
            let index = group.out_ciphertext as usize;
            if sum_ends {
                let finished = self.finish(sums.remove(&work.sum_of[g]), &x, plain_scale, scale)?;
                let finished = match group.giant {
                    0 => finished,
                    giant => self.rotate(&finished, giant)?,
                };
                match outputs.get_mut(&index) {
                    Some(partial) => context.add_assign(partial, &finished)?,
                    None => {
                        outputs.insert(index, finished);
                    }
                }
            }
            drop(x);
            if work.last_of_rotated[work.rotated_of[g]] == Some(position) {
                rotated.remove(&work.rotated_of[g]);
            }
            if work.last_of_input[work.input_of[g]] == Some(position) {
                self.release(step, operand, in_ciphertext);
            }
            if work.last_of_output[index] == Some(position)
                && let Some(mut output) = outputs.remove(&index)
            {
                for &fold in &work.folds {
                    let turned = self.rotate(&output, fold)?;
                    context.add_assign(&mut output, &turned)?;
                }
                self.emit(step, index, output)?;
            }
            self.tick(1)?;
        }
        Ok(())
    }

    /// What the products add up to, or an encryption of zero where anyone could read it.
    fn finish(
        &self,
        sum: Option<Sum>,
        x: &Ciphertext,
        plain_scale: f64,
        scale: f64,
    ) -> Result<Ciphertext, RunError> {
        let mut sum = sum.unwrap_or_default();
        sum.flush(&self.evaluator.context, scale)?;
        match sum.total {
            Some(total) if !is_transparent(&total) => Ok(total),
            _ => {
                let mut made = self.vanishing(x, plain_scale)?;
                stamp(&mut made, scale)?;
                Ok(made)
            }
        }
    }

    fn rotate(&mut self, x: &Ciphertext, step: i32) -> Result<Ciphertext, RunError> {
        let (automorphism, key) = self.keys.rotation(step)?;
        let rotated = self.evaluator.context.apply(x, automorphism, key)?;
        self.tick(1)?;
        Ok(rotated)
    }

    /// Rotate an input; its digits stay until the last of its rotations.
    fn rotate_hoisted(
        &mut self,
        x: &Ciphertext,
        step: i32,
        hoisted: &mut Hoisted,
    ) -> Result<Ciphertext, RunError> {
        hoisted.left = hoisted.left.saturating_sub(1);
        if hoisted.left == 0 && hoisted.digits.is_none() {
            return self.rotate(x, step);
        }
        let (automorphism, key) = self.keys.rotation(step)?;
        let context = &self.evaluator.context;
        let digits = hoisted
            .digits
            .get_or_insert_with(|| context.decompose(&x.polynomials()[1]));
        let rotated = context.apply_hoisted(x, digits, automorphism, key)?;
        if hoisted.left == 0 {
            hoisted.digits = None;
        }
        self.tick(1)?;
        Ok(rotated)
    }
}
