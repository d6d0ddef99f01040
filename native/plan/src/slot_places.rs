//! Where the elements of a layout stand, ciphertext by ciphertext.

use core::ops::Range;

use crate::layout::Layout;

/// Places of the first image, grouped by ciphertext. A batch stays within its ciphertext.
#[derive(Debug)]
pub struct SlotPlaces {
    /// Places of ciphertext c are start[c] … start[c + 1] − 1.
    start: Vec<usize>,
    element: Vec<u32>,
    slot: Vec<u32>,
    batch_offsets: Vec<u32>,
    slots: u32,
}

impl SlotPlaces {
    pub fn new(layout: &Layout) -> Self {
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
        let mut element = vec![0; placement.places.len()];
        for (&one, &place) in placement.elements.iter().zip(&placement.places) {
            let at = &mut next[(place / slots) as usize];
            slot[*at] = place % slots;
            element[*at] = one;
            *at += 1;
        }
        Self {
            start,
            element,
            slot,
            batch_offsets: placement.batch_offsets,
            slots,
        }
    }

    /// The places of a ciphertext.
    pub fn of(&self, ciphertext: usize) -> Range<usize> {
        self.start[ciphertext]..self.start[ciphertext + 1]
    }

    /// Element of each place.
    pub fn elements(&self) -> &[u32] {
        &self.element
    }

    /// Images of an execution.
    pub fn batch(&self) -> usize {
        self.batch_offsets.len()
    }

    /// Slot of a place for one image of the batch.
    pub fn slot(&self, place: usize, image: usize) -> usize {
        ((self.slot[place] + self.batch_offsets[image]) % self.slots) as usize
    }

    /// Whether every slot of a ciphertext holds an element.
    pub fn fill_all_slots(&self, ciphertext: usize) -> bool {
        self.of(ciphertext).len() * self.batch() == self.slots as usize
    }
}
