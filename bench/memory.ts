/**
 * Memory of one process that evaluates a request with the native evaluator: one JSON line.
 *
 *   node bench/memory.ts model.loom evaluation.keys request.ct
 *
 * `baselineBytes` are resident before the plan is loaded, `peakBytes` the most until the end.
 */
import { readFileSync } from 'node:fs';
import { InferenceSession } from 'cipherloom/server';
import { peakResidentBytes } from './peak-memory.ts';

const runs = 3;
const [plan = '', evaluationKeys = '', request = ''] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(request));
const baselineBytes = process.memoryUsage.rss();
await using session = await InferenceSession.create(plan, {
  backend: 'native',
  threads: 1,
  evaluationKeys,
});
for (let run = 0; run < runs; run++) await session.run(bytes);
const peakBytes = peakResidentBytes();
process.stdout.write(`${JSON.stringify({ baselineBytes, peakBytes })}\n`);
