//! Runs a program once; what is computed is what `src/backend/execute/execute.ts` computes.
//!
//! Ciphertexts of a step that do not need each other are computed at once, as many as there are
//! threads; each of them shares its residues out besides. Where a result ends up does not depend on
//! which thread was first.

use std::sync::Arc;

use ckks::{Ciphertext, Workers};

use crate::depth_first::{Made, Piece, Place};
use crate::prepare::{Prepared, Work};
use crate::program::ValueId;
use crate::request::Request;
use crate::run_error::RunError;
use crate::steps::Step;

/// The state of one execution.
pub struct Run<'a> {
    pub request: Request<'a>,
    pub prepared: &'a Prepared,
    /// By operation; ciphertexts that nothing needs any more are gone.
    values: Vec<Vec<Option<Arc<Ciphertext>>>>,
}

impl<'a> Run<'a> {
    pub fn new(request: Request<'a>) -> Self {
        let prepared = request.prepared;
        Self {
            values: prepared
                .program
                .operations
                .iter()
                .map(|_| Vec::new())
                .collect(),
            prepared,
            request,
        }
    }

    /// The ciphertexts of each output.
    pub fn execute(mut self) -> Result<Vec<Vec<Arc<Ciphertext>>>, RunError> {
        self.request.tick(0)?;
        match &self.prepared.pieces {
            Some(pieces) => self.pieces(pieces)?,
            None => {
                for step in self.prepared.steps.iter().filter(|step| !step.unused) {
                    self.step(step)?;
                }
            }
        }
        self.request.end();
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
        let ciphertexts = self.begin(step);
        self.request.begin(step.head);
        match &self.prepared.work[step.head] {
            Work::Linear(work) => self.linear(step, work)?,
            Work::Batch(work) => {
                for &index in &work.empty {
                    self.batch_empty(step, work, index)?;
                }
                for block in &work.blocks {
                    self.batch_block(step, work, block, &[])?;
                }
            }
            _ => {
                let indices: Vec<usize> = (0..ciphertexts).collect();
                self.each(step, &indices)?;
            }
        }
        // Ciphertexts that no diagonal reads are still there.
        for &operand in &step.last_uses {
            self.values[operand].clear();
        }
        Ok(())
    }

    /// Room for the result of a step; how many ciphertexts it has.
    fn begin(&mut self, step: &Step) -> usize {
        let program = &self.prepared.program;
        let ciphertexts = program.layout_of(step.head).ciphertexts as usize;
        self.values[step.result] = (0..ciphertexts).map(|_| None).collect();
        ciphertexts
    }

    /// All steps, piece by piece.
    fn pieces(&mut self, pieces: &'a [Piece]) -> Result<(), RunError> {
        let steps = &self.prepared.steps;
        for step in steps {
            self.begin(step);
        }
        for piece in pieces {
            let step = &steps[piece.step];
            self.request.begin(step.head);
            match (&piece.made, &self.prepared.work[step.head]) {
                (Made::Each(indices), _) => self.each(step, indices)?,
                (&Made::Block(n), Work::Batch(work)) => {
                    self.batch_block(step, work, &work.blocks[n], &piece.last_uses)?;
                }
                (&Made::Empty(index), Work::Batch(work)) => self.batch_empty(step, work, index)?,
                _ => {
                    let message = format!("%{} is no batch operation", step.head);
                    return Err(RunError::Internal(message));
                }
            }
            self.free(&piece.last_uses);
        }
        Ok(())
    }

    /// Nothing reads these any more.
    pub fn free(&mut self, places: &[Place]) {
        for &(value, index) in places {
            self.values[value][index] = None;
        }
    }

    /// Ciphertexts of a step whose head works on each alone.
    fn each(&mut self, step: &Step, indices: &[usize]) -> Result<(), RunError> {
        let operands = &self.prepared.program.operations[step.head].operands;
        let threads = self.workers().threads();
        let whole = self.prepared.pieces.is_none();
        for indices in indices.chunks(threads) {
            let mut tasks = Vec::with_capacity(threads);
            for &index in indices {
                let values = operands.iter().map(|&operand| self.value(operand, index));
                tasks.push((index, values.collect::<Result<Vec<_>, _>>()?));
                for &operand in operands.iter().filter(|_| whole) {
                    self.release(step, operand, index);
                }
            }
            let request = &self.request;
            let made = self.workers().map(tasks, |(index, operands)| {
                let made = request.made(step.head, &operands, index)?;
                drop(operands);
                request.tick(1)?;
                pipeline(request, step, index, made)
            });
            self.keep(step, indices.iter().copied(), made)?;
        }
        Ok(())
    }

    /// Who shares the work.
    pub fn workers(&self) -> &'a Workers {
        self.request.evaluator.context.workers()
    }

    /// Ciphertext `index` of a value.
    pub fn value(&self, id: ValueId, index: usize) -> Result<Arc<Ciphertext>, RunError> {
        match self.values[id].get(index) {
            Some(Some(value)) => Ok(Arc::clone(value)),
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

    /// What the head made passes the pipeline at once: as many ciphertexts together as there are
    /// threads.
    pub fn emit(
        &mut self,
        step: &Step,
        made: impl IntoIterator<Item = (usize, Ciphertext)>,
    ) -> Result<(), RunError> {
        let mut made = made.into_iter().peekable();
        while made.peek().is_some() {
            let tasks: Vec<_> = made.by_ref().take(self.workers().threads()).collect();
            let indices: Vec<usize> = tasks.iter().map(|&(index, _)| index).collect();
            let request = &self.request;
            let results = self
                .workers()
                .map(tasks, |(index, made)| pipeline(request, step, index, made));
            self.keep(step, indices, results)?;
        }
        Ok(())
    }

    fn keep(
        &mut self,
        step: &Step,
        indices: impl IntoIterator<Item = usize>,
        results: Vec<Result<Ciphertext, RunError>>,
    ) -> Result<(), RunError> {
        for (index, result) in indices.into_iter().zip(results) {
            self.values[step.result][index] = Some(Arc::new(result?));
        }
        Ok(())
    }
}

/// What the head of a step made, after the operations that follow on it alone.
fn pipeline(
    request: &Request<'_>,
    step: &Step,
    index: usize,
    made: Ciphertext,
) -> Result<Ciphertext, RunError> {
    let mut value = request.stamped(step.head, made)?;
    for &id in &step.pipeline {
        let next = request.elementwise(id, &value, index)?;
        value = request.stamped(id, next)?;
        request.tick(1)?;
    }
    Ok(value)
}
