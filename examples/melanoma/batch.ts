/**
 * A full batch on a throughput plan: time and memory of the server, with its inputs read from disk.
 *
 * A batch has a ciphertext for each number of an image, of which one holds that number of thousands of
 * images: tens of gigabytes. Where only the first K of them are made, number n of each image is its
 * number n mod K: the server's work is the same, and its inputs are still real ciphertexts.
 * Needs Rust: the evaluation is native/plan/examples/stream_plan.rs.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompiledModel } from 'cipherloom';
import { Client } from 'cipherloom/client';
import type { ProgressLine } from '../../src/cli/progress.ts';
import { ciphertextFileForm, writeCiphertextFile } from '../../src/seal/ciphertext-file.ts';

export interface BatchRequest {
  /** For the plan, keys and ciphertexts. */
  readonly work: string;
  readonly compiled: CompiledModel;
  /** [3, S, S] in 0…1 each, in turn where the batch takes more. */
  readonly images: readonly Image[];
  /** Ciphertexts that are made, at most. */
  readonly distinct: number;
  readonly batches: number;
  readonly threads: number;
  /** The logit of an image by the network in the clear. */
  readonly clear: (image: Image) => number | Promise<number>;
  readonly progress: ProgressLine;
}

/** What a batch took. */
export interface BatchRecord {
  readonly planHash: string;
  /** Images of a batch. */
  readonly images: number;
  readonly batches: number;
  readonly threads: number;
  /** Of a batch, the median; wall time with the inputs read from disk. */
  readonly evaluateSeconds: number;
  readonly processorSeconds: number;
  /** Of the server. */
  readonly peakBytes: number;
  /** Of the client, for each ciphertext that was made. */
  readonly encryptSeconds: number;
  /** Images of the batch that differ from one another. */
  readonly differentImages: number;
  /** Ciphertexts that were made. */
  readonly distinct: number;
  readonly note: string;
}

/** Logits of one image. */
export interface Answer {
  readonly encrypted: number;
  readonly clear: number;
}

export type Image = Float32Array<ArrayBuffer>;

/** Run batches of a plan with a ciphertext for each number; the answers are those of the last batch. */
export async function runBatches({
  work,
  compiled,
  images,
  distinct,
  batches,
  threads,
  clear,
  progress,
}: BatchRequest): Promise<{ readonly record: BatchRecord; readonly answers: readonly Answer[] }> {
  const file = (name: string): string =>
    path.join(work, `${compiled.planHash.slice(0, 12)}.${name}`);
  writeFileSync(file('loom'), compiled.plan);
  using client = Client.load(JSON.stringify(compiled.client));
  progress.step('making keys');
  const keys = await client.generateKeys();
  writeFileSync(file('keys'), await keys.evaluationKeys.bytes());

  const { batch } = client.plan;
  const [input] = client.plan.inputs;
  const numbers = images[0]?.length;
  if (input === undefined || input.layout.ciphertexts !== numbers) {
    throw new Error('the throughput plan has no ciphertext for each number');
  }
  const made = Math.min(numbers, distinct);
  const used = images.slice(0, batch);
  progress.step(`encrypting ${made} ciphertexts of ${batch} images`);
  const startedAt = performance.now();
  const blobBytes = await writeInputs(file('in'), client, used, made, (done) => {
    progress.advance(done, made);
  });
  const encryptSeconds = (performance.now() - startedAt) / 1000 / made;

  progress.step(`${batches} batches`);
  const runs = await stream([
    file('loom'),
    file('keys'),
    file('in'),
    String(blobBytes),
    file('out'),
    String(threads),
    String(batches),
  ]);
  rmSync(file('in'));
  const seconds = runs.map((run) => run.seconds).sort((a, b) => a - b);
  const middle = seconds[seconds.length >> 1] ?? NaN;
  const expected: number[] = [];
  for (const image of used) expected.push(await clear(image.map((_, n) => image[n % made] ?? 0)));
  const answers = await readAnswers(file('out'), client);
  return {
    record: {
      planHash: compiled.planHash,
      images: batch,
      batches: runs.length,
      threads,
      evaluateSeconds: middle,
      processorSeconds: runs.find((run) => run.seconds === middle)?.processorSeconds ?? NaN,
      peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
      encryptSeconds,
      differentImages: used.length,
      distinct: made,
      note:
        made === numbers
          ? 'Every ciphertext of the batch was made by the client and read from disk.'
          : `${made.toLocaleString('en')} of its ${numbers.toLocaleString('en')} ciphertexts were made, and read from disk again and again in their order.`,
    },
    answers: answers.map((encrypted, b) => ({
      encrypted,
      clear: expected[b % expected.length] ?? NaN,
    })),
  };
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

/** The logits of a batch, decrypted. */
async function readAnswers(file: string, client: Client): Promise<number[]> {
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
  return Array.from(logit?.data ?? []);
}
