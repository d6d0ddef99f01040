//! Mutated ciphertexts, key bundles, files of expanded keys and plans through the readers of the
//! native evaluator.
//!
//! `cargo run --release -p cipherloom-fuzz -- [--target ciphertext|keys|expanded|plan] [--count N] [--seed S]
//! [--first K] [--out FOLDER]` prints a line of JSON for each target; the exit status is 1 where an
//! input failed. The same seed and number make the same input.

mod ciphertexts;
mod expanded;
mod keys;
mod mutate_bytes;
mod mutate_protobuf;
mod plans;
mod random;
mod target;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use ring::CountingAllocator;

use crate::random::Random;
use crate::target::{MAX_SECONDS, Target, examine};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

struct Arguments {
    target: Option<String>,
    count: u64,
    seed: u64,
    first: u64,
    out: Option<PathBuf>,
}

fn arguments() -> Result<Arguments, String> {
    let mut made = Arguments {
        target: None,
        count: 10_000,
        seed: 1,
        first: 0,
        out: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name} has no value"))?;
        let number = || {
            value
                .parse()
                .map_err(|_| format!("{name} {value} is no number"))
        };
        match &name[..] {
            "--target" => made.target = Some(value),
            "--count" => made.count = number()?,
            "--seed" => made.seed = number()?,
            "--first" => made.first = number()?,
            "--out" => made.out = Some(value.into()),
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(made)
}

/// Whether every input kept the limits.
fn fuzz(target: &dyn Target, arguments: &Arguments) -> bool {
    let name = target.name();
    for (n, seed) in target.seeds().into_iter().enumerate() {
        assert!(target.accepts(seed), "{name}: seed {n} is not accepted");
    }
    let start = Instant::now();
    let (mut accepted, mut failed) = (0u64, 0u64);
    let (mut most, mut slowest) = (0, 0.0f64);
    for number in arguments.first..arguments.first + arguments.count {
        let bytes = target.mutant(&mut Random::new(arguments.seed, number));
        let outcome = examine(target, &bytes, &ALLOCATOR, MAX_SECONDS);
        accepted += u64::from(outcome.accepted);
        most = most.max(outcome.bytes);
        slowest = slowest.max(outcome.seconds);
        if let Some(reason) = outcome.failure {
            failed += 1;
            eprintln!("{name} {}/{number}: {reason}", arguments.seed);
            if let Some(folder) = &arguments.out {
                keep(
                    folder,
                    &format!("{name}-{}-{number}", arguments.seed),
                    &bytes,
                );
            }
        }
        if number % 100_000 == 99_999 {
            eprintln!(
                "{name}: {} of {}",
                number + 1 - arguments.first,
                arguments.count
            );
        }
    }
    println!(
        "{{\"target\":\"{name}\",\"seed\":{},\"first\":{},\"count\":{},\"accepted\":{accepted},\
         \"failed\":{failed},\"mostBytes\":{most},\"slowestSeconds\":{slowest:.3},\"seconds\":{:.0}}}",
        arguments.seed,
        arguments.first,
        arguments.count,
        start.elapsed().as_secs_f64()
    );
    failed == 0
}

fn keep(folder: &Path, name: &str, bytes: &[u8]) {
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(folder.join(name), bytes));
    if let Err(error) = written {
        eprintln!("{name} was not kept: {error}");
    }
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let expanded = match expanded::Expanded::new() {
        Ok(expanded) => expanded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let targets: [Box<dyn Target>; 4] = [
        Box::new(ciphertexts::Ciphertexts::new()),
        Box::new(keys::Bundles::new()),
        Box::new(expanded),
        Box::new(plans::Plans::new()),
    ];
    let wanted = |target: &dyn Target| {
        arguments
            .target
            .as_deref()
            .is_none_or(|name| name == target.name())
    };
    let mut good = true;
    for target in targets.iter().filter(|target| wanted(&***target)) {
        good &= fuzz(&**target, &arguments);
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
