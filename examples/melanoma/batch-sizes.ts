/**
 * What a full batch costs by the size of its images: networks of the same family at 64, 128, 192 and 224 pixels.
 *
 *   npm run melanoma:batch-sizes -- --work DIR [--sizes 64,128] [--distinct 4096] [--batches 1] [--threads 2]
 *
 * The weights are untrained, which times and sizes do not depend on; images are the samples. A batch at
 * 224 pixels has 118 GB of ciphertexts, of which --distinct are made (batch.ts). Answers are compared
 * with those of the same network in the clear. Writes WORK/batch-<S>.json each, which `melanoma:results`
 * shows; a size that is there already is left out, and one that does not compile says why.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createProgressLine, type ProgressLine } from '../../src/cli/progress.ts';
import { interpret } from '../../src/ir/interpret.ts';
import type { Program } from '../../src/ir/program.ts';
import { runBatches, type Answer, type BatchRecord, type Image } from './batch.ts';
import { compileFamily, type FamilyFigures } from './family-plan.ts';
import { familyNetwork } from './family.ts';
import { readPixels, sampleFiles } from './images.ts';
import { readCalibration } from './model.ts';

/** One size: a refusal, or what its batch took. */
export type BatchSizeRecord =
  | { readonly size: number; readonly refused: string }
  | (BatchRecord &
      FamilyFigures & {
        readonly size: number;
        readonly refused: null;
        /** Of a logit, over the batch, and the largest of the logits: the weights are untrained. */
        readonly largestDifference: number;
        readonly largestLogit: number;
      });

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { work: text, sizes: text, distinct: text, batches: text, threads: text },
  });
  const { work, sizes = '64,128,192,224' } = values;
  const { distinct = '4096', batches = '1', threads = '2' } = values;
  if (work === undefined) {
    throw new Error(
      '--work DIR [--sizes 64,128,192,224] [--distinct 4096] [--batches 1] [--threads 2]',
    );
  }
  mkdirSync(work, { recursive: true });
  using progress = createProgressLine(process.stderr, process.stderr.isTTY);
  for (const size of sizes.split(',').map(Number)) {
    const file = path.join(work, `batch-${String(size).padStart(3, '0')}.json`);
    if (existsSync(file)) continue;
    const record = await measure(
      size,
      { distinct: Number(distinct), batches: Number(batches), threads: Number(threads), work },
      progress,
    );
    const printed = JSON.stringify(record, null, 2);
    writeFileSync(file, `${printed}\n`);
    console.log(printed);
  }
}

interface Extent {
  readonly work: string;
  readonly distinct: number;
  readonly batches: number;
  readonly threads: number;
}

async function measure(
  size: number,
  extent: Extent,
  progress: ProgressLine,
): Promise<BatchSizeRecord> {
  const preprocessing = { size, kernel: 'area' } as const;
  progress.step(`compiling for ${size} pixels`);
  const calibration = await readCalibration({ preprocessing });
  const plan = await compileFamily(size, 'throughput', calibration);
  if (plan.refused !== null) return { size, refused: plan.refused };
  const { program } = familyNetwork(size).build();
  const { record, answers } = await runBatches({
    ...extent,
    compiled: plan.compiled,
    images: await Promise.all(sampleFiles().map((name) => readPixels(name, preprocessing))),
    clear: (image) => clearLogit(program, size, image),
    progress,
  });
  return {
    size,
    refused: null,
    ...plan.figures,
    ...record,
    largestDifference: largest(answers, ({ encrypted, clear }) => encrypted - clear),
    largestLogit: largest(answers, ({ clear }) => clear),
  };
}

function largest(answers: readonly Answer[], of: (answer: Answer) => number): number {
  return answers.reduce((most, answer) => Math.max(most, Math.abs(of(answer))), 0);
}

function clearLogit(program: Program, size: number, image: Image): number {
  const tensor = { shape: [1, 3, size, size], data: Float64Array.from(image) };
  const logit = interpret(program, new Map([['image', { kind: 'tensor', tensor }]])).get('logit');
  return logit?.kind === 'tensor' ? (logit.tensor.data[0] ?? NaN) : NaN;
}

if (import.meta.main) await main();
