//! The order of execution of a plan without rotations: depth first.
//!
//! One feature a ciphertext, an image of 128×128×3 has 49,152 of them: a layer as a whole fits no
//! memory. So what an output needs is made just before it, from inputs that are read just before
//! that, and each ciphertext is freed after its last reader. The rules are those of
//! `src/backend/native/depth-first.ts`, which predicts the memory.

use crate::batch_work::BatchWork;
use crate::prepare::Work;
use crate::program::{Program, ValueId};
use crate::steps::Step;

/// A ciphertext of a value.
pub type Place = (ValueId, usize);

/// What a piece makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// Ciphertexts of a step whose head works on each alone.
    Each(Vec<usize>),
    /// A block of a batch operation.
    Block(usize),
    /// A ciphertext of a batch operation that no product reaches.
    Empty(usize),
}

/// A part of a step, and what nothing after it reads.
#[derive(Debug)]
pub struct Piece {
    pub step: usize,
    pub made: Made,
    pub last_uses: Vec<Place>,
}

/// Pieces of steps that are made one after the other: the blocks that read the same ciphertexts.
struct Knot {
    pieces: Vec<(usize, Made)>,
    reads: Vec<Place>,
}

fn batch_knots(step: usize, work: &BatchWork, operands: &[ValueId]) -> Vec<(Knot, Vec<usize>)> {
    let mut knots: Vec<(Knot, Vec<usize>)> = Vec::new();
    for &index in &work.empty {
        let reads = vec![(operands[0], 0)];
        let pieces = vec![(step, Made::Empty(index))];
        knots.push((Knot { pieces, reads }, vec![index]));
    }
    for (n, block) in work.blocks.iter().enumerate() {
        let piece = (step, Made::Block(n));
        if n > 0
            && work.blocks[n - 1].columns == block.columns
            && let Some((knot, outputs)) = knots.last_mut()
        {
            knot.pieces.push(piece);
            outputs.extend(&block.outputs);
            continue;
        }
        let place =
            |operand: u32, ciphertext: u32| (operands[operand as usize], ciphertext as usize);
        let columns = block.columns.iter();
        let reads = columns.map(|column| place(column.operand, column.ciphertext));
        let knot = Knot {
            pieces: vec![piece],
            reads: reads.collect(),
        };
        knots.push((knot, block.outputs.clone()));
    }
    knots
}

/// The pieces of a program's steps in the order in which they are made; none where a step rotates,
/// which works on whole values. Cost: a step for each ciphertext that a block reads.
pub fn depth_first(program: &Program, steps: &[Step], work: &[Work]) -> Option<Vec<Piece>> {
    if work.iter().any(|work| matches!(work, Work::Linear(_))) {
        return None;
    }
    let count = |id: ValueId| program.layout_of(id).ciphertexts as usize;
    // By value and ciphertext, the knot that makes it.
    let mut makers: Vec<Vec<usize>> = vec![Vec::new(); program.operations.len()];
    let mut knots: Vec<Knot> = Vec::new();
    for (n, step) in steps.iter().enumerate().filter(|(_, step)| !step.unused) {
        let operands = &program.operations[step.head].operands;
        makers[step.result] = vec![0; count(step.result)];
        let made = match &work[step.head] {
            Work::Batch(work) => batch_knots(n, work, operands),
            _ => (0..count(step.head))
                .map(|index| {
                    let reads = operands.iter().map(|&operand| (operand, index)).collect();
                    let pieces = vec![(n, Made::Each(vec![index]))];
                    (Knot { pieces, reads }, vec![index])
                })
                .collect(),
        };
        for (knot, outputs) in made {
            for index in outputs {
                makers[step.result][index] = knots.len();
            }
            knots.push(knot);
        }
    }
    let order = post_order(program, &knots, &makers);
    Some(with_last_uses(program, pieces_of(&knots, &order)))
}

/// The knots that the outputs need, each after those that it reads.
fn post_order(program: &Program, knots: &[Knot], makers: &[Vec<usize>]) -> Vec<usize> {
    let mut begun = vec![false; knots.len()];
    let mut order = Vec::new();
    for output in &program.outputs {
        for &wanted in &makers[output.value] {
            // A stack of its own: a file may state a chain of any length.
            let mut stack: Vec<(usize, usize)> = vec![(wanted, 0)];
            if std::mem::replace(&mut begun[wanted], true) {
                continue;
            }
            while let Some((knot, next)) = stack.last_mut() {
                let Some(&(value, index)) = knots[*knot].reads.get(*next) else {
                    order.push(*knot);
                    stack.pop();
                    continue;
                };
                *next += 1;
                let needed = makers[value][index];
                if !std::mem::replace(&mut begun[needed], true) {
                    stack.push((needed, 0));
                }
            }
        }
    }
    order
}

/// A piece and what it reads.
type Reading = (usize, Made, Vec<Place>);

/// The pieces of knots in an order; neighbours that work on each ciphertext alone as one.
fn pieces_of(knots: &[Knot], order: &[usize]) -> Vec<Reading> {
    let mut pieces: Vec<Reading> = Vec::new();
    for &knot in order {
        let Knot { pieces: own, reads } = &knots[knot];
        for (step, made) in own {
            if let Made::Each(indices) = made
                && let Some((last, Made::Each(list), read)) = pieces.last_mut()
                && last == step
            {
                list.extend(indices);
                read.extend(reads);
            } else {
                pieces.push((*step, made.clone(), reads.clone()));
            }
        }
    }
    pieces
}

/// Each piece with the ciphertexts that no later one reads; those of outputs stay.
fn with_last_uses(program: &Program, pieces: Vec<Reading>) -> Vec<Piece> {
    let mut read: Vec<Vec<bool>> = (0..program.operations.len())
        .map(|id| vec![false; program.layout_of(id).ciphertexts as usize])
        .collect();
    for output in &program.outputs {
        read[output.value].fill(true);
    }
    let mut list: Vec<Piece> = Vec::with_capacity(pieces.len());
    for (step, made, mut reads) in pieces.into_iter().rev() {
        reads.retain(|&(value, index)| !std::mem::replace(&mut read[value][index], true));
        list.push(Piece {
            step,
            made,
            last_uses: reads,
        });
    }
    list.reverse();
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::Prepared;

    #[test]
    fn makes_each_ciphertext_once_before_it_is_read_and_frees_it_after() {
        let plan = include_bytes!("../../fuzz/corpus/batch.loom");
        let prepared = Prepared::new(plan).unwrap();
        let pieces = prepared.pieces.as_ref().unwrap();
        let program = &prepared.program;
        let mut alive: Vec<Vec<Option<bool>>> = (0..program.operations.len())
            .map(|id| vec![None; program.layout_of(id).ciphertexts as usize])
            .collect();
        for piece in pieces {
            let step = &prepared.steps[piece.step];
            let operands = &program.operations[step.head].operands;
            let (reads, made): (Vec<Place>, Vec<usize>) =
                match (&piece.made, &prepared.work[step.head]) {
                    (Made::Block(n), Work::Batch(work)) => {
                        let block = &work.blocks[*n];
                        let read = |c: &crate::batch_work::Column| {
                            (operands[c.operand as usize], c.ciphertext as usize)
                        };
                        (
                            block.columns.iter().map(read).collect(),
                            block.outputs.clone(),
                        )
                    }
                    (Made::Empty(index), _) => (vec![(operands[0], 0)], vec![*index]),
                    (Made::Each(indices), _) => {
                        let of =
                            |&operand: &usize| indices.iter().map(move |&index| (operand, index));
                        (operands.iter().flat_map(of).collect(), indices.clone())
                    }
                    (made, _) => panic!("{made:?} of no batch operation"),
                };
            for (value, index) in &reads {
                assert_eq!(
                    alive[*value][*index],
                    Some(true),
                    "%{value}[{index}] is read"
                );
            }
            for index in made {
                assert_eq!(alive[step.result][index].replace(true), None, "made twice");
            }
            for &(value, index) in &piece.last_uses {
                assert!(reads.contains(&(value, index)));
                assert_eq!(
                    alive[value][index].replace(false),
                    Some(true),
                    "freed twice"
                );
            }
        }
        let outputs: Vec<ValueId> = program.outputs.iter().map(|output| output.value).collect();
        for (id, list) in alive.iter().enumerate() {
            let kept = list.iter().filter(|state| **state == Some(true)).count();
            assert_eq!(
                kept,
                if outputs.contains(&id) { list.len() } else { 0 },
                "%{id}"
            );
        }
        // Several rows of inputs are never alive at once with the whole of a layer.
        assert!(pieces.len() > prepared.steps.len());
    }
}
