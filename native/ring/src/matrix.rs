//! Products of a matrix of weights with many polynomials: out_r = Σ_k w_rk · x_k.
//!
//! A block of columns of all x_k is copied so that the sums of one vector of columns read memory in
//! order; several rows share each vector they read. Each output is reduced once.
use crate::kernel::{Field, Operation};
use crate::modulus::Modulus;

/// Words of a copied block: it stays in the second cache.
const PANEL_WORDS: usize = 1 << 14;
/// The largest `CELL_ROWS`.
const MAX_ROWS: usize = 8;

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
    fn run<F: Field>(self, f: F) {
        let depth = self.inputs.len();
        let Some(degree) = self.outputs.first().map(|out| out.len()) else {
            return;
        };
        if depth == 0 {
            self.outputs.iter_mut().for_each(|out| out.fill(0));
            return;
        }
        // Row groups with the weights of one x side by side; missing rows are zero.
        let packed: Vec<[F::Packed; MAX_ROWS]> = self
            .weights
            .chunks(F::CELL_ROWS * depth)
            .flat_map(|group| {
                (0..depth).map(move |k| {
                    core::array::from_fn(|row| {
                        let weight = group.get(row * depth + k).copied().unwrap_or(0);
                        let weight = if row < F::CELL_ROWS { weight } else { 0 };
                        F::pack(self.modulus, weight)
                    })
                })
            })
            .collect();
        let closing = f.closing();
        let width = (PANEL_WORDS / depth / F::LANES).clamp(1, degree / F::LANES) * F::LANES;
        let mut panel = vec![0; width * depth];
        for at in (0..degree).step_by(width) {
            let columns = width.min(degree - at);
            for (k, input) in self.inputs.iter().enumerate() {
                let input = input[at..at + columns].chunks_exact(F::LANES);
                for (vector, input) in input.enumerate() {
                    let to = (vector * depth + k) * F::LANES;
                    panel[to..to + F::LANES].copy_from_slice(input);
                }
            }
            let groups = self
                .outputs
                .chunks_mut(F::CELL_ROWS)
                .zip(packed.chunks_exact(depth));
            for (outputs, weights) in groups {
                for vector in 0..columns / F::LANES {
                    let from = vector * depth * F::LANES;
                    let words = group_words(f, &panel[from..], weights, closing);
                    for (out, word) in outputs.iter_mut().zip(words) {
                        f.store_word(word, &mut out[at + vector * F::LANES..]);
                    }
                }
            }
        }
    }
}

/// One vector of columns of a group of rows.
#[inline(always)]
fn group_words<F: Field>(
    f: F,
    panel: &[u64],
    weights: &[[F::Packed; MAX_ROWS]],
    closing: F::Closing,
) -> [F::Word; MAX_ROWS] {
    let mut words = [f.load_word(&[0; MAX_ROWS]); MAX_ROWS];
    for (part, weights) in weights.chunks(F::CELL_TERMS).enumerate() {
        let from = part * F::CELL_TERMS * F::LANES;
        let mut cells = [f.cell(); MAX_ROWS];
        for (x, weights) in panel[from..].chunks_exact(F::LANES).zip(weights) {
            let x = f.factor(f.load_word(x));
            for row in 0..F::CELL_ROWS {
                cells[row] = f.cell_add(cells[row], x, weights[row]);
            }
        }
        for (word, cell) in words.iter_mut().zip(cells).take(F::CELL_ROWS) {
            *word = f.add(*word, f.cell_word(cell, closing));
        }
    }
    words
}
