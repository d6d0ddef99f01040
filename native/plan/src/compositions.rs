//! Rotations without a key of their own, each as a rotation made before and one by a step that has a
//! key; the rules are those of `src/ir/packed/compositions.ts`.

use std::collections::HashMap;

use crate::diagonals::centred_rotation;

/// Most of them in one list.
const MAX_COMPOSITIONS: usize = 4096;
/// Most rotations one after the other.
const LONGEST_CHAIN: usize = 64;

/// The last step of each rotation that is composed.
#[derive(Clone, Debug, Default)]
pub struct LastSteps(HashMap<i32, i32>);

/// Compositions of a linear operation.
#[derive(Clone, Debug, Default)]
pub struct Compositions {
    /// Of inputs: baby steps.
    pub inputs: LastSteps,
    /// Of sums: giant steps. A sum is rotated by the last step and added to that of what is left.
    pub sums: LastSteps,
    /// Of results that are added to themselves.
    pub folds: LastSteps,
}

impl LastSteps {
    /// Check pairs of a rotation and its last step, for so many slots: every chain ends.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn new(pairs: &[(i32, i32)], slots: u32) -> Result<Self, String> {
        if pairs.len() > MAX_COMPOSITIONS {
            return Err(format!("composes more than {MAX_COMPOSITIONS} rotations"));
        }
        let steps = Self(pairs.iter().copied().collect());
        if steps.0.len() != pairs.len() {
            return Err("composes a rotation twice".to_owned());
        }
        let centred = |step: i32| step != 0 && centred_rotation(i64::from(step), slots) == step;
        for &(rotation, step) in pairs {
            if !centred(rotation) || !centred(step) {
                return Err(format!(
                    "composes {rotation}, ending with {step}, of {slots} slots"
                ));
            }
            let mut left = rotation;
            let mut length = 0;
            while left != 0 {
                left = steps.before(left, slots);
                length += 1;
                if length > LONGEST_CHAIN {
                    return Err(format!(
                        "composes {rotation} of more than {LONGEST_CHAIN} rotations"
                    ));
                }
            }
        }
        Ok(steps)
    }

    /// The step with a key that a rotation ends with: the rotation itself where it is not composed.
    pub fn last(&self, rotation: i32) -> i32 {
        self.0.get(&rotation).copied().unwrap_or(rotation)
    }

    /// The rotation made before the last step.
    pub fn before(&self, rotation: i32, slots: u32) -> i32 {
        centred_rotation(i64::from(rotation) - i64::from(self.last(rotation)), slots)
    }

    /// The rotations with keys that make up a rotation, in order.
    pub fn chain(&self, rotation: i32, slots: u32) -> Vec<i32> {
        let mut chain = Vec::new();
        let mut left = rotation;
        while left != 0 {
            chain.push(self.last(left));
            left = self.before(left, slots);
        }
        chain.reverse();
        chain
    }
}

/// Rotated values, each made from another one of the same value.
#[derive(Debug)]
pub struct RotationTree {
    /// Per node, the node on the way to the value itself; none where that is the value.
    pub from: Vec<Option<usize>>,
    /// Per node, the step between the two; 0 for the value itself.
    pub step: Vec<i32>,
    /// Per node, the nodes on the way.
    pub depth: Vec<usize>,
}

impl RotationTree {
    /// Complete rotated values, numbered by value and rotation, by those that they are made from.
    /// `roots`: the values themselves are nodes too.
    pub fn new(nodes: &[(usize, i32)], steps: &LastSteps, slots: u32, roots: bool) -> Self {
        let mut all = nodes.to_vec();
        let mut numbers: HashMap<(usize, i32), usize> = nodes
            .iter()
            .enumerate()
            .map(|(n, &node)| (node, n))
            .collect();
        let mut tree = Self {
            from: Vec::new(),
            step: Vec::new(),
            depth: Vec::new(),
        };
        let mut n = 0;
        while n < all.len() {
            let (value, rotation) = all[n];
            let before = steps.before(rotation, slots);
            tree.step.push(steps.last(rotation));
            let chain = steps.chain(rotation, slots).len();
            tree.depth.push(chain.saturating_sub(usize::from(!roots)));
            tree.from.push(if rotation == 0 || before == 0 && !roots {
                None
            } else {
                let next = all.len();
                let number = *numbers.entry((value, before)).or_insert(next);
                if number == next {
                    all.push((value, before));
                }
                Some(number)
            });
            n += 1;
        }
        tree
    }

    /// Rotations that it takes.
    pub fn rotations(&self) -> usize {
        self.step.iter().filter(|&&step| step != 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chains_that_do_not_end_are_refused() {
        assert!(LastSteps::new(&[(3, 1), (2, -1)], 64).is_err());
        assert!(LastSteps::new(&[(3, 0)], 64).is_err());
        assert!(LastSteps::new(&[(33, 1)], 64).is_err());
        assert!(LastSteps::new(&[(3, 1), (3, 2)], 64).is_err());
        let long: Vec<(i32, i32)> = (2..=65).map(|rotation| (rotation, 1)).collect();
        assert!(LastSteps::new(&long, 256).is_err());
        assert!(LastSteps::new(&long[..63], 256).is_ok());
    }

    proptest! {
        #[test]
        fn steps_add_up_to_their_rotation(
            steps in proptest::collection::vec(1i32..6, 1..20),
            roots: bool,
        ) {
            // 6 + n = (6 + n − step) + step: below 6 each has its key.
            let pairs: Vec<(i32, i32)> = (6..).zip(steps).collect();
            let last = LastSteps::new(&pairs, 64);
            prop_assert!(last.is_ok());
            let last = last.unwrap_or_default();
            let nodes: Vec<(usize, i32)> = pairs.iter().map(|&(rotation, _)| (7, rotation)).collect();
            let tree = RotationTree::new(&nodes, &last, 64, roots);
            for (n, &(_, rotation)) in nodes.iter().enumerate() {
                prop_assert_eq!(last.chain(rotation, 64).iter().sum::<i32>(), rotation);
                let (mut sum, mut at, mut depth) = (tree.step[n], tree.from[n], 0);
                while let Some(node) = at {
                    sum += tree.step[node];
                    depth += 1;
                    at = tree.from[node];
                }
                prop_assert_eq!((sum, depth), (rotation, tree.depth[n]));
            }
        }
    }
}
