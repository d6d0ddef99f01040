/** What only the native evaluator does: it works beside JavaScript's thread, and stops when told. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, describe, it, beforeAll, afterAll } from 'vitest';
import { Client } from '../../src/client/index.ts';
import type { CipherloomError } from '../../src/errors.ts';
import { compile, readNpy } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import type { SessionOptions } from '../../src/server/index.ts';
import { NativePlan } from '../../src/backend/native/native-plan.ts';
import { example } from '../cli/commands/example-plans.ts';
import { nativeAddon } from '../support/backends.ts';

const pixels = 784;

function imagesOf(file: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(readFileSync(example(file)));
  return Array.from({ length: data.length / pixels }, (_, k) =>
    data.slice(k * pixels, (k + 1) * pixels),
  );
}

describe.skipIf(nativeAddon === null)('the native evaluator', () => {
  let client: Client;
  let plan: Uint8Array;
  let evaluationKeys: Uint8Array<ArrayBuffer>;
  let request: Uint8Array<ArrayBuffer>;

  beforeAll(async () => {
    const model = await compile(
      { bytes: readFileSync(example('lola.onnx')), name: 'lola' },
      { calibration: new Map([['image', imagesOf('calibration.npy')]]) },
    );
    plan = model.plan;
    client = Client.load(model.client);
    evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
    const [image = new Float64Array(pixels)] = imagesOf('images.npy');
    request = await client.encrypt({ image });
  });
  afterAll(() => {
    client[Symbol.dispose]();
  });

  it('is what a session uses when nothing is asked for, and says why', async () => {
    await using session = await InferenceSession.create(plan, { evaluationKeys });
    expect(session.backend).toBe('native');
    expect(session.backendReason).toContain('addon');
    await using small = await InferenceSession.create(plan, {
      evaluationKeys,
      maxKeyMemoryBytes: 10_000_000,
    });
    expect(small.backend).toBe('seal');
    expect(small.backendReason).toMatch(/holds all \d+ bytes of keys, 10000000 are allowed/);
    await expect(
      InferenceSession.create(plan, {
        backend: 'native',
        evaluationKeys,
        maxKeyMemoryBytes: 10_000_000,
      }),
    ).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', exit: 2 });
  });

  // Again where the machine was busy: it is the time of the evaluator that counts.
  it(
    'rejects within 100 ms of an abort, and answers the next request alike',
    { retry: 3 },
    async () => {
      await using session = await InferenceSession.create(plan, { evaluationKeys });
      const opening = new AbortController();
      // The keys are expanded by the first run.
      const first = session.run(request, { signal: opening.signal });
      await new Promise((resolve) => setTimeout(resolve, 20));
      const delays: number[] = [];
      const expectAbort = async (run: Promise<unknown>, abort: () => void): Promise<void> => {
        const at = performance.now();
        abort();
        await expect(run).rejects.toThrow('client went away');
        delays.push(performance.now() - at);
      };
      await expectAbort(first, () => {
        opening.abort(new Error('client went away'));
      });
      const good = await session.run(request);
      const running = new AbortController();
      const second = session.run(request, { signal: running.signal });
      await new Promise((resolve) => setTimeout(resolve, 5));
      await expectAbort(second, () => {
        running.abort(new Error('client went away'));
      });
      expect(Math.max(...delays)).toBeLessThan(100);
      expect(await session.run(request)).toEqual(good);
    },
  );

  it('reports progress up to all of the work; a report that throws ends the run', async () => {
    await using session = await InferenceSession.create(plan, { evaluationKeys });
    const seen: number[] = [];
    let all = 0;
    await session.run(request, {
      onProgress: ({ done, total, execution, executions }) => {
        expect([execution, executions]).toEqual([0, 1]);
        expect(done).toBeLessThanOrEqual(total);
        seen.push(done);
        all = total;
      },
    });
    expect(all).toBeGreaterThan(50);
    expect(seen.at(-1)).toBe(all);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    await expect(
      session.run(request, {
        onProgress() {
          throw new Error('the watcher broke');
        },
      }),
    ).rejects.toThrow('the watcher broke');
    const { logits } = await client.decrypt(await session.run(request));
    expect(logits?.data.indexOf(Math.max(...logits.data))).toBe(7);
  });

  it('leaves the thread of JavaScript to others while it works', async () => {
    await using session = await InferenceSession.create(plan, { evaluationKeys });
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    try {
      await session.run(request);
      await session.run(request);
    } finally {
      clearInterval(beat);
    }
    // Seal would hold it for as long as a slice of its own, 50 ms, and an operation.
    expect(longest).toBeLessThan(1000);
  });

  it('keeps within a bound on memory what answers alike, and names the least', async () => {
    const answer = async (maxMemoryBytes: number): Promise<Uint8Array> => {
      await using session = await InferenceSession.create(plan, {
        evaluationKeys,
        maxMemoryBytes,
      });
      await session.run(request);
      return await session.run(request);
    };
    const least = await answer(1).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'RESOURCE_LIMIT', details: { maxMemoryBytes: 1 } });
      return (error as CipherloomError).details['least'] as number;
    });
    if (typeof least !== 'number') throw new Error('one byte is not enough');
    expect(least).toBeGreaterThan(evaluationKeys.length);
    await expect(answer(least - 1)).rejects.toMatchObject({ code: 'RESOURCE_LIMIT' });
    const expected = await answer(2 ** 40);
    // Nothing is kept; some coefficients; all of them and some plaintexts.
    for (const kept of [0, 3_000_000, 20_000_000]) {
      expect(Buffer.compare(await answer(least + kept), expected)).toBe(0);
    }
  });

  it('shares a file of expanded keys, and does without one that is damaged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cipherloom-key-cache-'));
    try {
      const keys = join(folder, 'evaluation.keys');
      writeFileSync(keys, evaluationKeys);
      const answer = async (options: SessionOptions): Promise<Uint8Array> => {
        await using session = await InferenceSession.create(plan, {
          backend: 'native',
          ...options,
        });
        return await session.run(request);
      };
      const expected = await answer({ evaluationKeys });
      const cache = join(folder, 'cache');
      await expect(answer({ evaluationKeys: keys, keyCacheFolder: cache })).rejects.toMatchObject({
        code: 'FILE_UNWRITABLE',
      });
      mkdirSync(cache);
      for (const given of [keys, keys, evaluationKeys]) {
        const got = await answer({ evaluationKeys: given, keyCacheFolder: cache });
        expect(Buffer.compare(got, expected)).toBe(0);
        expect(readdirSync(cache)).toHaveLength(1);
      }
      const file = join(cache, readdirSync(cache)[0] ?? '');
      const bytes = readFileSync(file);
      bytes.fill(0xff, 4096, 8192);
      rmSync(file);
      writeFileSync(file, bytes);
      const got = await answer({ evaluationKeys: keys, keyCacheFolder: cache });
      expect(Buffer.compare(got, expected)).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses after dispose, with the code of the table', async () => {
    if (nativeAddon === null) throw new Error('skipped without the addon');
    const loaded = await NativePlan.load(nativeAddon, plan, { plaintextBytes: 0, threads: 1 });
    const session = await loaded.openSession(evaluationKeys, null);
    loaded[Symbol.dispose]();
    await expect(loaded.openSession(evaluationKeys, null)).rejects.toMatchObject({
      code: 'USE_AFTER_DISPOSE',
    });
    await expect(session.run(new Map(), {})).rejects.toMatchObject({
      code: 'CIPHERTEXT_INVALID',
      message: expect.stringContaining('is missing') as string,
    });
    session[Symbol.dispose]();
    await expect(session.run(new Map(), {})).rejects.toMatchObject({ code: 'USE_AFTER_DISPOSE' });
    await expect(
      NativePlan.load(nativeAddon, plan.slice(0, 1000), { plaintextBytes: 0, threads: 1 }),
    ).rejects.toMatchObject({ code: 'PLAN_INVALID' });
  });
});
