/** Threads of the native evaluator: the same bytes for any number of them, stopped as fast as one. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import type { CompileOptions } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { example } from '../cli/commands/example-plans.ts';
import { nativeAddon } from '../support/backends.ts';

const pixels = 784;

function imagesOf(file: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(readFileSync(example(file)));
  return Array.from({ length: data.length / pixels }, (_, k) =>
    data.slice(k * pixels, (k + 1) * pixels),
  );
}

interface Served {
  readonly plan: Uint8Array;
  readonly evaluationKeys: Uint8Array<ArrayBuffer>;
  readonly request: Uint8Array<ArrayBuffer>;
}

async function serve(network: string, options: Partial<CompileOptions>): Promise<Served> {
  const model = await compile(
    { bytes: readFileSync(example(`${network}.onnx`)), name: network },
    { calibration: new Map([['image', imagesOf('calibration.npy')]]), options },
  );
  using client = Client.load(model.client);
  const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
  const [image = new Float64Array(pixels)] = imagesOf('images.npy');
  return { plan: model.plan, evaluationKeys, request: await client.encrypt({ image }) };
}

const hybrid = { ringDegree: 16384, primeBits: [41, 39, 39, 39, 39, 39, 43, 43] };

describe.skipIf(nativeAddon === null)('threads of the native evaluator', () => {
  test.each<[string, string, Partial<CompileOptions>]>([
    ['lola', 'lola', {}],
    ['lola with two special primes', 'lola', { target: 'native', ...hybrid }],
    ['convolutions', 'cryptonets', {}],
    ['convolutions for the native target', 'cryptonets', { target: 'native' }],
  ])('%s: the same bytes for 1, 2 and 3', { timeout: 300_000 }, async (_, network, options) => {
    const { plan, evaluationKeys, request } = await serve(network, options);
    const answers: Uint8Array[] = [];
    for (const threads of [1, 2, 3]) {
      await using session = await InferenceSession.create(plan, {
        backend: 'native',
        evaluationKeys,
        threads,
      });
      expect(session.threads).toBe(threads);
      // The second run finds encoded constants.
      answers.push(await session.run(request), await session.run(request));
    }
    expect(answers.every((bytes) => Buffer.compare(bytes, answers[0]!) === 0)).toBe(true);
  });

  // Again where the machine was busy: it is the time of the evaluator that counts.
  it(
    'rejects within 100 ms of an abort, and answers the next request alike',
    { retry: 3 },
    async () => {
      const { plan, evaluationKeys, request } = await serve('lola', {});
      await using session = await InferenceSession.create(plan, { evaluationKeys, threads: 3 });
      const good = await session.run(request);
      for (const wait of [1, 5, 10]) {
        const running = new AbortController();
        const run = session.run(request, { signal: running.signal });
        await new Promise((resolve) => setTimeout(resolve, wait));
        const at = performance.now();
        running.abort(new Error('client went away'));
        await expect(run).rejects.toThrow('client went away');
        expect(performance.now() - at).toBeLessThan(100);
        expect(await session.run(request)).toEqual(good);
      }
    },
  );

  it('has as many as the machine runs at once if none are asked for; seal and clear have one', async () => {
    const { plan, evaluationKeys } = await serve('lola', {});
    await using native = await InferenceSession.create(plan, { evaluationKeys });
    expect(native.threads).toBe(availableParallelism());
    for (const backend of ['seal', 'clear'] as const) {
      await using other = await InferenceSession.create(plan, {
        backend,
        evaluationKeys,
        threads: 8,
      });
      expect(other.threads).toBe(1);
    }
    for (const threads of [0, 1.5, -1, NaN, 1025]) {
      await expect(
        InferenceSession.create(plan, { evaluationKeys, threads }),
      ).rejects.toMatchObject({ code: 'USAGE', details: { threads } });
    }
  });
});
