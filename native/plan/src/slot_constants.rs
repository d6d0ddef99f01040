//! Constants per element as one number or as a vector of each ciphertext; the rules are those of
//! `src/backend/execute/constant-slots.ts`.

use crate::layout::Layout;
use crate::program::Constant;

/// What is added to or multiplied with one ciphertext.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SlotConstant {
    Number(f64),
    /// Built by [`SlotConstants::fill`].
    Vector,
}

/// A constant placed as a layout says.
#[derive(Debug)]
pub struct SlotConstants {
    /// Entries of ciphertext c are start[c] … start[c + 1] − 1.
    start: Vec<usize>,
    slot: Vec<u32>,
    value: Vec<f64>,
    batch_offsets: Vec<u32>,
    slots: u32,
    /// Value of slots that hold no element.
    elsewhere: f64,
}

impl SlotConstants {
    /// Place a constant, broadcast to the shape of the layout. Its shape was checked with the plan.
    pub fn new(layout: &Layout, constant: &Constant, elsewhere: f64) -> Self {
        let placement = layout.placement();
        let slots = layout.slots;
        let mut start = vec![0usize; layout.ciphertexts as usize + 1];
        for place in &placement.places {
            start[(place / slots) as usize + 1] += 1;
        }
        for c in 0..layout.ciphertexts as usize {
            start[c + 1] += start[c];
        }
        let mut next = start.clone();
        let mut slot = vec![0; placement.places.len()];
        let mut value = vec![0.0; placement.places.len()];
        for (&element, &place) in placement.elements.iter().zip(&placement.places) {
            let at = &mut next[(place / slots) as usize];
            slot[*at] = place % slots;
            value[*at] = constant.data[broadcast_index(element, &layout.shape, &constant.shape)];
            *at += 1;
        }
        Self {
            start,
            slot,
            value,
            batch_offsets: placement.batch_offsets,
            slots,
            elsewhere,
        }
    }

    /// What ciphertext `index` meets.
    pub fn of(&self, index: usize) -> SlotConstant {
        // Numbers are one when they are equal in every bit but the sign of zero.
        let equal = |a: f64, b: f64| (a - b) == 0.0;
        let values = &self.value[self.start[index]..self.start[index + 1]];
        let first = values.first().copied().unwrap_or(self.elsewhere);
        let full = values.len() * self.batch_offsets.len() == self.slots as usize;
        if (full || equal(first, self.elsewhere)) && values.iter().all(|&value| equal(value, first))
        {
            SlotConstant::Number(first)
        } else {
            SlotConstant::Vector
        }
    }

    /// Write the vector of ciphertext `index`.
    pub fn fill(&self, index: usize, slots: &mut [f64]) {
        slots.fill(self.elsewhere);
        for &offset in &self.batch_offsets {
            for k in self.start[index]..self.start[index + 1] {
                slots[((self.slot[k] + offset) % self.slots) as usize] = self.value[k];
            }
        }
    }
}

/// Index into a constant of an element of the shape that it is broadcast to.
fn broadcast_index(element: u32, shape: &[u32], constant: &[u32]) -> usize {
    let mut rest = element as usize;
    let mut index = 0;
    let mut stride = 1;
    let mut extents = constant.iter().rev();
    for &extent in shape.iter().rev() {
        let at = rest % extent as usize;
        rest /= extent as usize;
        let own = extents.next().copied().unwrap_or(1) as usize;
        if own > 1 {
            index += at * stride;
        }
        stride *= own;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::broadcast_index;

    #[test]
    fn broadcasts_along_missing_and_unit_axes() {
        let shape = [2, 3, 4];
        for element in 0..24u32 {
            let [a, b, c] = [element / 12, element / 4 % 3, element % 4].map(|x| x as usize);
            assert_eq!(
                broadcast_index(element, &shape, &[2, 3, 4]),
                element as usize
            );
            assert_eq!(broadcast_index(element, &shape, &[3, 1]), b);
            assert_eq!(broadcast_index(element, &shape, &[2, 1, 4]), 4 * a + c);
            assert_eq!(broadcast_index(element, &shape, &[]), 0);
        }
    }
}
