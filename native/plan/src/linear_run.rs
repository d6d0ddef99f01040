//! Runs one linear operation. It computes what `src/backend/execute/execute-linear.ts` computes, with
//! fewer divisions by P: rotations of one input share its digits, products and sums of rotated
//! inputs are taken modulo Q·P, and only what is rotated again, and the result, is divided.

use std::collections::HashMap;
use std::sync::Arc;

use ckks::{Ciphertext, Digits, Extended, First};
use ring::RnsPolynomial;

use crate::execute::Run;
use crate::linear_work::{LinearWork, Part};
use crate::partial::{Partial, Rotation};
use crate::products::{Factors, Sums};
use crate::request::{check_scale, is_transparent, stamp};
use crate::run_error::RunError;
use crate::steps::Step;

/// Rotated versions of an input that are still to be made, and its digits once there are some.
struct Hoisted {
    digits: Option<Digits>,
    left: usize,
}

/// What is made of the inputs of an operation.
struct Inputs {
    hoisted: Vec<Hoisted>,
    /// Those that are needed again, by number.
    rotated: HashMap<usize, Arc<Extended>>,
}

/// The polynomial whose digits a rotation switches.
fn rotated_polynomial(x: &Ciphertext) -> Result<&RnsPolynomial, RunError> {
    match x.polynomials() {
        [_, c1] => Ok(c1),
        _ => Err(RunError::Internal("rotates three polynomials".to_owned())),
    }
}

impl<'a> Run<'a> {
    /// Run a linear operation; its products are not rescaled.
    pub fn linear(&mut self, step: &'a Step, work: &'a LinearWork) -> Result<(), RunError> {
        let operations = &self.prepared.program.operations;
        let operation = &operations[step.head];
        let context = &self.request.evaluator.context;
        let scale = operation.form.scale;
        for (&operand, plain_scale) in operation.operands.iter().zip(&work.plain_scales) {
            check_scale(operations[operand].form.scale * plain_scale, scale)?;
        }
        for (index, last) in work.last_of_output.iter().enumerate() {
            // Without any product: a product with zero would be readable by everybody.
            if last.is_none() {
                let x = self.value(operation.operands[0], 0)?;
                let mut made = self.request.vanishing(&x, work.plain_scales[0])?;
                stamp(&mut made, scale)?;
                self.emit(step, [(index, made)])?;
            }
        }

        let mut inputs = Inputs {
            hoisted: work
                .rotations_of_input
                .iter()
                .map(|&left| Hoisted { digits: None, left })
                .collect(),
            rotated: HashMap::new(),
        };
        let mut sums = Sums::new(context, scale);
        let mut outputs: HashMap<usize, Partial> = HashMap::new();
        for (number, part) in work.parts.iter().enumerate() {
            let factors = self.factors(step, work, part, &mut inputs)?;
            self.products(step, work, number, &factors, &mut sums)?;
            for position in part.positions.clone() {
                let g = work.order[position];
                let group = work.groups.list[g];
                let index = group.out_ciphertext as usize;
                if work.last_of_sum[work.sum_of[g]] == Some(position) {
                    let finished = sums.take(work.sum_of[g])?;
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
                    inputs.rotated.remove(&work.rotated_of[g]);
                }
                if work.last_of_input[work.input_of[g]] == Some(position) {
                    let operand = operation.operands[group.operand as usize];
                    self.release(step, operand, group.in_ciphertext as usize);
                }
                if work.last_of_output[index] == Some(position)
                    && let Some(mut output) = outputs.remove(&index)
                {
                    for &fold in &work.folds {
                        output = output.folded(context, self.rotation(fold)?)?;
                    }
                    let mut made = output.reduced(context, scale);
                    if is_transparent(&made) {
                        made = self.vanishing_of(step, work, part, &factors)?;
                    }
                    self.emit(step, [(index, made)])?;
                }
                self.request.tick(1)?;
            }
        }
        Ok(())
    }

    /// The values that a part multiplies.
    fn factors(
        &mut self,
        step: &'a Step,
        work: &'a LinearWork,
        part: &Part,
        inputs: &mut Inputs,
    ) -> Result<Factors, RunError> {
        let operation = &self.prepared.program.operations[step.head];
        let context = &self.request.evaluator.context;
        let input = |run: &Self, g: usize| {
            let group = work.groups.list[g];
            let operand = operation.operands[group.operand as usize];
            run.value(operand, group.in_ciphertext as usize)
        };
        if !work.extended {
            let values = part.values.iter().map(|&g| input(self, g));
            return Ok(Factors::Plain(values.collect::<Result<_, _>>()?));
        }
        let missing: Vec<usize> = part
            .values
            .iter()
            .copied()
            .filter(|&g| !inputs.rotated.contains_key(&work.rotated_of[g]))
            .collect();
        for together in missing.chunks(self.workers().threads()) {
            let mut tasks = Vec::with_capacity(together.len());
            for &g in together {
                tasks.push((g, input(self, g)?));
            }
            for (g, x) in &tasks {
                if work.hoist && work.groups.list[*g].baby != 0 {
                    let c1 = rotated_polynomial(x)?;
                    let hoisted = &mut inputs.hoisted[work.input_of[*g]];
                    hoisted.digits.get_or_insert_with(|| context.decompose(c1));
                }
            }
            let hoisted = &inputs.hoisted;
            let made = self.workers().map(tasks, |(g, x)| {
                let baby = work.groups.list[g].baby;
                if baby == 0 {
                    return Ok(context.extend(&x)?);
                }
                let own;
                let digits = if let Some(digits) = &hoisted[work.input_of[g]].digits {
                    digits
                } else {
                    own = context.decompose(rotated_polynomial(&x)?);
                    &own
                };
                let (automorphism, key) = self.rotation(baby)?;
                let first = First::Plain(&x.polynomials()[0]);
                Ok(context.switch(digits, first, key, Some(automorphism))?)
            });
            for (&g, made) in together.iter().zip(made) {
                let made: Result<Extended, RunError> = made;
                inputs.rotated.insert(work.rotated_of[g], Arc::new(made?));
                if work.groups.list[g].baby != 0 {
                    let hoisted = &mut inputs.hoisted[work.input_of[g]];
                    hoisted.left = hoisted.left.saturating_sub(1);
                    if hoisted.left == 0 {
                        hoisted.digits = None;
                    }
                }
            }
        }
        let values = part.values.iter().map(|&g| {
            let known = inputs.rotated.get(&work.rotated_of[g]).map(Arc::clone);
            known.ok_or_else(|| RunError::Internal(format!("product {g} has no factor")))
        });
        Ok(Factors::Extended(values.collect::<Result<_, _>>()?))
    }

    /// Make the products of a part and add them to their sums.
    fn products(
        &mut self,
        step: &'a Step,
        work: &'a LinearWork,
        number: usize,
        factors: &Factors,
        sums: &mut Sums<'_>,
    ) -> Result<(), RunError> {
        let part = &work.parts[number];
        if let (true, Factors::Plain(values)) = (work.scalar, factors) {
            let groups = &work.order[part.positions.clone()];
            for (&g, &(_, value)) in groups.iter().zip(&part.terms) {
                let plain_scale = work.plain_scales[work.groups.list[g].operand as usize];
                let context = &self.request.evaluator.context;
                let product = context.mul_constant(&values[value], work.number(g), plain_scale)?;
                sums.add(work.sum_of[g], product)?;
            }
            return Ok(());
        }
        let weights = self.request.weights(step.head, work, number)?;
        sums.add_products(&part.sums, factors, &weights)
    }

    /// What stands for an output that anyone could read.
    fn vanishing_of(
        &self,
        step: &Step,
        work: &LinearWork,
        part: &Part,
        factors: &Factors,
    ) -> Result<Ciphertext, RunError> {
        let operations = &self.prepared.program.operations;
        let operation = &operations[step.head];
        let operand = work.groups.list[part.values[0]].operand as usize;
        let plain_scale = work.plain_scales[operand];
        let mut made = match factors {
            Factors::Plain(values) => self.request.vanishing(&values[0], plain_scale)?,
            Factors::Extended(values) => {
                let scale = operations[operation.operands[operand]].form.scale;
                let x = self.request.evaluator.context.reduce(&values[0], scale);
                self.request.vanishing(&x, plain_scale)?
            }
        };
        stamp(&mut made, operation.form.scale)?;
        Ok(made)
    }

    /// The key of a rotation, of which one is done.
    fn rotation(&self, step: i32) -> Result<&'a Rotation, RunError> {
        self.request.tick(1)?;
        let context = &self.request.evaluator.context;
        self.request.keys.rotation(context, step)
    }
}
