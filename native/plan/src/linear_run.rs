//! Runs one linear operation. It computes what `src/backend/execute/execute-linear.ts` computes, with
//! fewer divisions by P: rotations of one input share its digits, products and sums of rotated
//! inputs are taken modulo Q·P, and only what is rotated again, and the result, is divided.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ckks::{Ciphertext, Context, Digits, Extended, First, Switched};
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
    /// By input, and behind them by rotated input.
    hoisted: Vec<Hoisted>,
    /// Those that are needed again, by number.
    rotated: HashMap<usize, Arc<Extended>>,
}

/// What a rotated input is made from.
enum Origin {
    Input(Arc<Ciphertext>),
    Rotated(Arc<Extended>),
}

impl Origin {
    /// The digits that rotations switch.
    fn digits(&self, context: &Context) -> Result<Digits, RunError> {
        Ok(context.decompose(self.second(context, &mut None)?))
    }

    /// The polynomial that a rotation switches, modulo Q.
    fn second<'a>(
        &'a self,
        context: &Context,
        reduced: &'a mut Option<RnsPolynomial>,
    ) -> Result<&'a RnsPolynomial, RunError> {
        match self {
            Self::Input(x) => match x.polynomials() {
                [_, c1] => Ok(c1),
                _ => Err(RunError::Internal("rotates three polynomials".to_owned())),
            },
            Self::Rotated(x) => Ok(reduced.insert(context.reduce_second(x))),
        }
    }

    fn first(&self) -> First<'_> {
        match self {
            Self::Input(x) => First::Plain(&x.polynomials()[0]),
            Self::Rotated(x) => First::Extended(x),
        }
    }
}

/// Sums of an operation that wait for other sums.
struct Partials {
    by_number: HashMap<usize, Partial>,
    /// Parts of each that are still to come.
    missing: Vec<usize>,
}

/// The rotated inputs that a part still needs, each behind those that it is made from, with a group
/// of its input.
fn missing(work: &LinearWork, part: &Part, inputs: &Inputs) -> Vec<(usize, usize)> {
    let mut missing = Vec::new();
    let mut listed = HashSet::new();
    for &g in &part.values {
        let mut next = Some(work.rotated_of[g]);
        while let Some(node) = next {
            if inputs.rotated.contains_key(&node) || !listed.insert(node) {
                break;
            }
            missing.push((node, g));
            next = work.rotated.from[node];
        }
    }
    missing.sort_by_key(|&(node, _)| work.rotated.depth[node]);
    missing
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
                .rotations_of
                .iter()
                .map(|&left| Hoisted { digits: None, left })
                .collect(),
            rotated: HashMap::new(),
        };
        let mut sums = Sums::new(context, scale);
        let mut partials = Partials {
            by_number: HashMap::new(),
            missing: work.sum_parts.clone(),
        };
        for (number, part) in work.parts.iter().enumerate() {
            let factors = self.factors(step, work, part, &mut inputs)?;
            self.products(step, work, number, &factors, &mut sums)?;
            for position in part.positions.clone() {
                let g = work.order[position];
                let group = work.groups.list[g];
                let index = group.out_ciphertext as usize;
                let complete = if work.last_of_sum[work.sum_of[g]] == Some(position) {
                    let finished = sums.take(work.sum_of[g])?;
                    self.add_part(work, work.sum_of[g], finished, &mut partials)?
                } else {
                    None
                };
                let mut used = Some(work.rotated_of[g]);
                while let Some(number) = used {
                    if work.last_of_rotated[number] == Some(position) {
                        inputs.rotated.remove(&number);
                    }
                    used = work.rotated.from[number];
                }
                if work.last_of_input[work.input_of[g]] == Some(position) {
                    let operand = operation.operands[group.operand as usize];
                    self.release(step, operand, group.in_ciphertext as usize);
                }
                if let Some(mut output) = complete {
                    for fold in &work.folds {
                        let rotations = fold.iter().map(|&step| self.rotation(step));
                        let rotations = rotations.collect::<Result<Vec<_>, _>>()?;
                        output = output.folded(context, &rotations)?;
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
        let missing = missing(work, part, inputs);
        let depth = |&(node, _): &(usize, usize)| work.rotated.depth[node];
        let levels = missing.chunk_by(|a, b| depth(a) == depth(b));
        for together in levels.flat_map(|level| level.chunks(self.workers().threads())) {
            let mut tasks = Vec::with_capacity(together.len());
            for &(node, g) in together {
                let origin = match work.rotated.from[node] {
                    None => Origin::Input(input(self, g)?),
                    Some(from) => match inputs.rotated.get(&from) {
                        Some(x) => Origin::Rotated(Arc::clone(x)),
                        None => return Err(RunError::Internal(format!("{node} has no origin"))),
                    },
                };
                if work.hoist && work.rotated.step[node] != 0 {
                    let hoisted = &mut inputs.hoisted[work.source(node, g)];
                    if hoisted.digits.is_none() {
                        hoisted.digits = Some(origin.digits(context)?);
                    }
                }
                tasks.push((node, g, origin));
            }
            let hoisted = &inputs.hoisted;
            let made = self.workers().map(tasks, |(node, g, origin)| {
                let step = work.rotated.step[node];
                if let (0, Origin::Input(x)) = (step, &origin) {
                    return Ok(context.extend(x)?);
                }
                let mut reduced = None;
                let switched = match &hoisted[work.source(node, g)].digits {
                    Some(digits) => Switched::Digits(digits),
                    None => Switched::Polynomial(origin.second(context, &mut reduced)?),
                };
                let (automorphism, key) = self.rotation(step)?;
                Ok(context.switch(switched, origin.first(), key, Some(automorphism))?)
            });
            for (&(node, g), made) in together.iter().zip(made) {
                let made: Result<Extended, RunError> = made;
                inputs.rotated.insert(node, Arc::new(made?));
                if work.rotated.step[node] != 0 {
                    let hoisted = &mut inputs.hoisted[work.source(node, g)];
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

    /// Take over a part of a sum; what is complete is rotated and added on. None until the result is.
    fn add_part(
        &self,
        work: &LinearWork,
        sum: usize,
        part: Partial,
        partials: &mut Partials,
    ) -> Result<Option<Partial>, RunError> {
        let context = &self.request.evaluator.context;
        let mut number = sum;
        let mut whole = match partials.by_number.remove(&sum) {
            None => part,
            Some(partial) => partial.plus(context, part)?,
        };
        loop {
            partials.missing[number] = partials.missing[number].saturating_sub(1);
            if partials.missing[number] > 0 {
                partials.by_number.insert(number, whole);
                return Ok(None);
            }
            let Some(into) = work.sums.from[number] else {
                return Ok(Some(whole));
            };
            let rotation = self.rotation(work.sums.step[number])?;
            let known = partials.by_number.remove(&into);
            whole = Partial::plus_rotated(known, context, &whole, rotation)?;
            number = into;
        }
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
