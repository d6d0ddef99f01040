/**
 * A full batch on the throughput plan: time and memory of the server, with its inputs read from disk.
 *
 *   npm run melanoma:throughput -- --work DIR [--data DIR] [--split val|test] [--distinct K]
 *                                  [--batches 3] [--threads 2]
 *
 * Images are those of a split of --data, the folder with labels.csv, in turn; without it the samples.
 * A batch has a ciphertext for each number of an image, of which one holds that number of thousands of
 * images: tens of gigabytes. With --distinct K only the first K of them are made, and number n of each
 * image is its number n mod K: the server's work is the same, its inputs are still real ciphertexts, and
 * answers are compared with those of the network in the clear on the same inputs.
 * Needs Rust: the evaluation is native/plan/examples/stream_plan.rs.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from 'cipherloom/client';
import { createProgressLine } from '../../src/cli/progress.ts';
import { ciphertextFileForm, writeCiphertextFile } from '../../src/seal/ciphertext-file.ts';
import { openClear } from './clear.ts';
import { readPixels } from './images.ts';
import { here, readCalibration, readModel, readRecord, sigmoid } from './model.ts';
import { compilePlan } from './plans.ts';
import { readSplit } from './splits.ts';

export interface ThroughputRecord {
  /** Of the network, hex. */
  readonly model: string;
  readonly planHash: string;
  readonly images: number;
  readonly batches: number;
  readonly threads: number;
  /** Of a batch, the median; wall time with the inputs read from disk. */
  readonly evaluateSeconds: number;
  readonly processorSeconds: number;
  readonly peakBytes: number;
  /** Of the client, for each ciphertext that was made. */
  readonly encryptSeconds: number;
  /** Of a probability, over the batch. */
  readonly largestDifference: number;
  /** Images of the batch that differ from one another. */
  readonly differentImages: number;
  /** Share of the batch on the same side of the threshold as with the clear network. */
  readonly agreement: number;
  /** Where they are from: `val`, `test` or `samples`. */
  readonly split: string;
  readonly note: string;
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      work: text,
      data: text,
      split: text,
      distinct: text,
      batches: text,
      threads: text,
    },
  });
  const { work, data, split = 'val', distinct, batches = '3', threads = '2' } = values;
  if (work === undefined) {
    throw new Error(
      '--work DIR [--data DIR] [--split val|test] [--distinct K] [--batches 3] [--threads 2]',
    );
  }
  mkdirSync(work, { recursive: true });
  using progress = createProgressLine(process.stderr, process.stderr.isTTY);
  const model = await readModel();
  progress.step('compiling');
  const compiled = await compilePlan('throughput', model, await readCalibration(model));
  const file = (name: string): string =>
    path.join(work, `${compiled.planHash.slice(0, 12)}.${name}`);
  writeFileSync(file('loom'), compiled.plan);
  using client = Client.load(JSON.stringify(compiled.client));
  progress.step('making keys');
  const keys = await client.generateKeys();
  writeFileSync(file('keys'), await keys.evaluationKeys.bytes());

  const { batch } = client.plan;
  const [input] = client.plan.inputs;
  if (input?.layout.ciphertexts !== 3 * model.preprocessing.size ** 2) {
    throw new Error('the throughput plan has no ciphertext for each number');
  }
  const wanted = Math.min(input.layout.ciphertexts, Number(distinct ?? input.layout.ciphertexts));
  const files = data === undefined ? sampleFiles() : splitFiles(data, split);
  const images = await Promise.all(
    files.slice(0, batch).map((name) => readPixels(name, model.preprocessing)),
  );
  progress.step(`encrypting ${wanted} ciphertexts of ${batch} images`);
  const startedAt = performance.now();
  const blobBytes = await writeInputs(file('in'), client, images, wanted, (done) => {
    progress.advance(done, wanted);
  });
  const encryptSeconds = (performance.now() - startedAt) / 1000 / wanted;

  progress.step(`${batches} batches`);
  const runs = await stream([
    file('loom'),
    file('keys'),
    file('in'),
    String(blobBytes),
    file('out'),
    threads,
    batches,
  ]);
  const seconds = runs.map((run) => run.seconds).sort((a, b) => a - b);
  const middle = seconds[seconds.length >> 1] ?? NaN;
  const record: ThroughputRecord = {
    model: model.sha256,
    planHash: compiled.planHash,
    images: batch,
    batches: runs.length,
    threads: Number(threads),
    evaluateSeconds: middle,
    processorSeconds: runs.find((run) => run.seconds === middle)?.processorSeconds ?? NaN,
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
    encryptSeconds,
    ...(await compare(file('out'), client, images, wanted, model)),
    differentImages: Math.min(images.length, batch),
    split: data === undefined ? 'samples' : split,
    note:
      wanted === input.layout.ciphertexts
        ? 'Every ciphertext of the batch was made by the client and read from disk.'
        : `${wanted.toLocaleString('en')} of its ${input.layout.ciphertexts.toLocaleString('en')} ciphertexts were made, and read from disk again and again in their order: the whole batch did not fit the disk.`,
  };
  writeFileSync(
    path.join(work, `throughput-${compiled.planHash.slice(0, 12)}.json`),
    `${JSON.stringify(record, null, 2)}\n`,
  );
  rmSync(file('in'));
  console.log(JSON.stringify(record, null, 2));
}

type Image = Float32Array<ArrayBuffer>;

function sampleFiles(): string[] {
  const folder = path.join(here, 'samples');
  const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  return names.map((name) => path.join(folder, name));
}

function splitFiles(data: string, split: string): string[] {
  return readSplit(data, split).map(({ file }) => path.join(data, file));
}

/** One ciphertext after the other: number k of all images of a batch, the given ones in turn. */
async function writeInputs(
  file: string,
  client: Client,
  images: readonly Image[],
  count: number,
  onProgress: (done: number) => void,
): Promise<number> {
  const { batch } = client.plan;
  const handle = openSync(file, 'w');
  let bytes = 0;
  try {
    for (let k = 0; k < count; k++) {
      const blob = await client.encryptSlots(
        'image',
        Float64Array.from({ length: batch }, (_, b) => images[b % images.length]?.[k] ?? 0),
      );
      bytes = blob.length;
      writeSync(handle, blob);
      onProgress(k + 1);
    }
  } finally {
    closeSync(handle);
  }
  return bytes;
}

interface StreamedRun {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakBytes: number;
}

async function stream(args: readonly string[]): Promise<StreamedRun[]> {
  const folder = fileURLToPath(new URL('../../native/', import.meta.url));
  const cargo = [
    'run',
    '--release',
    '--locked',
    '-p',
    'cipherloom-plan',
    '--example',
    'stream_plan',
  ];
  const child = spawn(
    'cargo',
    [...cargo, '--', ...args.map((arg) => (/[/\\]/.test(arg) ? path.resolve(arg) : arg))],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (printed += part));
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`stream_plan ended with ${String(status)}`);
  return printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StreamedRun);
}

/** The answers of a batch beside those of the clear network. */
async function compare(
  file: string,
  client: Client,
  images: readonly Image[],
  distinct: number,
  model: Awaited<ReturnType<typeof readModel>>,
): Promise<Pick<ThroughputRecord, 'largestDifference' | 'agreement'>> {
  const { plan } = client;
  const form = ciphertextFileForm(
    'outputs',
    { planHash: plan.planHash, ringDegree: plan.parameters.ringDegree, batch: plan.batch },
    plan.outputs,
  );
  const bytes = new Uint8Array(readFileSync(file));
  const [tensor] = form.tensors;
  const blobs = Array.from({ length: tensor?.ciphertexts ?? 0 }, (_, n) =>
    bytes.slice(n * (tensor?.blobBytes ?? 0), (n + 1) * (tensor?.blobBytes ?? 0)),
  );
  const response = await writeCiphertextFile(form, plan.batch, [[blobs]]);
  const { logit } = await client.decrypt(response);
  await using clear = await openClear(model);
  const expected: number[] = [];
  for (const image of images) {
    expected.push(await clear.logit(image.map((_, n) => image[n % distinct] ?? 0)));
  }
  const { threshold } = (await readRecord(model)).validation.nevus;
  let [largestDifference, agreeing] = [0, 0];
  const answers = Array.from(logit?.data ?? []);
  answers.forEach((value, b) => {
    const clearLogit = expected[b % expected.length] ?? NaN;
    largestDifference = Math.max(largestDifference, Math.abs(sigmoid(value) - sigmoid(clearLogit)));
    if (value >= threshold === clearLogit >= threshold) agreeing++;
  });
  return { largestDifference, agreement: agreeing / answers.length };
}

if (import.meta.main) await main();
