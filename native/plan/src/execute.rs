//! Runs a program once; what is computed is what `src/backend/execute/execute.ts` computes.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ckks::{Ciphertext, Plaintext, Weights};

use crate::encode::PlaintextMaker;
use crate::evaluator::{Evaluator, Inputs};
use crate::keys::Keys;
use crate::linear_work::LinearWork;
use crate::plaintexts::{Encoded, PlaintextKey};
use crate::prepare::{Prepared, Work};
use crate::program::{Form, Op, ValueId};
use crate::run_error::RunError;
use crate::slot_constants::SlotConstant;
use crate::steps::Step;

/// Largest relative difference of a scale computed in doubles from the plan's exact one.
const SCALE_TOLERANCE: f64 = 1.0 / (1u64 << 45) as f64;
/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// Units of work done, of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Done so far.
    pub done: usize,
    /// Of the whole run.
    pub total: usize,
    /// Name of the model's node that is computed, where the operation has one.
    pub node: Option<&'a str>,
}

/// How a caller watches and stops a run.
pub struct Control<'a> {
    /// Looked at after each unit of work.
    pub cancelled: &'a AtomicBool,
    /// Called some twenty times a second, and at the end.
    pub progress: &'a mut dyn FnMut(Progress<'_>),
}

/// Whether anyone can read the value: what products with zero add up to.
pub fn is_transparent(value: &Ciphertext) -> bool {
    let mut masks = value.polynomials()[1..].iter();
    masks.all(|polynomial| polynomial.words().iter().all(|&word| word == 0))
}

/// The state of one execution.
pub struct Run<'a, 'c> {
    pub evaluator: &'a Evaluator,
    pub prepared: &'a Prepared,
    pub keys: &'a Keys,
    inputs: &'a Inputs,
    control: &'a mut Control<'c>,
    maker: PlaintextMaker<'a>,
    /// By operation; ciphertexts that nothing needs any more are gone.
    values: Vec<Vec<Option<Rc<Ciphertext>>>>,
    done: usize,
    node: Option<&'a str>,
    reported: Instant,
}

impl<'a, 'c> Run<'a, 'c> {
    pub fn new(
        evaluator: &'a Evaluator,
        keys: &'a Keys,
        inputs: &'a Inputs,
        control: &'a mut Control<'c>,
    ) -> Self {
        let prepared = &*evaluator.prepared;
        Self {
            maker: PlaintextMaker::new(&evaluator.context, &evaluator.encoder),
            values: prepared
                .program
                .operations
                .iter()
                .map(|_| Vec::new())
                .collect(),
            evaluator,
            prepared,
            keys,
            inputs,
            control,
            done: 0,
            node: None,
            reported: Instant::now(),
        }
    }

    /// The ciphertexts of each output.
    pub fn execute(mut self) -> Result<Vec<Vec<Rc<Ciphertext>>>, RunError> {
        self.tick(0)?;
        for step in self.prepared.steps.iter().filter(|step| !step.unused) {
            self.step(step)?;
        }
        let total = self.prepared.units;
        (self.control.progress)(Progress {
            done: total,
            total,
            node: None,
        });
        let outputs = &self.prepared.program.outputs;
        outputs
            .iter()
            .map(|output| {
                let count = self.values[output.value].len();
                (0..count)
                    .map(|index| self.value(output.value, index))
                    .collect()
            })
            .collect()
    }

    fn step(&mut self, step: &'a Step) -> Result<(), RunError> {
        let program = &self.prepared.program;
        let operation = &program.operations[step.head];
        let ciphertexts = program.layouts[operation.layout].ciphertexts as usize;
        self.node = operation.location.as_deref();
        self.values[step.result] = (0..ciphertexts).map(|_| None).collect();
        match &self.prepared.work[step.head] {
            Work::Linear(work) => self.linear(step, work)?,
            Work::Batch(work) => self.batch(step, work)?,
            Work::Constants(_) | Work::Public(_) | Work::None => {
                for index in 0..ciphertexts {
                    let made = self.head(step.head, index)?;
                    for &operand in &operation.operands {
                        self.release(step, operand, index);
                    }
                    self.emit(step, index, made)?;
                    self.tick(1)?;
                }
            }
        }
        // Ciphertexts that no diagonal reads are still there.
        for &operand in &step.last_uses {
            self.values[operand].clear();
        }
        Ok(())
    }

    fn head(&mut self, id: ValueId, index: usize) -> Result<Ciphertext, RunError> {
        let operation = &self.prepared.program.operations[id];
        let context = &self.evaluator.context;
        match (&operation.op, &operation.operands[..]) {
            (Op::Input { name }, _) => self.input(name, operation.form, id, index),
            (_, &[a]) => {
                let a = self.value(a, index)?;
                self.elementwise(id, &a, index)
            }
            (op, &[a, b]) => {
                let (a, b) = (self.value(a, index)?, self.value(b, index)?);
                Ok(match op {
                    Op::Add => context.add(&a, &b)?,
                    Op::Sub => context.sub(&a, &b)?,
                    Op::Multiply => context.multiply(&a, &b)?,
                    _ => return Err(RunError::Internal(format!("{op:?} has two operands"))),
                })
            }
            (op, _) => Err(RunError::Internal(format!("{op:?} cannot be run"))),
        }
    }

    fn input(
        &self,
        name: &str,
        form: Form,
        id: ValueId,
        index: usize,
    ) -> Result<Ciphertext, RunError> {
        let refuse = |reason: String| RunError::Input {
            name: name.to_owned(),
            reason,
        };
        let blobs = self
            .inputs
            .ciphertexts
            .get(name)
            .ok_or_else(|| refuse("is missing".to_owned()))?;
        let expected = self.prepared.program.layout_of(id).ciphertexts as usize;
        if blobs.len() != expected {
            return Err(refuse(format!(
                "has {} ciphertexts, expected {expected}",
                blobs.len()
            )));
        }
        self.evaluator
            .read(name, &blobs[index], form.level + 1, form.scale)
    }

    /// Ciphertext `index` of a value.
    pub fn value(&self, id: ValueId, index: usize) -> Result<Rc<Ciphertext>, RunError> {
        match self.values[id].get(index) {
            Some(Some(value)) => Ok(Rc::clone(value)),
            _ => Err(RunError::Internal(format!("%{id}[{index}] is not alive"))),
        }
    }

    /// The head of a step does not need the ciphertext any more.
    pub fn release(&mut self, step: &Step, id: ValueId, index: usize) {
        if step.last_uses.contains(&id)
            && let Some(value) = self.values[id].get_mut(index)
        {
            *value = None;
        }
    }

    /// What the head made passes the pipeline at once.
    pub fn emit(&mut self, step: &Step, index: usize, made: Ciphertext) -> Result<(), RunError> {
        let mut value = self.stamped(step.head, made)?;
        for &id in &step.pipeline {
            let next = self.elementwise(id, &value, index)?;
            value = self.stamped(id, next)?;
            self.tick(1)?;
        }
        self.values[step.result][index] = Some(Rc::new(value));
        Ok(())
    }

    fn elementwise(
        &mut self,
        id: ValueId,
        x: &Ciphertext,
        index: usize,
    ) -> Result<Ciphertext, RunError> {
        let context = &self.evaluator.context;
        Ok(match self.prepared.program.operations[id].op {
            Op::Square => context.square(x)?,
            Op::Rescale => context.rescale(x)?,
            Op::LevelDrop { level } => context.drop_to(x, level + 1)?,
            Op::Relinearize => match &self.keys.relinearisation {
                Some(key) => context.relinearise(x, key)?,
                None => return Err(RunError::Internal("the plan names no such key".to_owned())),
            },
            Op::AddConstant { .. } => match self.constant(id, index)? {
                SlotConstant::Number(value) => context.add_constant(x, value)?,
                SlotConstant::Vector => {
                    let plain = self.constant_vector(id, index, x.scale(), x.primes())?;
                    context.add_plain(x, &plain)?
                }
            },
            Op::MultiplyConstant { plain_scale, .. } => {
                let product = match self.constant(id, index)? {
                    SlotConstant::Number(value) => context.mul_constant(x, value, plain_scale)?,
                    SlotConstant::Vector => {
                        let plain = self.constant_vector(id, index, plain_scale, x.primes())?;
                        context.mul_plain(x, &plain)?
                    }
                };
                self.hidden(product, x, plain_scale)?
            }
            Op::AddPublic { .. } => {
                let plain = self.public_vector(id, index, x.scale(), x.primes())?;
                context.add_plain(x, &plain)?
            }
            Op::MultiplyPublic { plain_scale, .. } => {
                let plain = self.public_vector(id, index, plain_scale, x.primes())?;
                self.hidden(context.mul_plain(x, &plain)?, x, plain_scale)?
            }
            ref op => return Err(RunError::Internal(format!("{op:?} has one operand"))),
        })
    }

    fn constant(&self, id: ValueId, index: usize) -> Result<SlotConstant, RunError> {
        match &self.prepared.work[id] {
            Work::Constants(constants) => Ok(constants.of(index)),
            _ => Err(RunError::Internal(format!("%{id} has no constants"))),
        }
    }

    fn constant_vector(
        &mut self,
        id: ValueId,
        index: usize,
        scale: f64,
        primes: usize,
    ) -> Result<Arc<Plaintext>, RunError> {
        let work = &self.prepared.work[id];
        self.plaintext((id, index), scale, primes, |slots| {
            if let Work::Constants(constants) = work {
                constants.fill(index, slots);
            }
        })
    }

    /// A value of this request; it is encoded for this run and never kept.
    fn public_vector(
        &mut self,
        id: ValueId,
        index: usize,
        scale: f64,
        primes: usize,
    ) -> Result<Plaintext, RunError> {
        let Work::Public(public) = &self.prepared.work[id] else {
            return Err(RunError::Internal(format!("%{id} has no public value")));
        };
        let given = &self.inputs.public;
        if let Some((name, reason)) = public.missing_in(given) {
            return Err(RunError::Public {
                name: name.to_owned(),
                reason,
            });
        }
        self.maker.encode(scale, primes, |slots| {
            public.fill(index, given, slots);
        })
    }

    /// The plaintext of a key, kept or encoded now.
    fn plaintext(
        &mut self,
        key: PlaintextKey,
        scale: f64,
        primes: usize,
        fill: impl FnOnce(&mut [f64]),
    ) -> Result<Arc<Plaintext>, RunError> {
        let kept = &self.evaluator.plaintexts;
        if let Some(Encoded::Plaintext(known)) = kept.find(key) {
            return Ok(known);
        }
        let made = Arc::new(self.maker.encode(scale, primes, fill)?);
        kept.offer(key, Encoded::Plaintext(Arc::clone(&made)));
        Ok(made)
    }

    /// The plaintexts of a part of a linear operation, kept or encoded now.
    pub fn weights(
        &mut self,
        id: ValueId,
        work: &LinearWork,
        part: usize,
    ) -> Result<Arc<Weights>, RunError> {
        let kept = &self.evaluator.plaintexts;
        if let Some(Encoded::Weights(known)) = kept.find((id, part)) {
            return Ok(known);
        }
        let context = &self.evaluator.context;
        let primes = self.prepared.program.operations[id].form.level + 1;
        let part_work = &work.parts[part];
        let mut made = context.weights(part_work.terms.clone(), primes, work.extended);
        for (term, &g) in work.order[part_work.positions.clone()].iter().enumerate() {
            let scale = work.plain_scales[work.groups.list[g].operand as usize];
            let fill = |slots: &mut [f64]| work.fill(g, slots);
            let plaintext = self.maker.polynomial(scale, primes, work.extended, fill)?;
            context.place_weight(&mut made, term, &plaintext);
        }
        let made = Arc::new(made);
        kept.offer((id, part), Encoded::Weights(Arc::clone(&made)));
        Ok(made)
    }

    /// A product of `x`; one with zero must not be readable by everybody.
    fn hidden(
        &self,
        product: Ciphertext,
        x: &Ciphertext,
        plain_scale: f64,
    ) -> Result<Ciphertext, RunError> {
        if is_transparent(&product) {
            self.vanishing(x, plain_scale)
        } else {
            Ok(product)
        }
    }

    /// An encryption of zero that an observer without the key cannot tell from another one: the
    /// value times 1 / `plain_scale`, an error below the rounding of any other encoded weight.
    pub fn vanishing(&self, x: &Ciphertext, plain_scale: f64) -> Result<Ciphertext, RunError> {
        let context = &self.evaluator.context;
        Ok(context.mul_constant(x, 1.0 / plain_scale, plain_scale)?)
    }

    /// The value with the plan's scale, if it is what the plan says.
    fn stamped(&self, id: ValueId, mut value: Ciphertext) -> Result<Ciphertext, RunError> {
        let form = self.prepared.program.operations[id].form;
        let (level, size) = (value.primes() - 1, value.polynomials().len());
        if level != form.level || size != form.size {
            return Err(RunError::Internal(format!(
                "%{id} has level {level} and {size} polynomials, the plan says {} and {}",
                form.level, form.size
            )));
        }
        stamp(&mut value, form.scale)?;
        Ok(value)
    }

    /// Count units of work; stops the run where the caller asked for it.
    pub fn tick(&mut self, units: usize) -> Result<(), RunError> {
        self.done += units;
        if self.control.cancelled.load(Ordering::Relaxed) {
            return Err(RunError::Cancelled);
        }
        if self.reported.elapsed() >= REPORT_EVERY {
            self.reported = Instant::now();
            (self.control.progress)(Progress {
                done: self.done,
                total: self.prepared.units,
                node: self.node,
            });
        }
        Ok(())
    }
}

/// Give a value the plan's scale, from which its own may differ by rounding only.
pub fn stamp(value: &mut Ciphertext, scale: f64) -> Result<(), RunError> {
    check_scale(value.scale(), scale)?;
    value.set_scale(scale);
    Ok(())
}

/// Refuse a scale that differs from the plan's by more than rounding.
pub fn check_scale(own: f64, scale: f64) -> Result<(), RunError> {
    let difference = (own / scale - 1.0).abs();
    if difference.is_nan() || difference > SCALE_TOLERANCE {
        return Err(RunError::Internal(format!(
            "a scale is {own}, the plan says {scale}"
        )));
    }
    Ok(())
}
