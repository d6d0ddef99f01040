/**
 * Full batches of the throughput plan of the network: time and memory of the server, inputs from disk.
 *
 *   npm run melanoma:throughput -- --work DIR [--data DIR] [--split val|test] [--distinct K]
 *                                  [--batches 3] [--threads 2]
 *
 * Images are those of a split of --data, the folder with labels.csv, in turn; without it the samples.
 * With --distinct K only so many ciphertexts are made (batch.ts), and answers are compared with those
 * of the network in the clear on the same inputs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createProgressLine } from '../../src/cli/progress.ts';
import { runBatches, type BatchRecord } from './batch.ts';
import { openClear } from './clear.ts';
import { readPixels, sampleFiles } from './images.ts';
import { readCalibration, readModel, readRecord, sigmoid } from './model.ts';
import { compilePlan } from './plans.ts';
import { readSplit } from './splits.ts';

export interface ThroughputRecord extends BatchRecord {
  /** Of the network, hex. */
  readonly model: string;
  /** Of a probability, over the batch. */
  readonly largestDifference: number;
  /** Share of the batch on the same side of the threshold as with the clear network. */
  readonly agreement: number;
  /** Where the images are from: `val`, `test` or `samples`. */
  readonly split: string;
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
  const files = data === undefined ? sampleFiles() : splitFiles(data, split);
  await using clear = await openClear(model);
  const { record, answers } = await runBatches({
    work,
    compiled,
    images: await Promise.all(
      files.slice(0, compiled.report.batch).map((name) => readPixels(name, model.preprocessing)),
    ),
    distinct: Number(distinct ?? Infinity),
    batches: Number(batches),
    threads: Number(threads),
    clear: (image) => clear.logit(image),
    progress,
  });
  const { threshold } = (await readRecord(model)).validation.nevus;
  const throughput: ThroughputRecord = {
    model: model.sha256,
    ...record,
    largestDifference: answers.reduce(
      (most, one) => Math.max(most, Math.abs(sigmoid(one.encrypted) - sigmoid(one.clear))),
      0,
    ),
    agreement:
      answers.filter((one) => one.encrypted >= threshold === one.clear >= threshold).length /
      answers.length,
    split: data === undefined ? 'samples' : split,
  };
  const printed = JSON.stringify(throughput, null, 2);
  writeFileSync(
    path.join(work, `throughput-${compiled.planHash.slice(0, 12)}.json`),
    `${printed}\n`,
  );
  console.log(printed);
}

function splitFiles(data: string, split: string): string[] {
  return readSplit(data, split).map(({ file }) => path.join(data, file));
}

if (import.meta.main) await main();
