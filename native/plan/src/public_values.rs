//! Values that the server computed in the clear, as vectors of each ciphertext.

use std::collections::HashMap;

use crate::layout::Layout;
use crate::slot_places::SlotPlaces;

/// By name: the elements of one image for all of an execution, or of each of its images.
pub type PublicValues = HashMap<String, Vec<Vec<f64>>>;

/// A value of a request placed as a layout says; unused slots hold zero.
#[derive(Debug)]
pub struct PublicSlots {
    name: String,
    elements: usize,
    places: SlotPlaces,
}

impl PublicSlots {
    pub fn new(layout: &Layout, name: String) -> Self {
        Self {
            name,
            elements: layout.element_count(),
            places: SlotPlaces::new(layout),
        }
    }

    /// Why a request does not hold this value; None where it does.
    pub fn missing_in(&self, given: &PublicValues) -> Option<(&str, String)> {
        let Some(images) = given.get(&self.name) else {
            return Some((&self.name, "is missing".to_owned()));
        };
        // The last execution may hold fewer images than there is room for.
        if images.is_empty() || images.len() > self.places.batch() {
            let reason = format!(
                "has {} images, one execution holds {}",
                images.len(),
                self.places.batch()
            );
            return Some((&self.name, reason));
        }
        let wrong = images.iter().find(|image| image.len() != self.elements)?;
        let reason = format!("has {} elements, not {}", wrong.len(), self.elements);
        Some((&self.name, reason))
    }

    /// Write the vector of ciphertext `index` over zeros; the value was found in the request.
    pub fn fill(&self, index: usize, given: &PublicValues, slots: &mut [f64]) {
        let images = given.get(&self.name).map_or(&[][..], Vec::as_slice);
        for image in 0..self.places.batch() {
            let values = match images {
                [only] => only,
                _ => match images.get(image) {
                    Some(values) => values,
                    None => break,
                },
            };
            for k in self.places.of(index) {
                slots[self.places.slot(k, image)] = values[self.places.elements()[k] as usize];
            }
        }
    }
}
