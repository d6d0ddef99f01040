//! What a reader must do with any bytes: answer, soon, in little memory.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ring::CountingAllocator;

use crate::random::Random;

/// Processor time of one input, in seconds.
pub const MAX_SECONDS: f64 = 5.0;
/// Memory beside twice the size of the input.
const MAX_BYTES: usize = 64 << 20;

/// A reader, and inputs for it.
pub trait Target {
    fn name(&self) -> &'static str;
    /// Inputs that it accepts.
    fn seeds(&self) -> Vec<&[u8]>;
    fn mutant(&self, random: &mut Random) -> Vec<u8>;
    /// Read an input. Panics where the reader does, or where it accepts what it must not.
    fn accepts(&self, bytes: &[u8]) -> bool;
    /// Do with an accepted input what a server does next; its memory is not counted.
    fn uses(&self, _: &[u8]) {}
}

/// What an input did.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub accepted: bool,
    pub bytes: usize,
    pub seconds: f64,
    pub failure: Option<String>,
}

/// Processor time of this thread, where the system tells it.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let first = text.split_whitespace().next()?;
    Some(Duration::from_nanos(first.parse().ok()?))
}

/// Give an input to a reader and see that it keeps its limits.
pub fn examine(
    target: &dyn Target,
    bytes: &[u8],
    allocator: &CountingAllocator,
    max_seconds: f64,
) -> Outcome {
    let before = allocator.restart();
    let start = Instant::now();
    let processor = processor_time();
    let mut result = catch_unwind(AssertUnwindSafe(|| target.accepts(bytes)));
    let peak = allocator.peak().saturating_sub(before);
    if matches!(result, Ok(true)) {
        result = catch_unwind(AssertUnwindSafe(|| target.uses(bytes))).map(|()| true);
    }
    let mut seconds = start.elapsed().as_secs_f64();
    if let (Some(from), Some(to)) = (processor, processor_time()) {
        seconds = to.saturating_sub(from).as_secs_f64();
    }
    let allowed = 2 * bytes.len() + MAX_BYTES;
    let failure = match &result {
        Err(_) => Some("panicked".to_owned()),
        Ok(_) if peak > allowed => Some(format!(
            "{peak} bytes of memory for {} of input",
            bytes.len()
        )),
        Ok(_) if seconds > max_seconds => Some(format!("took {seconds:.1} s")),
        Ok(_) => None,
    };
    Outcome {
        accepted: matches!(result, Ok(true)),
        bytes: peak,
        seconds,
        failure,
    }
}

/// Tests of memory run one at a time: the allocator counts every thread.
#[cfg(test)]
pub static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(test)]
mod tests {
    use super::*;

    struct Bad;

    impl Target for Bad {
        fn name(&self) -> &'static str {
            "bad"
        }

        fn seeds(&self) -> Vec<&[u8]> {
            Vec::new()
        }

        fn mutant(&self, _: &mut Random) -> Vec<u8> {
            Vec::new()
        }

        fn accepts(&self, bytes: &[u8]) -> bool {
            match bytes {
                [1] => panic!("as it should"),
                [2] => std::hint::black_box(vec![1u8; 65 << 20]).len() == 1,
                [3] => {
                    let start = Instant::now();
                    let mut turns = 0u64;
                    // Work for 0.2 s of processor time, on a busy machine longer.
                    while turns < 1 << 28 {
                        turns = std::hint::black_box(turns + 1);
                    }
                    start.elapsed() > Duration::ZERO
                }
                _ => true,
            }
        }
    }

    #[test]
    fn finds_what_panics_swells_or_hangs() {
        let _alone = ALONE.lock();
        let found = |byte: u8| examine(&Bad, &[byte], &crate::ALLOCATOR, 0.02).failure;
        assert_eq!(found(0), None);
        assert_eq!(found(1).as_deref(), Some("panicked"));
        assert!(found(2).is_some_and(|reason| reason.contains("bytes of memory")));
        assert!(found(3).is_some_and(|reason| reason.contains("took")));
    }
}
