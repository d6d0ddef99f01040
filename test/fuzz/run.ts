/**
 * `npm run fuzz:onnx -- --count N --seed S [--first K] [--whole-every M] [--out FOLDER]`
 *
 * Mutated ONNX files through the reader and, every Mth time, through the whole of `inspect`. Prints
 * one JSON object; exit status 1 where a file failed, whose bytes are then in FOLDER.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readCorpus } from './corpus.ts';
import { fuzzOnnx } from './fuzz-onnx.ts';
import { mutantOf } from './mutate-onnx.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    'whole-every': { type: 'string', default: '20' },
    out: { type: 'string' },
  },
});
const [count, seed, first, wholeEvery] = [
  values.count,
  values.seed,
  values.first,
  values['whole-every'],
].map(Number) as [number, number, number, number];
const started = performance.now();
const result = await fuzzOnnx({
  ...{ count, seed, first, wholeEvery },
  onProgress(done) {
    if (done % 1000 === 0) process.stderr.write(`${done} of ${count}\n`);
  },
});
if (values.out !== undefined && result.failures.length > 0) {
  mkdirSync(values.out, { recursive: true });
  const corpus = readCorpus();
  for (const { number } of result.failures) {
    const file = path.join(values.out, `${seed}-${number}.onnx`);
    writeFileSync(file, mutantOf(corpus, seed, number).bytes);
  }
}
const seconds = Math.round((performance.now() - started) / 1000);
process.stdout.write(`${JSON.stringify({ seed, first, ...result, seconds }, null, 2)}\n`);
process.exitCode = result.failures.length > 0 ? 1 : 0;
