//! Products of a matrix of weights with many polynomials: out_r = Σ_k w_rk · x_k.
//!
//! A block of columns of all x_k is copied so that the sums of one vector of columns read memory in
//! order; several rows share each vector they read. Each output is reduced once, or once in so many
//! terms as a sum holds.
use crate::kernel::{Field, Operation};
use crate::modulus::Modulus;

/// Words of a copied block: it stays in the second cache.
const PANEL_WORDS: usize = 1 << 14;
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

    /// Terms before a sum must be reduced.
    fn terms(modulus: &Modulus) -> usize;
    fn pack(modulus: &Modulus, weight: u64) -> Self::Packed;
    fn factor(f: F, word: F::Word) -> Self::Factor;
    fn cell(f: F) -> Self::Cell;
    fn add(f: F, cell: Self::Cell, x: Self::Factor, weight: Self::Packed) -> Self::Cell;
    fn word(f: F, cell: Self::Cell, closing: F::Closing) -> F::Word;
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
    fn word(f: F, cell: F::Cell, closing: F::Closing) -> F::Word {
        f.cell_word(cell, closing)
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
    fn word(f: F, cell: F::Word, closing: F::Closing) -> F::Word {
        f.narrow_word(cell, closing)
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
    let closing = f.closing();
    let terms = C::terms(modulus);
    let width = (PANEL_WORDS / depth / F::LANES).clamp(1, degree / F::LANES) * F::LANES;
    let mut panel = vec![0; width * depth];
    for at in (0..degree).step_by(width) {
        let columns = width.min(degree - at);
        for (k, input) in product.inputs.iter().enumerate() {
            let input = input[at..at + columns].chunks_exact(F::LANES);
            for (vector, input) in input.enumerate() {
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
                let from = vector * depth * F::LANES;
                let words = group_words::<F, C>(f, &panel[from..], weights, terms, closing);
                for (out, word) in outputs.iter_mut().zip(words) {
                    f.store_word(word, &mut out[at + vector * F::LANES..]);
                }
            }
        }
    }
}

/// One vector of columns of a group of rows.
#[inline(always)]
fn group_words<F: Field, C: Cells<F>>(
    f: F,
    panel: &[u64],
    weights: &[[C::Packed; MAX_ROWS]],
    terms: usize,
    closing: F::Closing,
) -> [F::Word; MAX_ROWS] {
    let mut words = [f.load_word(&[0; MAX_ROWS]); MAX_ROWS];
    for (part, weights) in weights.chunks(terms).enumerate() {
        let from = part * terms * F::LANES;
        let mut cells = [C::cell(f); MAX_ROWS];
        for (x, weights) in panel[from..].chunks_exact(F::LANES).zip(weights) {
            let x = C::factor(f, f.load_word(x));
            for row in 0..C::ROWS {
                cells[row] = C::add(f, cells[row], x, weights[row]);
            }
        }
        for (word, cell) in words.iter_mut().zip(cells).take(C::ROWS) {
            *word = f.add(*word, C::word(f, cell, closing));
        }
    }
    words
}
