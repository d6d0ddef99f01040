//! Which slot of which ciphertext holds which element; the rules are those of `src/layout/layout.ts`.

use crate::error::{PlanError, refuse};
use crate::message;

/// What a plan may ask a reader to place, as in the TypeScript reader. A batch layout is looked at by
/// ciphertexts and slots, not by every pair of them: what bounds its slots is that places have 31 bits.
const MAX_SLOTS: u64 = 1 << 28;
const MAX_BATCH_SLOTS: u64 = (1 << 31) - 1;
const MAX_PLACED: u64 = 1 << 26;
/// Images of one execution.
const MAX_IMAGES: u64 = 1 << 20;
/// Positions along an axis that are counted at once.
const COUNTED: usize = 1 << 22;
const MAX_RANK: usize = 16;
const MAX_DIGITS: usize = 64;
const MAX_INTEGER: i64 = (1 << 31) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitOf {
    Axis(usize),
    Batch,
    Copy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit {
    pub of: DigitOf,
    pub size: u32,
    /// Elements along the axis (images for a batch) per unit.
    pub step: u32,
    pub in_ciphertext: bool,
    /// Slots (or ciphertexts) per unit.
    pub stride: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub shape: Vec<u32>,
    pub slots: u32,
    pub ciphertexts: u32,
    pub origin: Vec<i32>,
    pub digits: Vec<Digit>,
    /// Bound of what unused slots hold; none where they are zero.
    pub unused_bound: Option<f64>,
}

/// Where the elements of one image stand: place = ciphertext × slots + slot.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    pub elements: Vec<u32>,
    pub places: Vec<u32>,
    /// Offset of each image of the batch, to be added to a place.
    pub batch_offsets: Vec<u32>,
}

impl Layout {
    /// Elements of one image.
    pub fn element_count(&self) -> usize {
        self.shape.iter().map(|&extent| extent as usize).product()
    }

    /// Images one packed value holds.
    pub fn batch_size(&self) -> usize {
        self.digits
            .iter()
            .filter(|digit| digit.of == DigitOf::Batch)
            .fold(1, |size, digit| {
                size + digit.step as usize * (digit.size as usize - 1)
            })
    }

    /// Whether a batch fills every slot, so that a linear map needs one constant an element pair.
    pub fn is_batch_layout(&self) -> bool {
        self.digits
            .iter()
            .all(|digit| digit.in_ciphertext != (digit.of == DigitOf::Batch))
    }

    /// Values of all digits of one image.
    fn combinations(&self) -> u64 {
        self.sizes(|digit| digit.of != DigitOf::Batch)
    }

    /// Places that a check looks at.
    fn looked_at(&self) -> u64 {
        let batch = self.is_batch_layout();
        self.sizes(|digit| !batch || digit.of != DigitOf::Batch)
    }

    fn sizes(&self, counts: impl Fn(&Digit) -> bool) -> u64 {
        let digits = self.digits.iter().filter(|&digit| counts(digit));
        digits.fold(1, |product, digit| {
            product.saturating_mul(u64::from(digit.size))
        })
    }

    /// List the places of every element. Cost: the product of the digit sizes.
    pub fn placement(&self) -> Placement {
        let mut placement = Placement::default();
        self.for_each_place(|element, place| {
            placement.elements.push(element);
            placement.places.push(place);
        });
        placement.batch_offsets = self.batch_offsets();
        placement
    }

    /// Call `visit` with each element of the first image and its place.
    fn for_each_place(&self, mut visit: impl FnMut(u32, u32)) {
        let strides = row_major_strides(&self.shape);
        let of_elements: Vec<&Digit> = self
            .digits
            .iter()
            .filter(|digit| digit.of != DigitOf::Batch && digit.size > 1)
            .collect();
        let mut index: Vec<i64> = self.origin.iter().map(|&at| i64::from(at)).collect();
        let mut counter = vec![0u32; of_elements.len()];
        let mut place = 0i64;
        loop {
            let inside = index
                .iter()
                .zip(&self.shape)
                .all(|(&at, &extent)| at >= 0 && at < i64::from(extent));
            if inside {
                let element: i64 = index.iter().zip(&strides).map(|(at, by)| at * by).sum();
                visit(element as u32, place as u32);
            }
            // Count up, last digit fastest.
            let mut advanced = false;
            for (digit, value) in of_elements.iter().zip(&mut counter).rev() {
                advanced = *value + 1 < digit.size;
                let move_by = if advanced { 1 } else { -i64::from(*value) };
                *value = if advanced { *value + 1 } else { 0 };
                place += move_by * self.place_stride(digit);
                if let DigitOf::Axis(axis) = digit.of {
                    index[axis] += move_by * i64::from(digit.step);
                }
                if advanced {
                    break;
                }
            }
            if !advanced {
                break;
            }
        }
    }

    /// The most places of one element. ASSUME: every element has one.
    ///
    /// Cost: the sum over axes of the products of their digit sizes; axes are independent.
    pub fn most_copies(&self) -> u64 {
        let copies = self.digits.iter().filter(|digit| digit.of == DigitOf::Copy);
        (0..self.shape.len())
            .map(|axis| self.most_along(axis))
            .chain(copies.map(|digit| u64::from(digit.size)))
            .fold(1, u64::saturating_mul)
    }

    /// The most combinations of an axis' digits that give one position.
    fn most_along(&self, axis: usize) -> u64 {
        let extent = self.shape[axis] as usize;
        let digits: Vec<(i64, i64)> = self
            .digits
            .iter()
            .filter(|digit| digit.of == DigitOf::Axis(axis) && digit.size > 1)
            .map(|digit| (i64::from(digit.size), i64::from(digit.step)))
            .collect();
        let combinations = digits
            .iter()
            .map(|&(size, _)| size as usize)
            .product::<usize>();
        if combinations == extent {
            return 1;
        }
        let mut counts = vec![0u32; extent.min(COUNTED)];
        let mut most = 0;
        for first in (0..extent).step_by(COUNTED) {
            counts.fill(0);
            let from = i64::from(self.origin[axis]) - first as i64;
            count_positions(&digits, from, &mut counts);
            most = most.max(counts.iter().copied().max().unwrap_or(0));
        }
        u64::from(most)
    }

    fn place_stride(&self, digit: &Digit) -> i64 {
        let unit = if digit.in_ciphertext { self.slots } else { 1 };
        i64::from(digit.stride) * i64::from(unit)
    }

    fn batch_offsets(&self) -> Vec<u32> {
        let mut offsets = vec![(0usize, 0i64)];
        for digit in self.digits.iter().filter(|d| d.of == DigitOf::Batch) {
            offsets = offsets
                .iter()
                .flat_map(|&(image, offset)| {
                    (0..digit.size).map(move |value| {
                        (
                            image + value as usize * digit.step as usize,
                            offset + i64::from(value) * self.place_stride(digit),
                        )
                    })
                })
                .collect();
        }
        let mut by_image = vec![u32::MAX; self.batch_size()];
        for (image, offset) in offsets {
            if let Some(slot) = by_image.get_mut(image) {
                *slot = offset as u32;
            }
        }
        by_image
    }

    /// Check every rule: bounds, no slot used twice, every element placed.
    fn check(&self, what: &str) -> Result<(), PlanError> {
        let slots = self.slots;
        if !slots.is_power_of_two() || slots > 65536 {
            return refuse(what, format!("has {slots} slots"));
        }
        let ciphertexts = u64::from(self.ciphertexts);
        let most = if self.is_batch_layout() {
            MAX_BATCH_SLOTS
        } else {
            MAX_SLOTS
        };
        if ciphertexts == 0 || ciphertexts > MAX_PLACED || ciphertexts * u64::from(slots) > most {
            return refuse(
                what,
                format!("has {} ciphertexts of {slots} slots", self.ciphertexts),
            );
        }
        if self.shape.len() > MAX_RANK
            || self.digits.len() > MAX_DIGITS
            || self.shape.len() != self.origin.len()
        {
            return refuse(
                what,
                "has too many axes or digits, or not one origin an axis",
            );
        }
        let bounded = |n: u32| i64::from(n) <= MAX_INTEGER;
        let elements = self.shape.iter().try_fold(1u64, |product, &extent| {
            (extent >= 1 && bounded(extent))
                .then(|| product.checked_mul(u64::from(extent)))
                .flatten()
        });
        let Some(elements) = elements.filter(|&count| count <= MAX_PLACED) else {
            return refuse(what, "has a shape out of bounds");
        };
        let mut images = 1u64;
        let mut named = 1u64;
        let mut reach = [0u64; 2];
        for digit in &self.digits {
            let known = match digit.of {
                DigitOf::Axis(axis) => axis < self.shape.len(),
                DigitOf::Batch | DigitOf::Copy => true,
            };
            if !known
                || digit.size < 1
                || ![digit.size, digit.step, digit.stride]
                    .into_iter()
                    .all(bounded)
            {
                return refuse(what, "has a digit of no axis or out of bounds");
            }
            if digit.of == DigitOf::Batch {
                images = images.saturating_mul(u64::from(digit.size));
            }
            if digit.in_ciphertext {
                named = named.saturating_mul(u64::from(digit.size));
            }
            if self.looked_at() > MAX_PLACED || images > MAX_IMAGES {
                return refuse(what, "has digits of too many combinations");
            }
            reach[usize::from(digit.in_ciphertext)] +=
                u64::from(digit.size - 1) * u64::from(digit.stride);
        }
        if reach[0] >= u64::from(slots) || reach[1] >= u64::from(self.ciphertexts) {
            return refuse(
                what,
                "has digits that reach past the last slot or ciphertext",
            );
        }
        // Every operation makes each of them: a short file must not ask for a million empty ones.
        if u64::from(self.ciphertexts) > named {
            return refuse(what, "has ciphertexts that no digit names");
        }
        if elements > self.combinations() || self.batch_size() as u64 > images {
            return refuse(what, "leaves an element or an image without a slot");
        }
        if self
            .unused_bound
            .is_some_and(|bound| !(0.0..f64::INFINITY).contains(&bound))
        {
            return refuse(what, "has no finite bound of its unused slots");
        }
        self.check_places(what)
    }

    fn check_places(&self, what: &str) -> Result<(), PlanError> {
        let batch_offsets = self.batch_offsets();
        if batch_offsets.contains(&u32::MAX) {
            return refuse(what, "has batch digits that leave images out");
        }
        let (slots, ciphertexts) = (self.slots as usize, self.ciphertexts as usize);
        let mut seen = Bits::new(self.element_count());
        let mut apart = true;
        if self.is_batch_layout() {
            // A place is shared only where the ciphertext and the slot are.
            let mut used_slots = Bits::new(slots);
            for &offset in &batch_offsets {
                apart &= used_slots.insert(offset as usize);
            }
            let mut used = Bits::new(ciphertexts);
            self.for_each_place(|element, place| {
                seen.insert(element as usize);
                apart &= used.insert(place as usize / slots);
            });
        } else {
            let mut used = Bits::new(slots * ciphertexts);
            self.for_each_place(|element, place| {
                seen.insert(element as usize);
                for &offset in &batch_offsets {
                    apart &= used.insert(place as usize + offset as usize);
                }
            });
        }
        if !apart {
            return refuse(what, "puts two elements into one slot");
        }
        match seen.first_missing() {
            Some(element) => refuse(what, format!("has no slot for element {element}")),
            None => Ok(()),
        }
    }
}

/// Count the positions that digits (size, step) reach from a first one, where they have a place.
fn count_positions(digits: &[(i64, i64)], from: i64, counts: &mut [u32]) {
    match digits {
        [] => {
            if let Some(count) = usize::try_from(from).ok().and_then(|at| counts.get_mut(at)) {
                *count += 1;
            }
        }
        [(size, step), rest @ ..] => {
            for value in 0..*size {
                count_positions(rest, from + value * step, counts);
            }
        }
    }
}

/// A set of small integers.
struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    fn new(length: usize) -> Self {
        Self {
            words: vec![0; length.div_ceil(64)],
            length,
        }
    }

    /// Whether the number is a new one, below the length.
    fn insert(&mut self, at: usize) -> bool {
        let bit = 1 << (at % 64);
        match self.words.get_mut(at / 64) {
            Some(word) if at < self.length && *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    fn first_missing(&self) -> Option<usize> {
        let at = self.words.iter().position(|&word| word != u64::MAX)?;
        let missing = 64 * at + self.words[at].trailing_ones() as usize;
        (missing < self.length).then_some(missing)
    }
}

fn row_major_strides(shape: &[u32]) -> Vec<i64> {
    let mut strides = vec![1i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * i64::from(shape[axis]);
    }
    strides
}

/// Read the layouts of a plan, each checked, before anything large is allocated for it.
pub fn read_layouts(messages: &[message::Layout], slots: u32) -> Result<Vec<Layout>, PlanError> {
    let mut placed = 0u64;
    messages
        .iter()
        .enumerate()
        .map(|(n, message)| {
            let what = format!("layout {n}");
            if message.slots != slots {
                return refuse(
                    what,
                    format!(
                        "has {} slots, half the ring degree is {slots}",
                        message.slots
                    ),
                );
            }
            let layout = layout_of(message, &what)?;
            placed = placed.saturating_add(layout.looked_at());
            if placed > MAX_PLACED {
                return refuse(
                    what,
                    format!("places more than {MAX_PLACED} elements with those before it"),
                );
            }
            layout.check(&what)?;
            Ok(layout)
        })
        .collect()
}

fn layout_of(message: &message::Layout, what: &str) -> Result<Layout, PlanError> {
    let digits = message
        .digits
        .iter()
        .map(|digit| {
            let of = match digit.of {
                Some(message::DigitOf::Axis(axis)) => DigitOf::Axis(axis as usize),
                Some(message::DigitOf::Batch(true)) => DigitOf::Batch,
                Some(message::DigitOf::Copy(true)) => DigitOf::Copy,
                _ => return refuse(what, "has a digit of nothing"),
            };
            Ok(Digit {
                of,
                size: digit.size,
                step: digit.step,
                in_ciphertext: digit.in_ciphertext,
                stride: digit.stride,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Layout {
        shape: message.shape.clone(),
        slots: message.slots,
        ciphertexts: message.ciphertexts,
        origin: message.origin.clone(),
        digits,
        unused_bound: message.unused_bound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digit(of: DigitOf, size: u32, step: u32) -> Digit {
        Digit {
            of,
            size,
            step,
            in_ciphertext: false,
            stride: 1,
        }
    }

    proptest! {
        #[test]
        fn most_copies_are_those_of_the_placement(
            sizes in proptest::collection::vec((0usize..3, 1u32..5), 0..6),
            blocks in proptest::array::uniform2(1u32..4),
            cut in proptest::array::uniform2((0u32..9, 0u32..9)),
        ) {
            let mut digits = Vec::new();
            let mut reach = [1, 1];
            for &(axis, size) in &sizes {
                if axis < 2 {
                    digits.push(digit(DigitOf::Axis(axis), size, 1));
                    reach[axis] += size - 1;
                } else {
                    digits.push(digit(DigitOf::Copy, size, 1));
                }
            }
            let mut origin = Vec::new();
            let mut shape = Vec::new();
            for axis in 0..2 {
                digits.push(digit(DigitOf::Axis(axis), blocks[axis], reach[axis]));
                let whole = reach[axis] * blocks[axis];
                let before = cut[axis].0 % whole;
                origin.push(-(before as i32));
                shape.push(whole - before - cut[axis].1 % (whole - before));
            }
            let layout = Layout {
                shape,
                slots: 1024,
                ciphertexts: 1,
                origin,
                digits,
                unused_bound: None,
            };
            let mut counts = vec![0u64; layout.element_count()];
            layout.for_each_place(|element, _| counts[element as usize] += 1);
            prop_assert!(counts.iter().all(|&count| count > 0));
            prop_assert_eq!(layout.most_copies(), counts.into_iter().max().unwrap_or(0));
        }
    }

    /// A ciphertext for each of so many numbers, an image in each of 8,192 slots.
    fn batch_layout(elements: u32) -> Layout {
        let across = Digit {
            in_ciphertext: true,
            ..digit(DigitOf::Axis(0), elements, 1)
        };
        Layout {
            shape: vec![elements],
            slots: 8192,
            ciphertexts: elements,
            origin: vec![0],
            digits: vec![across, digit(DigitOf::Batch, 8192, 1)],
            unused_bound: None,
        }
    }

    #[test]
    fn a_batch_layout_is_checked_by_ciphertexts_and_slots() {
        assert!(batch_layout(3 * 128 * 128).check("layout").is_ok());
        assert!(batch_layout(3 * 512 * 512).check("layout").is_err());
        let mut shared = batch_layout(8);
        shared.digits[0].stride = 0;
        assert!(shared.check("layout").is_err());
        let mut shared = batch_layout(8);
        shared.digits[1] = digit(DigitOf::Batch, 8, 1);
        shared.digits[1].stride = 0;
        assert!(shared.check("layout").is_err());
        let mut missing = batch_layout(8);
        missing.digits[0].size = 7;
        assert!(missing.check("layout").is_err());
        let mut empty = batch_layout(8);
        empty.ciphertexts = 9;
        assert!(empty.check("layout").is_err());
    }

    #[test]
    fn bits_are_inserted_once() {
        let mut bits = Bits::new(70);
        assert!((0..70).all(|at| bits.first_missing() == Some(at) && bits.insert(at)));
        assert_eq!(bits.first_missing(), None);
        assert!(!bits.insert(3) && !bits.insert(70) && !bits.insert(1000));
    }
}
