//! The order of execution; the rules are those of `src/backend/execute/execution-steps.ts`.

use crate::program::{Op, Operation, Program, ValueId};

/// An operation on whole values, and what each ciphertext it makes then passes.
#[derive(Debug)]
pub struct Step {
    pub head: ValueId,
    pub pipeline: Vec<ValueId>,
    /// Value that the step leaves: the last of the pipeline, or the head.
    pub result: ValueId,
    /// Operands of the head that no later step reads.
    pub last_uses: Vec<ValueId>,
    /// Nobody reads the result.
    pub unused: bool,
}

/// Whether an operation works on each ciphertext of its only operand alone.
fn is_elementwise(operation: &Operation) -> bool {
    operation.operands.len() == 1 && !matches!(operation.op, Op::Linear { .. })
}

/// Group the operations of a program into steps.
pub fn execution_steps(program: &Program) -> Vec<Step> {
    let operations = &program.operations;
    let mut users: Vec<Vec<ValueId>> = vec![Vec::new(); operations.len()];
    for (id, operation) in operations.iter().enumerate() {
        for &operand in &operation.operands {
            if users[operand].last() != Some(&id) {
                users[operand].push(id);
            }
        }
    }
    let mut is_output = vec![false; operations.len()];
    for output in &program.outputs {
        is_output[output.value] = true;
    }
    let mut done = vec![false; operations.len()];
    let mut steps = Vec::new();
    for head in 0..operations.len() {
        if done[head] {
            continue;
        }
        let mut pipeline = Vec::new();
        let mut result = head;
        while let (false, &[user]) = (is_output[result], &users[result][..]) {
            if !is_elementwise(&operations[user]) {
                break;
            }
            pipeline.push(user);
            done[user] = true;
            result = user;
        }
        steps.push(Step {
            head,
            pipeline,
            result,
            last_uses: Vec::new(),
            unused: !is_output[result] && users[result].is_empty(),
        });
    }
    let mut last_reader = vec![None; operations.len()];
    for (n, step) in steps.iter().enumerate() {
        for &operand in &operations[step.head].operands {
            last_reader[operand] = Some(n);
        }
    }
    for (n, step) in steps.iter_mut().enumerate() {
        let mut operands = operations[step.head].operands.clone();
        operands.sort_unstable();
        operands.dedup();
        operands.retain(|&operand| last_reader[operand] == Some(n) && !is_output[operand]);
        step.last_uses = operands;
    }
    steps
}
