//! Plaintexts of many products, and the sums that they are for: the middle of a linear map.
//!
//! Plaintexts come from memory, and each is used once in a run. They lie in the order in which the
//! sums read them, so that they are one stream, in large pages; the values that they are multiplied
//! by stay in the second cache, of which a part of the coefficients is finished for all sums before
//! the next.
use crate::arithmetic::{require_primes, require_two};
use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::error::CkksError;
use crate::extended::Extended;
use ring::{Buffer, PADDING, PrimeRing, RnsPolynomial};
use std::ops::Range;

/// Coefficients that are finished for all sums before the next ones: eight values of two residues
/// take half of a second cache of 512 KiB.
const TILE: usize = 2048;

/// Encoded plaintexts, one for each of the products of some sums.
///
/// For each prime, part of the coefficients and sum, the plaintexts of the sum as products read them.
#[derive(Debug)]
pub struct Weights {
    /// With padding behind.
    words: Buffer,
    /// Words of a tile of one plaintext, for each prime.
    tiles: Vec<usize>,
    degree: usize,
    primes: usize,
    specials: usize,
    /// Numbers of the sum and of the value of each product; sums ascend.
    terms: Vec<(usize, usize)>,
}

/// Residues of both polynomials modulo one prime.
type Pair<'a> = [&'a [u64]; 2];
/// Those of sums.
type PairMut<'a> = [&'a mut [u64]; 2];

impl Weights {
    /// Data primes.
    pub const fn primes(&self) -> usize {
        self.primes
    }

    /// Memory that the plaintexts take.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.words[..])
    }

    fn tile(&self) -> usize {
        TILE.min(self.degree)
    }

    /// The products of each sum.
    fn runs(&self) -> impl Iterator<Item = Range<usize>> {
        let runs = self.terms.chunk_by(|a, b| a.0 == b.0);
        runs.scan(0, |first, run| {
            let start = *first;
            *first += run.len();
            Some(start..*first)
        })
    }
}

impl Context {
    /// Room for the plaintexts of products (number of the sum, number of the value); of values modulo
    /// Q·P where `extended`.
    ///
    /// # Panics
    /// Where sums do not ascend, or there is no product.
    pub fn weights(&self, terms: Vec<(usize, usize)>, primes: usize, extended: bool) -> Weights {
        assert!(
            !terms.is_empty() && terms.is_sorted_by_key(|&(sum, _)| sum),
            "products in the order of sums"
        );
        let specials = if extended { self.specials().len() } else { 0 };
        let tile = TILE.min(self.degree());
        let tiles: Vec<usize> = (0..primes + specials)
            .map(|i| self.ring(i, primes).packed_words(tile))
            .collect();
        let plaintext = tiles.iter().sum::<usize>() * (self.degree() / tile);
        Weights {
            words: self.pool().take(terms.len() * plaintext + PADDING),
            tiles,
            degree: self.degree(),
            primes,
            specials,
            terms,
        }
    }

    /// Place the plaintext of a product, with residues for the special primes last where values are
    /// modulo Q·P.
    ///
    /// # Panics
    /// Where there is no such product, or the plaintext has other primes.
    pub fn place_weight(&self, weights: &mut Weights, term: usize, plaintext: &RnsPolynomial) {
        let residues = weights.primes + weights.specials;
        assert_eq!(plaintext.primes(), residues, "residues of a plaintext");
        let run = weights.runs().find(|run| run.contains(&term));
        let run = run.unwrap_or_default();
        let (tile, primes, count) = (weights.tile(), weights.primes, weights.terms.len());
        let parts = weights.degree / tile;
        let mut rest = &mut weights.words[..];
        let mut tasks = Vec::with_capacity(residues);
        for (i, &packed) in weights.tiles.iter().enumerate() {
            let block = rest.split_off_mut(..packed * count * parts);
            tasks.push((i, packed, block.unwrap_or_default()));
        }
        self.workers().each(tasks, |(i, packed, block)| {
            let parts = plaintext.residue(i).chunks_exact(tile);
            for (block, part) in block.chunks_exact_mut(packed * count).zip(parts) {
                let place = (term - run.start, run.len());
                let out = &mut block[run.start * packed..run.end * packed];
                self.ring(i, primes).pack_factor(out, place, part);
            }
        });
    }

    /// The sums of products modulo Q, in order.
    ///
    /// Cost: every plaintext is read once.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Polynomials`] where values do not fit the plaintexts.
    ///
    /// # Panics
    /// Where there are fewer values than the products name.
    pub fn products(
        &self,
        values: &[&Ciphertext],
        weights: &Weights,
        scale: f64,
    ) -> Result<Vec<Ciphertext>, CkksError> {
        const WHAT: &str = "products";
        require_primes(WHAT, weights.specials, 0)?;
        for value in values {
            require_two(WHAT, value)?;
            require_primes(WHAT, value.primes(), weights.primes)?;
        }
        let mut sums: Vec<[RnsPolynomial; 2]> = weights
            .runs()
            .map(|_| [0, 1].map(|_| self.polynomial(weights.primes)))
            .collect();
        let starts = vec![false; sums.len()];
        let mut rows: Vec<Vec<PairMut<'_>>> = Vec::new();
        rows.resize_with(weights.primes, Vec::new);
        for [a, b] in &mut sums {
            for (rows, (a, b)) in rows.iter_mut().zip(a.residues_mut().zip(b.residues_mut())) {
                rows.push([a, b]);
            }
        }
        let row = |i: usize, value: usize| [0, 1].map(|k| values[value].polynomials[k].residue(i));
        self.sum_products(weights, rows, &starts, row, PrimeRing::packed_products);
        let made = sums.into_iter().map(|polynomials| Ciphertext {
            polynomials: polynomials.into(),
            scale,
        });
        Ok(made.collect())
    }

    /// Add products modulo Q·P to sums, some of which may be empty as yet.
    ///
    /// Cost: every plaintext is read once.
    ///
    /// # Errors
    /// [`CkksError::Primes`] where values or sums do not fit the plaintexts.
    ///
    /// # Panics
    /// Where there are fewer values than the products name, or not as many sums as they are for.
    pub fn add_products(
        &self,
        sums: &mut [Option<Extended>],
        values: &[&Extended],
        weights: &Weights,
    ) -> Result<(), CkksError> {
        const WHAT: &str = "add_products";
        require_primes(WHAT, weights.specials, self.specials().len())?;
        assert_eq!(
            sums.len(),
            weights.runs().count(),
            "the sums of the products"
        );
        let others = sums.iter().flatten();
        for value in values.iter().copied().chain(others) {
            require_primes(WHAT, value.primes(), weights.primes)?;
        }
        let starts: Vec<bool> = sums.iter().map(Option::is_some).collect();
        let mut rows: Vec<Vec<PairMut<'_>>> = Vec::new();
        rows.resize_with(weights.primes + weights.specials, Vec::new);
        for sum in sums {
            let sum = sum.get_or_insert_with(|| self.extended(weights.primes));
            for (rows, pair) in rows.iter_mut().zip(sum.residues_mut()) {
                rows.push(pair);
            }
        }
        let row = |i: usize, value: usize| values[value].residues(i);
        let ring = PrimeRing::packed_products_prepared;
        self.sum_products(weights, rows, &starts, row, ring);
        Ok(())
    }

    /// For each prime the rows of all sums, and whether they have content.
    fn sum_products<'a>(
        &self,
        weights: &Weights,
        sums: Vec<Vec<PairMut<'_>>>,
        starts: &[bool],
        row: impl Fn(usize, usize) -> Pair<'a> + Sync,
        add: impl Fn(&PrimeRing, [&mut [u64]; 2], &[u64], [&[&[u64]]; 2], bool) + Sync,
    ) {
        let (tile, count) = (weights.tile(), weights.terms.len());
        let runs: Vec<Range<usize>> = weights.runs().collect();
        // For each prime and part of the coefficients: its plaintexts, and that part of all sums.
        let mut tasks = Vec::new();
        let mut at = 0;
        for (i, (sums, &packed)) in sums.into_iter().zip(&weights.tiles).enumerate() {
            let first = tasks.len();
            for n in 0..weights.degree / tile {
                tasks.push((i, n, at, Vec::with_capacity(runs.len())));
                at += packed * count;
            }
            for [a, b] in sums {
                let parts = a.chunks_exact_mut(tile).zip(b.chunks_exact_mut(tile));
                for (task, (a, b)) in tasks[first..].iter_mut().zip(parts) {
                    task.3.push([a, b]);
                }
            }
        }
        self.workers().each(tasks, |(i, n, at, sums)| {
            let packed = weights.tiles[i];
            let ring = self.ring(i, weights.primes);
            let part = n * tile..(n + 1) * tile;
            let rows: Vec<Pair<'_>> = weights
                .terms
                .iter()
                .map(|&(_, x)| row(i, x).map(|row| &row[part.clone()]))
                .collect();
            let right = [0, 1].map(|k| rows.iter().map(|row| row[k]).collect::<Vec<_>>());
            for ((out, run), &start) in sums.into_iter().zip(&runs).zip(starts) {
                let end = at + run.end * packed + PADDING;
                let factors = &weights.words[at + run.start * packed..end];
                let right = [&right[0][run.clone()], &right[1][run.clone()]];
                add(ring, out, factors, right, start);
            }
        });
    }
}
