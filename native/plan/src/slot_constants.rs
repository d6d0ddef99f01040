//! Constants per element as one number or as a vector of each ciphertext; the rules are those of
//! `src/backend/execute/constant-slots.ts`.

use crate::layout::Layout;
use crate::program::Constant;
use crate::slot_places::SlotPlaces;

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
    places: SlotPlaces,
    /// One value a place.
    value: Vec<f64>,
    /// Value of slots that hold no element.
    elsewhere: f64,
}

impl SlotConstants {
    /// Place a constant, broadcast to the shape of the layout. Its shape was checked with the plan.
    pub fn new(layout: &Layout, constant: &Constant, elsewhere: f64) -> Self {
        let places = SlotPlaces::new(layout);
        let value = places
            .elements()
            .iter()
            .map(|&element| constant.data[broadcast_index(element, &layout.shape, &constant.shape)])
            .collect();
        Self {
            places,
            value,
            elsewhere,
        }
    }

    /// What ciphertext `index` meets.
    pub fn of(&self, index: usize) -> SlotConstant {
        // Numbers are one when they are equal in every bit but the sign of zero.
        let equal = |a: f64, b: f64| (a - b) == 0.0;
        let values = &self.value[self.places.of(index)];
        let first = values.first().copied().unwrap_or(self.elsewhere);
        let full = self.places.fill_all_slots(index);
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
        for image in 0..self.places.batch() {
            for k in self.places.of(index) {
                slots[self.places.slot(k, image)] = self.value[k];
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
