/** Images a second of a network's throughput plan: one full batch, evaluated again and again. */
import { compile } from 'cipherloom';
import { Client } from 'cipherloom/client';
import { InferenceSession } from 'cipherloom/server';
import { loadAddon } from '../src/backend/native/load-addon.ts';
import { median } from './profile/time-plans.ts';

const runs = 6;

export interface Throughput {
  readonly network: string;
  readonly precisionBits: number;
  /** Images of one execution. */
  readonly batch: number;
  readonly threads: number;
  /** Of each evaluation of a full batch, in order; the first takes its memory from the system. */
  readonly seconds: readonly number[];
  /** Of the median evaluation after the first. */
  readonly imagesPerSecond: number;
}

/**
 * Compile for throughput on the native evaluator and evaluate a batch of the images, over and over.
 *
 * Null where its addon is not built. Memory: the batch's ciphertexts, sent and expanded, and the squares
 * behind them (3 GiB for 8,192 images of lola).
 */
export async function measureThroughput(
  model: { readonly bytes: Uint8Array<ArrayBuffer>; readonly name: string },
  calibration: readonly Float64Array<ArrayBuffer>[],
  precisionBits: number,
  threads: number,
): Promise<Throughput | null> {
  if (loadAddon().addon === null) return null;
  const { client: form, plan } = await compile(model, {
    options: { target: 'native', objective: 'throughput', precisionBits },
    calibration: new Map([['image', calibration]]),
  });
  using client = Client.load(form);
  const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
  await using session = await InferenceSession.create(plan, {
    backend: 'native',
    evaluationKeys,
    threads,
  });
  const pixels = calibration[0]?.length ?? 0;
  const image = new Float64Array(form.batch * pixels);
  for (let k = 0; k < form.batch; k++) {
    image.set(calibration[k % calibration.length] ?? [], k * pixels);
  }
  const request = await client.encrypt({ image });
  const seconds: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await session.run(request);
    seconds.push((performance.now() - start) / 1000);
  }
  const imagesPerSecond = form.batch / median(seconds.slice(1));
  return {
    network: model.name,
    precisionBits,
    batch: form.batch,
    threads,
    seconds,
    imagesPerSecond,
  };
}
