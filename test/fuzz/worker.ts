/** The process that runs mutated files: what crashes, hangs or swells here is replaced by the parent. */
import { peakResidentBytes } from '../../bench/peak-memory.ts';
import { readCorpus } from './corpus.ts';
import type { Job, Report } from './messages.ts';
import { mutantOf } from './mutate-onnx.ts';
import { outcomeOf } from './outcome.ts';

type Target = (bytes: Uint8Array, whole: boolean) => unknown;

const [targetUrl = ''] = process.argv.slice(2);
const { default: target } = (await import(targetUrl)) as { default: Target };
const corpus = readCorpus();
// What is loaded on first use belongs to the baseline.
for (const { bytes } of corpus.slice(0, 20)) await outcomeOf(() => target(bytes, false));
const baseline = peakResidentBytes();

function send(message: Report): void {
  process.send!(message);
}

async function runJob({ number, seed, whole }: Job): Promise<void> {
  const { bytes, origin } = mutantOf(corpus, seed, number);
  const before = process.cpuUsage();
  const { result, fault } = await outcomeOf(() => target(bytes, whole));
  const { user, system } = process.cpuUsage(before);
  send({
    kind: 'done',
    ...{ number, origin, result, fault, size: bytes.length, baseline },
    cpuMs: (user + system) / 1000,
    peak: peakResidentBytes(),
  });
}

process.on('message', (job: Job) => void runJob(job));
send({ kind: 'ready', files: corpus.length });
