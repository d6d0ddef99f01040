//! Plans: `model.loom`, whose layout stands in `src/backend/plan/plan.proto`.

use plan::{Prepared, check_plan};
use sha2::{Digest, Sha256};

use crate::mutate_bytes::{Number, change_bytes, change_number};
use crate::mutate_protobuf::{Fields, change, parse, write};
use crate::random::Random;
use crate::target::Target;

const HEAD: usize = 256;
const NUMBERS: [(usize, usize); 12] = [
    (0, 8),
    (8, 4),
    (12, 4),
    (16, 8),
    (24, 8),
    (32, 8),
    (40, 4),
    (44, 4),
    (64, 8),
    (128, 8),
    (160, 8),
    (224, 8),
];

struct Seed {
    file: Vec<u8>,
    program: Fields,
    blobs: Vec<u8>,
}

pub struct Plans {
    seeds: Vec<Seed>,
}

/// A file of parts, its lengths and digests right.
fn joined(head: &[u8], program: &[u8], blobs: &[u8]) -> Vec<u8> {
    let mut file = head.to_vec();
    file.extend_from_slice(program);
    let offset = file.len().next_multiple_of(64);
    file.resize(offset, 0);
    file.extend_from_slice(blobs);
    let length = file.len() as u64;
    file[16..24].copy_from_slice(&length.to_le_bytes());
    file[24..32].copy_from_slice(&(program.len() as u64).to_le_bytes());
    file[32..40].copy_from_slice(&(offset as u64).to_le_bytes());
    let digests = [program, &file[HEAD + program.len()..]].map(Sha256::digest);
    file[128..160].copy_from_slice(&digests[0]);
    file[160..192].copy_from_slice(&digests[1]);
    seal_head(&mut file);
    file
}

fn seal_head(file: &mut [u8]) {
    if file.len() >= HEAD {
        let digest = Sha256::digest(&file[..224]);
        file[224..256].copy_from_slice(&digest);
    }
}

impl Seed {
    fn new(file: &[u8]) -> Self {
        let length = u64::from_le_bytes(std::array::from_fn(|n| file[24 + n])) as usize;
        let program = &file[HEAD..HEAD + length];
        Self {
            program: parse(program, 0).unwrap_or_default(),
            blobs: file[(HEAD + length).next_multiple_of(64)..].to_vec(),
            file: file.to_vec(),
        }
    }
}

impl Plans {
    pub fn new() -> Self {
        let files: [&[u8]; 2] = [
            include_bytes!("../corpus/small.loom"),
            include_bytes!("../corpus/batch.loom"),
        ];
        Self {
            seeds: files.map(Seed::new).into(),
        }
    }
}

impl Target for Plans {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn seeds(&self) -> Vec<&[u8]> {
        self.seeds.iter().map(|seed| &seed.file[..]).collect()
    }

    fn mutant(&self, random: &mut Random) -> Vec<u8> {
        let seed = &self.seeds[random.below(self.seeds.len())];
        if random.one_in(10) {
            let mut file = seed.file.clone();
            for _ in 0..=random.below(2) {
                if random.one_in(2) {
                    change_bytes(&mut file, random);
                } else {
                    change_number(
                        &mut file,
                        &NUMBERS.map(|(at, width)| Number { at, width }),
                        random,
                    );
                }
            }
            if random.one_in(2) {
                seal_head(&mut file);
            }
            return file;
        }
        let mut program = seed.program.clone();
        let mut blobs = seed.blobs.clone();
        for _ in 0..=random.below(3) {
            if random.one_in(8) {
                change_bytes(&mut blobs, random);
            } else {
                change(&mut program, random);
            }
        }
        let mut written = write(&program);
        if random.one_in(20) {
            change_bytes(&mut written, random);
        }
        joined(&seed.file[..HEAD], &written, &blobs)
    }

    fn accepts(&self, bytes: &[u8]) -> bool {
        check_plan(bytes).is_ok()
    }

    fn uses(&self, bytes: &[u8]) {
        // What it takes is in proportion to the products that the plan states, not to its size.
        drop(Prepared::new(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ALLOCATOR;
    use crate::target::{ALONE, MAX_SECONDS, examine};

    /// A plan with a field of the program in place of its own, and more of it behind.
    fn with(number: u64, copies: usize) -> Vec<u8> {
        let seed = &Plans::new().seeds[0];
        let mut program = write(&seed.program);
        let empty = [(number << 3 | 2) as u8, 0];
        program.extend(empty.repeat(copies));
        joined(&seed.file[..HEAD], &program, &seed.blobs)
    }

    #[test]
    fn empty_fields_do_not_each_become_a_structure() {
        let _alone = ALONE.lock();
        // Layouts, blobs, constants, operations, outputs.
        for number in 7..=11 {
            let file = with(number, 4 << 20);
            let outcome = examine(&Plans::new(), &file, &ALLOCATOR, MAX_SECONDS);
            assert_eq!(
                (outcome.accepted, outcome.failure),
                (false, None),
                "field {number}"
            );
        }
    }
}
