//! Products of a matrix of weights with many polynomials: out_r = Σ_k w_rk · x_k.
//!
//! A block of columns of all x_k is copied so that the sums of one vector of columns read memory in
//! order; several rows share each vector they read. Each output is reduced once, or once in so many
//! terms as a sum holds.
use crate::kernel::{Field, Operation};
use crate::modulus::Modulus;

/// Words of a copied block: it stays in the second cache.
const PANEL_WORDS: usize = 1 << 15;
/// Words of a cache line.
const LINE_WORDS: usize = 8;
/// The largest number of rows that are summed at once.
const MAX_ROWS: usize = 8;
/// A product of a residue and a centred weight of so many bits leaves room for 32 of them in a word.
const NARROW_BITS: u32 = 29;

/// Sums of products of one kernel.
trait Cells<F: Field> {
    const ROWS: usize;
    type Cell: Copy;
    type Factor: Copy;
    type Packed: Copy;

    /// Whether `word` wants the sum of the factors too.
    const TOTALS: bool = false;

    /// Terms before a sum must be reduced.
    fn terms(modulus: &Modulus) -> usize;
    fn pack(modulus: &Modulus, weight: u64) -> Self::Packed;
    fn factor(f: F, word: F::Word) -> Self::Factor;
    fn cell(f: F) -> Self::Cell;
    fn add(f: F, cell: Self::Cell, x: Self::Factor, weight: Self::Packed) -> Self::Cell;
    fn word(f: F, cell: Self::Cell, total: F::Word, closing: Closing<F>) -> F::Word;
}

/// What the words of sums are made with.
#[derive(Clone, Copy)]
struct Closing<F: Field> {
    constants: F::Closing,
    /// log2 of what is added to every weight.
    shift: u32,
}

/// Products of any residues.
struct Split;

impl<F: Field> Cells<F> for Split {
    const ROWS: usize = F::CELL_ROWS;
    type Cell = F::Cell;
    type Factor = F::Factor;
    type Packed = F::Packed;

    fn terms(_: &Modulus) -> usize {
        F::CELL_TERMS
    }

    fn pack(modulus: &Modulus, weight: u64) -> F::Packed {
        F::pack(modulus, weight)
    }

    #[inline(always)]
    fn factor(f: F, word: F::Word) -> F::Factor {
        f.factor(word)
    }

    #[inline(always)]
    fn cell(f: F) -> F::Cell {
        f.cell()
    }

    #[inline(always)]
    fn add(f: F, cell: F::Cell, x: F::Factor, weight: F::Packed) -> F::Cell {
        f.cell_add(cell, x, weight)
    }

    #[inline(always)]
    fn word(f: F, cell: F::Cell, _: F::Word, closing: Closing<F>) -> F::Word {
        f.cell_word(cell, closing.constants)
    }
}

/// Products of residues below 2^29 with centred weights: one multiplication each.
struct Narrow;

impl<F: Field> Cells<F> for Narrow {
    const ROWS: usize = MAX_ROWS;
    type Cell = F::Word;
    type Factor = F::Word;
    type Packed = i32;

    /// Sums stay below 2^62.
    fn terms(modulus: &Modulus) -> usize {
        1 << (63 - 2 * modulus.bits().max(20))
    }

    fn pack(modulus: &Modulus, weight: u64) -> i32 {
        modulus.centred(weight) as i32
    }

    #[inline(always)]
    fn factor(_: F, word: F::Word) -> F::Word {
        word
    }

    #[inline(always)]
    fn cell(f: F) -> F::Word {
        f.narrow()
    }

    #[inline(always)]
    fn add(f: F, cell: F::Word, x: F::Word, weight: i32) -> F::Word {
        f.narrow_add(cell, x, weight)
    }

    #[inline(always)]
    fn word(f: F, cell: F::Word, _: F::Word, closing: Closing<F>) -> F::Word {
        f.narrow_word(cell, closing.constants)
    }
}

/// Products of residues with weights so small that one multiplication holds them: half of the time.
///
/// Weights have a power of two added, which makes them positive; the sum of the residues, times that,
/// is taken off each result.
struct Short;

impl Short {
    /// log2 of what is added to weights: they are smaller, and their sums with it, times a residue, have
    /// `bits` bits.
    fn shift(modulus: &Modulus, bits: u32) -> u32 {
        bits.saturating_sub(modulus.bits() + 1)
    }

    fn holds(modulus: &Modulus, weights: &[u64], bits: u32) -> bool {
        let shift = Self::shift(modulus, bits);
        let fits = |&weight: &u64| modulus.centred(weight).unsigned_abs() >> shift == 0;
        shift > 0 && weights.iter().all(fits)
    }
}

impl<F: Field> Cells<F> for Short {
    const ROWS: usize = F::CELL_ROWS;
    const TOTALS: bool = true;
    type Cell = F::Word;
    type Factor = F::Word;
    type Packed = u64;

    /// Sums stay below 2^63, those of residues times the power below 2^62.
    fn terms(_: &Modulus) -> usize {
        1 << (63 - F::SHORT_BITS)
    }

    fn pack(modulus: &Modulus, weight: u64) -> u64 {
        let above = 1 << Self::shift(modulus, F::SHORT_BITS);
        (modulus.centred(weight) + above) as u64
    }

    #[inline(always)]
    fn factor(_: F, word: F::Word) -> F::Word {
        word
    }

    #[inline(always)]
    fn cell(f: F) -> F::Word {
        f.load_word(&[0; MAX_ROWS])
    }

    #[inline(always)]
    fn add(f: F, cell: F::Word, x: F::Word, weight: u64) -> F::Word {
        f.short_add(cell, x, weight)
    }

    #[inline(always)]
    fn word(f: F, cell: F::Word, total: F::Word, closing: Closing<F>) -> F::Word {
        f.short_word(cell, total, closing.shift)
    }
}

pub(crate) struct MatrixProduct<'a, 'b> {
    pub(crate) modulus: &'a Modulus,
    /// Residues, row after row, `inputs.len()` in each.
    pub(crate) weights: &'a [u64],
    pub(crate) inputs: &'a [&'a [u64]],
    pub(crate) outputs: &'a mut [&'b mut [u64]],
}

impl Operation for MatrixProduct<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(mut self, f: F) {
        if self.modulus.bits() <= NARROW_BITS {
            run_cells::<F, Narrow>(&mut self, f);
        } else if F::SHORT_BITS > 0 && Short::holds(self.modulus, self.weights, F::SHORT_BITS) {
            run_cells::<F, Short>(&mut self, f);
        } else {
            run_cells::<F, Split>(&mut self, f);
        }
    }
}

#[inline(always)]
fn run_cells<F: Field, C: Cells<F>>(product: &mut MatrixProduct<'_, '_>, f: F) {
    let depth = product.inputs.len();
    let degree = product.outputs.first().map_or(0, |out| out.len());
    if degree == 0 {
        return;
    }
    if depth == 0 {
        product.outputs.iter_mut().for_each(|out| out.fill(0));
        return;
    }
    // Row groups with the weights of one x side by side; missing rows are zero.
    let modulus = product.modulus;
    let packed: Vec<[C::Packed; MAX_ROWS]> = product
        .weights
        .chunks(C::ROWS * depth)
        .flat_map(|group| {
            (0..depth).map(move |k| {
                core::array::from_fn(|row| {
                    let weight = group.get(row * depth + k).copied().unwrap_or(0);
                    let weight = if row < C::ROWS { weight } else { 0 };
                    C::pack(modulus, weight)
                })
            })
        })
        .collect();
    let closing = Closing {
        constants: f.closing(),
        shift: Short::shift(modulus, F::SHORT_BITS),
    };
    let terms = C::terms(modulus);
    let width = (PANEL_WORDS / depth / F::LANES).clamp(1, degree / F::LANES) * F::LANES;
    let mut panel = vec![0; width * depth];
    for at in (0..degree).step_by(width) {
        let columns = width.min(degree - at);
        for (k, input) in product.inputs.iter().enumerate() {
            let (input, next) = input[at..].split_at(columns);
            // They come from memory while the sums of these are taken.
            for line in next.chunks(LINE_WORDS).take(width / LINE_WORDS) {
                f.prefetch(line, 0);
            }
            for (vector, input) in input.chunks_exact(F::LANES).enumerate() {
                let to = (vector * depth + k) * F::LANES;
                panel[to..to + F::LANES].copy_from_slice(input);
            }
        }
        let groups = product
            .outputs
            .chunks_mut(C::ROWS)
            .zip(packed.chunks_exact(depth));
        for (outputs, weights) in groups {
            for vector in 0..columns / F::LANES {
                let panel = &panel[vector * depth * F::LANES..];
                let words = words_of_rows::<F, C>(f, outputs.len(), panel, weights, terms, closing);
                for (out, word) in outputs.iter_mut().zip(words) {
                    f.store_word(word, &mut out[at + vector * F::LANES..]);
                }
            }
        }
    }
}

/// One vector of columns of so many rows of a group: rows that are not there take no time.
#[inline(always)]
fn words_of_rows<F: Field, C: Cells<F>>(
    f: F,
    rows: usize,
    panel: &[u64],
    weights: &[[C::Packed; MAX_ROWS]],
    terms: usize,
    closing: Closing<F>,
) -> [F::Word; MAX_ROWS] {
    macro_rules! rows {
        ($($count:literal)*) => {
            match rows {
                $($count if $count < C::ROWS => {
                    group_words::<F, C, $count>(f, panel, weights, terms, closing)
                })*
                _ if C::ROWS <= 4 => group_words::<F, C, 4>(f, panel, weights, terms, closing),
                _ => group_words::<F, C, MAX_ROWS>(f, panel, weights, terms, closing),
            }
        };
    }
    rows!(1 2 3 4 5 6 7)
}

/// One vector of columns of a group of rows.
#[inline(always)]
fn group_words<F: Field, C: Cells<F>, const ROWS: usize>(
    f: F,
    panel: &[u64],
    weights: &[[C::Packed; MAX_ROWS]],
    terms: usize,
    closing: Closing<F>,
) -> [F::Word; MAX_ROWS] {
    let mut words = [f.load_word(&[0; MAX_ROWS]); MAX_ROWS];
    for (part, weights) in weights.chunks(terms).enumerate() {
        let from = part * terms * F::LANES;
        let mut cells = [C::cell(f); MAX_ROWS];
        let mut total = f.load_word(&[0; MAX_ROWS]);
        for (x, weights) in panel[from..].chunks_exact(F::LANES).zip(weights) {
            let x = f.load_word(x);
            if C::TOTALS {
                total = f.short_total(total, x);
            }
            let x = C::factor(f, x);
            for row in 0..ROWS {
                cells[row] = C::add(f, cells[row], x, weights[row]);
            }
        }
        for (word, cell) in words.iter_mut().zip(cells).take(ROWS) {
            *word = f.add(*word, C::word(f, cell, total, closing));
        }
    }
    words
}
