//! Runs a linear operation between batch layouts as products with matrices of numbers.

use std::sync::Arc;

use ckks::Ciphertext;

use crate::batch_work::{BatchWork, Block};
use crate::depth_first::Place;
use crate::execute::Run;
use crate::request::{check_scale, is_transparent, stamp};
use crate::run_error::RunError;
use crate::steps::Step;

impl<'a> Run<'a> {
    /// Make the result of a block, whose products are not rescaled, and free what nothing reads after
    /// them.
    pub fn batch_block(
        &mut self,
        step: &'a Step,
        work: &'a BatchWork,
        block: &'a Block,
        last_uses: &[Place],
    ) -> Result<(), RunError> {
        let made = self.block(step, work, block)?;
        self.free(last_uses);
        self.emit(step, block.outputs.iter().copied().zip(made))?;
        self.request.tick(block.products)
    }

    /// Make a ciphertext without any product: a product with zero would be readable by everybody.
    pub fn batch_empty(
        &mut self,
        step: &'a Step,
        work: &'a BatchWork,
        index: usize,
    ) -> Result<(), RunError> {
        let operation = &self.prepared.program.operations[step.head];
        let x = self.value(operation.operands[0], 0)?;
        let mut made = self.request.vanishing(&x, work.plain_scales[0])?;
        stamp(&mut made, operation.form.scale)?;
        self.emit(step, [(index, made)])
    }

    fn block(
        &self,
        step: &Step,
        work: &BatchWork,
        block: &Block,
    ) -> Result<Vec<Ciphertext>, RunError> {
        let operation = &self.prepared.program.operations[step.head];
        let scale = operation.form.scale;
        let mut inputs: Vec<(Arc<Ciphertext>, f64)> = Vec::with_capacity(block.columns.len());
        for column in &block.columns {
            let operand = column.operand as usize;
            let x = self.value(operation.operands[operand], column.ciphertext as usize)?;
            let plain_scale = work.plain_scales[operand];
            check_scale(x.scale() * plain_scale, scale)?;
            inputs.push((x, plain_scale));
        }
        let columns: Vec<(&Ciphertext, f64)> =
            inputs.iter().map(|(x, scale)| (&**x, *scale)).collect();
        let context = &self.request.evaluator.context;
        let mut made = context.combine(&columns, &block.weights, scale, || self.request.tick(0))?;
        for value in made.iter_mut().filter(|value| is_transparent(value)) {
            *value = self.request.vanishing(&inputs[0].0, inputs[0].1)?;
            stamp(value, scale)?;
        }
        Ok(made)
    }
}
