//! Runs a compiled plan on a file of encrypted inputs and prints where time and memory went.
//!
//! `cargo run --release -p cipherloom-plan --example run_plan -- model.loom evaluation.keys in.ct [RUNS [THREADS [MIB [FOLDER]]]]`
//! with the files that `cipherloom compile`, `keygen` and `encrypt` wrote; the first execution of the
//! file is run, with so many MiB of encoded constants, and expanded keys in the folder. Prints a
//! fingerprint of the outputs, so that two builds can be compared.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use plan::{Control, Evaluator, Inputs, KeyFile, Options, Prepared, PublicValues};
use sha2::{Digest, Sha256};

/// A container of ciphertexts: its layout stands in `src/seal/ciphertext-file.ts`.
fn inputs_of(file: &[u8]) -> Result<Inputs, Box<dyn Error>> {
    let number = |at: usize, width: usize| -> Result<usize, Box<dyn Error>> {
        let bytes = file
            .get(at..at + width)
            .ok_or("the file of inputs ends early")?;
        let value = bytes
            .iter()
            .rev()
            .fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        Ok(usize::try_from(value)?)
    };
    let tensors = number(64, 4)?;
    let mut at = 72;
    let mut heads = Vec::new();
    for _ in 0..tensors {
        let (name, count, bytes) = (number(at, 4)?, number(at + 4, 4)?, number(at + 8, 8)?);
        let text = file
            .get(at + 16..at + 16 + name)
            .ok_or("a name ends early")?;
        heads.push((String::from_utf8(text.to_vec())?, count, bytes));
        at += 16 + name;
    }
    let mut inputs = HashMap::new();
    for (name, count, bytes) in heads {
        let all = file
            .get(at..at + count * bytes)
            .ok_or("ciphertexts end early")?;
        inputs.insert(name, all.chunks(bytes).map(<[u8]>::to_vec).collect());
        at += count * bytes;
    }
    Ok(Inputs::held(inputs, PublicValues::default()))
}

/// A field of `/proc/self/status` in MiB, where there is one.
fn memory(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}

/// Processor time of all threads in ms, where it is told: a shared machine disturbs it least.
fn processor_time() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let times = tasks.flatten().filter_map(|task| {
        let schedstat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse::<f64>().ok()
    });
    times.sum::<f64>() / 1e6
}

/// When a part of the work began.
struct Start {
    wall: Instant,
    processor: f64,
}

impl Start {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            processor: processor_time(),
        }
    }
}

fn report(what: &str, since: &Start) {
    let [now, peak] = ["VmRSS", "VmHWM"].map(|field| memory(field).unwrap_or(0));
    let ms = since.wall.elapsed().as_secs_f64() * 1e3;
    let processor = processor_time() - since.processor;
    println!(
        "{what:<12} {ms:9.1} ms, {processor:9.1} ms of all threads; resident {now} MiB, peak {peak} MiB"
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, keys, inputs, rest @ ..] = &arguments[..] else {
        return Err("model.loom evaluation.keys in.ct [RUNS [THREADS [MIB [FOLDER]]]]".into());
    };
    let number = |place: usize, otherwise: usize| {
        let text = rest.get(place);
        text.map_or(Ok(otherwise), |text| text.parse::<usize>())
    };
    let (runs, threads) = (number(0, 3)?, number(1, 1)?);

    let start = Start::now();
    let prepared = Prepared::new(&fs::read(model)?)?;
    report("plan", &start);
    let start = Start::now();
    let options = Options {
        plaintext_bytes: number(2, 1 << 14)? << 20,
        threads,
    };
    let evaluator = Evaluator::new(Arc::new(prepared), options)?;
    report("tables", &start);
    let start = Start::now();
    let keys = Box::new(KeyFile::new(fs::File::open(keys)?)?);
    let keys = evaluator.open_keys(keys, rest.get(3).map(Path::new))?;
    report("keys", &start);
    let inputs = inputs_of(&fs::read(inputs)?)?;
    for run in 0..runs {
        let start = Start::now();
        let cancelled = AtomicBool::new(false);
        let mut control = Control {
            cancelled: &cancelled,
            progress: &mut |_| (),
        };
        let outputs = evaluator.run(&keys, &inputs, &mut control)?;
        report(&format!("run {run}"), &start);
        let mut hash = Sha256::new();
        for blob in outputs.iter().flat_map(|(_, blobs)| blobs) {
            hash.update(blob);
        }
        let mut print = [0; 8];
        print.copy_from_slice(&hash.finalize()[..8]);
        println!("{:<12} {:016x}", "outputs", u64::from_be_bytes(print));
    }
    Ok(())
}
