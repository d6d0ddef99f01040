//! Changes that know the format only as places of numbers, or not at all.

use crate::random::Random;

/// Inputs do not outgrow this: what they are compared with is twice their size and a constant.
const MAX_BYTES: usize = 1 << 20;

/// A little-endian number of a format.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    pub at: usize,
    pub width: usize,
}

/// Change a number of the format.
pub fn change_number(bytes: &mut [u8], numbers: &[Number], random: &mut Random) {
    let Some(&Number { at, width }) = random.pick(numbers) else {
        return;
    };
    let Some(place) = bytes.get_mut(at..at + width) else {
        return;
    };
    let old = place
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte));
    place.copy_from_slice(&random.number(old).to_le_bytes()[..width]);
}

/// Change bytes anywhere.
pub fn change_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    let length = bytes.len();
    let at = random.below(length);
    let log = random.below(9);
    let count = 1 + random.below(1 << log);
    let end = (at + count).min(length);
    match random.below(8) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes[at..end].fill(random.next() as u8),
        3 => bytes[at..end]
            .iter_mut()
            .for_each(|byte| *byte = random.next() as u8),
        4 if length + count <= MAX_BYTES => {
            let part = bytes[at..end].to_vec();
            let to = random.below(length);
            drop(bytes.splice(to..to, part));
        }
        5 if length + count <= MAX_BYTES => bytes.extend((0..count).map(|_| random.next() as u8)),
        6 => {
            let from = random.below(length);
            let part = bytes[from..(from + count).min(length)].to_vec();
            let to = at..(at + part.len()).min(length);
            let count = to.len();
            bytes[to].copy_from_slice(&part[..count]);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}
