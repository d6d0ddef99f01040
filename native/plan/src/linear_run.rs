//! Runs one linear operation. It computes what `src/backend/execute/execute-linear.ts` computes, with
//! fewer divisions by P: rotations of one input share its digits, products and sums of rotated
//! inputs are taken modulo Q·P, and only what is rotated again, and the result, is divided.

use std::collections::HashMap;
use std::rc::Rc;

use ckks::{Ciphertext, Context, Digits, Extended, First};

use crate::encode::Residues;
use crate::execute::{Run, check_scale, is_transparent, stamp};
use crate::linear_work::LinearWork;
use crate::partial::{Partial, Rotation};
use crate::products::{Factor, Products};
use crate::run_error::RunError;
use crate::steps::Step;

/// Rotated versions of an input that are still to be made, and its digits once there are some.
struct Hoisted {
    digits: Option<Digits>,
    left: usize,
}

impl<'a> Run<'a, '_> {
    /// Run a linear operation; its products are not rescaled.
    pub fn linear(&mut self, step: &'a Step, work: &'a LinearWork) -> Result<(), RunError> {
        let operations = &self.prepared.program.operations;
        let operation = &operations[step.head];
        let context = &self.evaluator.context;
        let scale = operation.form.scale;
        for (&operand, plain_scale) in operation.operands.iter().zip(&work.plain_scales) {
            check_scale(operations[operand].form.scale * plain_scale, scale)?;
        }
        for (index, last) in work.last_of_output.iter().enumerate() {
            // Without any product: a product with zero would be readable by everybody.
            if last.is_none() {
                let x = self.value(operation.operands[0], 0)?;
                let mut made = self.vanishing(&x, work.plain_scales[0])?;
                stamp(&mut made, scale)?;
                self.emit(step, index, made)?;
            }
        }

        let mut hoisted: Vec<Hoisted> = work
            .rotations_of_input
            .iter()
            .map(|&left| Hoisted { digits: None, left })
            .collect();
        let mut rotated: HashMap<usize, Rc<Extended>> = HashMap::new();
        let mut products = Products::new(context, scale);
        let mut outputs: HashMap<usize, Partial> = HashMap::new();
        let mut dropped = false;
        for (position, &g) in work.order.iter().enumerate() {
            let group = work.groups.list[g];
            let operand = operation.operands[group.operand as usize];
            let in_ciphertext = group.in_ciphertext as usize;
            let plain_scale = work.plain_scales[group.operand as usize];
            let x = if !work.extended {
                Factor::Plain(self.value(operand, in_ciphertext)?)
            } else if let Some(known) = rotated.get(&work.rotated_of[g]) {
                Factor::Extended(Rc::clone(known))
            } else {
                if std::mem::take(&mut dropped) {
                    // Values that only products wait for would be held beside the next ones.
                    products.flush()?;
                }
                let x = self.value(operand, in_ciphertext)?;
                let made = match group.baby {
                    0 => context.extend(&x)?,
                    baby => self.rotate_hoisted(&x, baby, &mut hoisted[work.input_of[g]])?,
                };
                let made = Rc::new(made);
                rotated.insert(work.rotated_of[g], Rc::clone(&made));
                Factor::Extended(made)
            };

            let sum = work.sum_of[g];
            if let (true, Factor::Plain(x)) = (work.scalar, &x) {
                products.add_made(sum, context.mul_constant(x, work.number(g), plain_scale)?)?;
            } else {
                let primes = operation.form.level + 1;
                let residues = if work.extended {
                    Residues::Extended(primes)
                } else {
                    Residues::Data(primes)
                };
                let fill = |slots: &mut [f64]| work.fill(g, slots);
                let weight = self.plaintext((step.head, g), plain_scale, residues, fill)?;
                products.add(sum, x.clone(), weight)?;
            }

            let index = group.out_ciphertext as usize;
            if work.last_of_sum[sum] == Some(position) {
                let finished = products.take(sum)?;
                let output = outputs.remove(&index);
                let output = match (group.giant, output) {
                    (0, None) => finished,
                    (0, Some(output)) => output.plus(context, finished)?,
                    (giant, output) => {
                        let rotation = self.rotation(giant)?;
                        Partial::plus_rotated(output, context, &finished, rotation)?
                    }
                };
                outputs.insert(index, output);
            }
            if work.last_of_rotated[work.rotated_of[g]] == Some(position) {
                rotated.remove(&work.rotated_of[g]);
                dropped = true;
            }
            if work.last_of_input[work.input_of[g]] == Some(position) {
                self.release(step, operand, in_ciphertext);
            }
            if work.last_of_output[index] == Some(position)
                && let Some(mut output) = outputs.remove(&index)
            {
                for &fold in &work.folds {
                    output = output.folded(context, self.rotation(fold)?)?;
                }
                let mut made = output.reduced(context, scale);
                if is_transparent(&made) {
                    let x = unextended(context, x, operations[operand].form.scale);
                    made = self.vanishing(&x, plain_scale)?;
                    stamp(&mut made, scale)?;
                }
                self.emit(step, index, made)?;
            }
            self.tick(1)?;
        }
        Ok(())
    }

    /// The key of a rotation, of which one is done.
    fn rotation(&mut self, step: i32) -> Result<&'a Rotation, RunError> {
        self.tick(1)?;
        self.keys.rotation(step)
    }

    /// Rotate an input; its digits stay until the last of its rotations.
    fn rotate_hoisted(
        &mut self,
        x: &Ciphertext,
        step: i32,
        hoisted: &mut Hoisted,
    ) -> Result<Extended, RunError> {
        let (automorphism, key) = self.rotation(step)?;
        let context = &self.evaluator.context;
        let [c0, c1] = x.polynomials() else {
            return Err(RunError::Internal("rotates three polynomials".to_owned()));
        };
        let digits = hoisted.digits.get_or_insert_with(|| context.decompose(c1));
        let rotated = context.switch(digits, First::Plain(c0), key, Some(automorphism))?;
        hoisted.left = hoisted.left.saturating_sub(1);
        if hoisted.left == 0 {
            hoisted.digits = None;
        }
        Ok(rotated)
    }
}

/// A factor modulo Q.
fn unextended(context: &Context, x: Factor, scale: f64) -> Rc<Ciphertext> {
    match x {
        Factor::Plain(x) => x,
        Factor::Extended(x) => Rc::new(context.reduce(&x, scale)),
    }
}
