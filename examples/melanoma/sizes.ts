/**
 * What one image costs by its size: networks of the same family at 64, 128, 192 and 224 pixels.
 *
 *   npm run melanoma:sizes -- --work DIR [--sizes 64,128] [--runs 3]
 *
 * The weights are untrained, which times and sizes do not depend on. Writes WORK/size-<S>.json each,
 * which `melanoma:results` shows; a size that is there already is left out, and one that does not
 * compile says why.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'cipherloom/client';
import { InferenceSession } from 'cipherloom/server';
import { compileFamily } from './family-plan.ts';
import { readCalibration } from './model.ts';

export interface SizeRecord {
  readonly size: number;
  /** Why there is no plan; the rest is null then. */
  readonly refused: string | null;
  readonly ringDegree: number | null;
  readonly keyBytes: number | null;
  readonly uploadBytes: number | null;
  /** One core. */
  readonly modelledSeconds: number | null;
  readonly compileSeconds: number | null;
  readonly threads: number | null;
  /** Median of the runs after the first. */
  readonly evaluateSeconds: number | null;
  readonly clientSeconds: number | null;
  /** Of the whole process, client and compiler included. */
  readonly peakBytes: number | null;
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { work: text, sizes: text, runs: text } });
  const { work, sizes = '64,128,192,224', runs = '3' } = values;
  if (work === undefined) throw new Error('--work DIR [--sizes 64,128,192,224] [--runs 3]');
  mkdirSync(work, { recursive: true });
  for (const size of sizes.split(',').map(Number)) {
    const file = path.join(work, `size-${String(size).padStart(3, '0')}.json`);
    if (existsSync(file)) continue;
    const record = await measure(size, Number(runs));
    writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
    console.log(JSON.stringify(record));
  }
}

async function measure(size: number, runs: number): Promise<SizeRecord> {
  const calibration = await readCalibration({ preprocessing: { size, kernel: 'area' } });
  const plan = await compileFamily(size, 'latency', calibration);
  if (plan.refused !== null) return { ...nothing, size, refused: plan.refused };
  const { compiled, figures } = plan;
  using client = Client.load(JSON.stringify(compiled.client));
  const keys = await client.generateKeys();
  await using session = await InferenceSession.create(compiled.plan, {
    evaluationKeys: await keys.evaluationKeys.bytes(),
  });
  const image = Float32Array.from(calibration.get('image')?.[0] ?? []);
  const [evaluate, clientTimes]: [number[], number[]] = [[], []];
  for (let run = 0; run <= runs; run++) {
    const from = performance.now();
    const request = await client.encrypt({ image });
    const sentAt = performance.now();
    const response = await session.run(request);
    const answeredAt = performance.now();
    await client.decrypt(response);
    if (run === 0) continue;
    evaluate.push((answeredAt - sentAt) / 1000);
    clientTimes.push((sentAt - from + performance.now() - answeredAt) / 1000);
  }
  return {
    size,
    refused: null,
    ...figures,
    threads: session.threads,
    evaluateSeconds: median(evaluate),
    clientSeconds: median(clientTimes),
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

const nothing = {
  ringDegree: null,
  keyBytes: null,
  uploadBytes: null,
  modelledSeconds: null,
  compileSeconds: null,
  threads: null,
  evaluateSeconds: null,
  clientSeconds: null,
  peakBytes: null,
} as const;

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1] ?? NaN;
}

if (import.meta.main) await main();
