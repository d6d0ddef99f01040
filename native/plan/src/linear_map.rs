//! Sparse matrices as strided segments over one array of weights; see `src/ir/linear-map.ts`.

use crate::error::{PlanError, refuse};

const MAX_ENTRIES: u64 = 1 << 28;
const MAX_LOOPS: i64 = 16;

/// Sizes that the entries of a map must stay inside of.
#[derive(Clone, Copy, Debug)]
pub struct MapSize {
    pub outputs: usize,
    pub inputs: usize,
    pub weights: usize,
}

#[derive(Clone, Copy, Debug)]
struct Loop {
    count: i64,
    /// Steps of output, input and weight.
    step: [i64; 3],
}

#[derive(Clone, Debug)]
struct Segment {
    start: [i64; 3],
    loops: Vec<Loop>,
}

/// The segments of a map, checked: every entry lies inside the matrix and the weights.
#[derive(Clone, Debug)]
pub struct Segments(Vec<Segment>);

/// One entry: matrix[output][input] = weights[weight].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub output: u32,
    pub input: u32,
    pub weight: u32,
}

impl Segments {
    /// Read segments and check what they expand to, before anything is allocated for it.
    pub fn decode(code: &[f64], size: MapSize, what: &str) -> Result<Self, PlanError> {
        let mut numbers = code.iter().map(|&value| {
            let exact = value.fract() == 0.0 && value.abs() <= f64::from(i32::MAX);
            exact.then_some(value as i64)
        });
        let mut next = || match numbers.next() {
            Some(Some(value)) => Ok(value),
            Some(None) => refuse(what, "has a segment with a number that is no index"),
            None => refuse(what, "has a segment list that ends early"),
        };
        let limits = [size.outputs, size.inputs, size.weights].map(|limit| limit as i64);
        let mut segments = Vec::new();
        let mut total = 0u64;
        let mut read = 0;
        while read < code.len() {
            let rank = next()?;
            if !(0..=MAX_LOOPS).contains(&rank) {
                return refuse(what, format!("has a segment of {rank} loops"));
            }
            let start = [next()?, next()?, next()?];
            let mut low = start;
            let mut high = start;
            let mut entries = 1u64;
            let mut loops = Vec::with_capacity(rank as usize);
            for _ in 0..rank {
                let count = next()?;
                let step = [next()?, next()?, next()?];
                if count < 1 {
                    return refuse(what, "has an empty loop");
                }
                entries = entries.saturating_mul(count as u64);
                for k in 0..3 {
                    let reach = (count - 1) * step[k];
                    if reach < 0 {
                        low[k] += reach;
                    } else {
                        high[k] += reach;
                    }
                }
                loops.push(Loop { count, step });
            }
            total = total.saturating_add(entries);
            if total > MAX_ENTRIES {
                return refuse(what, format!("expands to more than {MAX_ENTRIES} entries"));
            }
            if (0..3).any(|k| low[k] < 0 || high[k] >= limits[k]) {
                return refuse(what, "has an entry outside the matrix or the weights");
            }
            segments.push(Segment { start, loops });
            read += 4 + 4 * rank as usize;
        }
        Ok(Self(segments))
    }

    pub fn entry_count(&self) -> u64 {
        self.0
            .iter()
            .map(|segment| {
                segment
                    .loops
                    .iter()
                    .map(|each| each.count as u64)
                    .product::<u64>()
            })
            .sum()
    }

    /// Call `visit` with every entry, in segment order.
    pub fn for_each(&self, mut visit: impl FnMut(Entry)) {
        for segment in &self.0 {
            walk(&segment.loops, segment.start, &mut visit);
        }
    }
}

fn walk(loops: &[Loop], mut at: [i64; 3], visit: &mut impl FnMut(Entry)) {
    // Indices were checked to lie in 0 … 2^31.
    let Some((first, rest)) = loops.split_first() else {
        let [output, input, weight] = at.map(|index| index as u32);
        return visit(Entry {
            output,
            input,
            weight,
        });
    };
    for _ in 0..first.count {
        walk(rest, at, visit);
        for k in 0..3 {
            at[k] += first.step[k];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: MapSize = MapSize {
        outputs: 4,
        inputs: 6,
        weights: 2,
    };

    fn entries(code: &[f64]) -> Result<Vec<[u32; 3]>, PlanError> {
        let segments = Segments::decode(code, SIZE, "map")?;
        let mut list = Vec::new();
        segments.for_each(|entry| list.push([entry.output, entry.input, entry.weight]));
        assert_eq!(list.len() as u64, segments.entry_count());
        Ok(list)
    }

    #[test]
    fn walks_nested_loops_outermost_first() {
        let code = [2., 0., 5., 1., 2., 2., -3., 0., 2., 1., -1., -1.];
        assert_eq!(
            entries(&code),
            Ok(vec![[0, 5, 1], [1, 4, 0], [2, 2, 1], [3, 1, 0]])
        );
        assert_eq!(entries(&[0., 3., 5., 1.]), Ok(vec![[3, 5, 1]]));
        assert_eq!(entries(&[]), Ok(vec![]));
    }

    #[test]
    fn refuses_entries_outside() {
        for code in [
            &[0., 4., 0., 0.][..],
            &[0., 0., -1., 0.],
            &[1., 0., 0., 0., 3., 0., 0., 1.],
            &[1., 0., 0., 0., 0., 0., 0., 0.],
            &[17., 0., 0., 0.],
            &[0., 0., 0.],
            &[0., 0.5, 0., 0.],
            &[0., f64::NAN, 0., 0.],
            &[2., 0., 0., 0., 2e9, 0., 0., 0., 2e9, 0., 0., 0.],
        ] {
            assert!(entries(code).is_err(), "{code:?}");
        }
    }
}
