//! A deterministic source of choices: SplitMix64 (Steele, Lea, Flood 2014).

pub struct Random(u64);

impl Random {
    /// The choices of input `number` of a seed.
    pub const fn new(seed: u64, number: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ number.wrapping_mul(0xaf25_1af3_b0f0_25b5))
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`; 0 for a limit of 0.
    pub const fn below(&mut self, limit: usize) -> usize {
        if limit == 0 {
            return 0;
        }
        (self.next() % limit as u64) as usize
    }

    /// Once in `count`.
    pub const fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// A number that readers get wrong: a neighbour of the one that stands there, a power of two or
    /// one beside it, a random one.
    pub fn number(&mut self, old: u64) -> u64 {
        let power = 1u64 << self.below(64);
        match self.below(9) {
            0 => 0,
            1 => old.wrapping_add(1),
            2 => old.wrapping_sub(1),
            3 => old.wrapping_mul(2),
            4 => power,
            5 => power - 1,
            6 => power.wrapping_neg(),
            7 => old ^ power,
            _ => self.next() >> self.below(64),
        }
    }
}
