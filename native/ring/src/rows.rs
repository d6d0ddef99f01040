//! Rows of residues in one buffer, spaced so that they do not meet in the caches.
use crate::pool::{Buffer, Pool};

/// Words between two rows: two cache lines. Rows a power of two apart would share the sets of a
/// cache, and sums over many of them would read every line from farther away.
const GAP: usize = 16;

/// Rows of N words of unspecified content.
#[derive(Debug)]
pub struct Rows {
    words: Buffer,
    degree: usize,
}

impl Rows {
    /// Take a buffer for `count` rows.
    pub fn new(pool: &Pool, degree: usize, count: usize) -> Self {
        Self {
            words: pool.take(count * (degree + GAP)),
            degree,
        }
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.words.len() / (self.degree + GAP)
    }

    /// Row `index`.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, index: usize) -> &[u64] {
        let at = index * (self.degree + GAP);
        &self.words[at..at + self.degree]
    }

    /// Row `index`.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row_mut(&mut self, index: usize) -> &mut [u64] {
        let at = index * (self.degree + GAP);
        &mut self.words[at..at + self.degree]
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        let rows = self.words.chunks_exact(self.degree + GAP);
        rows.map(|row| &row[..self.degree])
    }

    /// The rows in order.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u64]> {
        let rows = self.words.chunks_exact_mut(self.degree + GAP);
        rows.map(|row| &mut row[..self.degree])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_apart_and_aligned() {
        let pool = Pool::new();
        let mut rows = Rows::new(&pool, 1024, 3);
        for (value, row) in (0..).zip(rows.iter_mut()) {
            row.fill(value);
        }
        rows.row_mut(1).fill(7);
        assert_eq!(rows.count(), 3);
        let seen: Vec<u64> = rows.iter().map(|row| row[1023]).collect();
        assert_eq!(seen, [0, 7, 2]);
        for index in 0..3 {
            assert_eq!(rows.row(index).len(), 1024);
            assert_eq!(rows.row(index).as_ptr() as usize % 64, 0);
        }
        drop(rows);
        assert_eq!(Rows::new(&pool, 1024, 0).count(), 0);
    }
}
