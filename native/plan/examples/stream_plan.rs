//! Runs a plan of one input whose ciphertexts are read from a file one by one, as the run needs them.
//!
//! `stream_plan model.loom evaluation.keys in.bin BYTES out.bin THREADS RUNS`: the file holds serialised
//! ciphertexts of so many bytes one after the other; where it holds fewer than the plan reads, they are
//! repeated in order. The results of the last run are written one after the other. Prints a line of JSON
//! a run.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use plan::{Control, Evaluator, InputBlobs, Inputs, KeyFile, Options, Prepared, PublicValues};

#[derive(Debug)]
struct Stored {
    file: File,
    bytes: usize,
    held: usize,
    count: usize,
}

impl InputBlobs for Stored {
    fn count(&self) -> usize {
        self.count
    }

    fn read(&self, index: usize) -> io::Result<Cow<'_, [u8]>> {
        let mut blob = vec![0; self.bytes];
        let at = (index % self.held) * self.bytes;
        self.file.read_exact_at(&mut blob, at as u64)?;
        Ok(Cow::Owned(blob))
    }
}

/// Processor time of the process in seconds, and its peak of memory in bytes.
fn usage() -> Option<(f64, u64)> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let spent: f64 = tasks
        .flatten()
        .filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<f64>().ok()
        })
        .sum();
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some((spent / 1e9, kib * 1024))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, keys, input, bytes, output, threads, runs] = &arguments[..] else {
        return Err("model.loom evaluation.keys in.bin BYTES out.bin THREADS RUNS".into());
    };
    let prepared = Prepared::new(&fs::read(model)?)?;
    let name = prepared.inputs().next().ok_or("no input")?.to_owned();
    let count = prepared.input_ciphertexts(&name).ok_or("no input")?;
    let options = Options {
        plaintext_bytes: 0,
        threads: threads.parse()?,
    };
    let evaluator = Evaluator::new(Arc::new(prepared), options)?;
    let keys = evaluator.open_keys(Box::new(KeyFile::new(File::open(keys)?)?), None)?;
    let file = File::open(input)?;
    let bytes: usize = bytes.parse()?;
    let held = usize::try_from(file.metadata()?.len())? / bytes;
    let blobs: Arc<dyn InputBlobs> = Arc::new(Stored {
        file,
        bytes,
        held: held.max(1),
        count,
    });
    let inputs = Inputs {
        ciphertexts: HashMap::from([(name, blobs)]),
        public: PublicValues::default(),
    };
    for run in 0..runs.parse::<usize>()? {
        let (start, before) = (Instant::now(), usage().unwrap_or_default());
        let cancelled = AtomicBool::new(false);
        let mut last = 0;
        let mut control = Control {
            cancelled: &cancelled,
            progress: &mut |progress| {
                let percent = 100 * progress.done / progress.total.max(1);
                if percent > last {
                    last = percent;
                    let spent = usage().map_or(0.0, |(now, _)| now - before.0);
                    eprintln!(
                        "{percent} % after {:.0} s, {spent:.1} s of processors",
                        start.elapsed().as_secs_f64()
                    );
                }
            },
        };
        let outputs = evaluator.run(&keys, &inputs, &mut control)?;
        let (spent, peak) = usage().unwrap_or_default();
        println!(
            "{{\"run\":{run},\"seconds\":{:.3},\"processorSeconds\":{:.3},\"peakBytes\":{peak}}}",
            start.elapsed().as_secs_f64(),
            spent - before.0,
        );
        fs::write(
            output,
            outputs
                .iter()
                .flat_map(|(_, blobs)| blobs.concat())
                .collect::<Vec<u8>>(),
        )?;
    }
    Ok(())
}
