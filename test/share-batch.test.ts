/** How a batch is shared out to executions, and what memory makes of a plan. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile } from '../src/compile.ts';
import type { CompiledModel } from '../src/compile.ts';
import { encodingSeconds, noConstants, profiles } from '../src/passes/cost/profile.ts';
import type { CompileOptions } from '../src/passes/options.ts';
import { readNpy } from '../src/read-npy.ts';

const examples = path.join(import.meta.dirname, '../examples/mnist');

const digits = readNpy(readFileSync(path.join(examples, 'calibration.npy')));
const calibration = new Map([
  [
    'image',
    Array.from({ length: digits.data.length / 784 }, (_, n) =>
      Float64Array.from(digits.data.subarray(784 * n, 784 * (n + 1))),
    ),
  ],
]);

async function plan(name: string, options: Partial<CompileOptions>): Promise<CompiledModel> {
  const bytes = readFileSync(path.join(examples, `${name}.onnx`));
  return compile({ bytes, name }, { calibration, options: { target: 'native', ...options } });
}

const seconds = ({ report }: CompiledModel): number => report.modelledSeconds ?? NaN;

describe('a batch', () => {
  it('is done in two executions of a smaller ring where one would fill a larger', async () => {
    const stages: number[] = [];
    const bytes = readFileSync(path.join(examples, 'lola.onnx'));
    const shared = await compile(
      { bytes, name: 'lola' },
      {
        calibration,
        options: { target: 'native', batch: 8192 },
        afterPass: ({ name }, _, index) => {
          if (name === 'schedule') stages.push(index);
        },
      },
    );
    expect(shared.report).toMatchObject({ batch: 4096, parameters: { ringDegree: 8192 } });
    // Programs of the other tries are not shown.
    expect(stages).toHaveLength(1);
    const whole = await plan('lola', { batch: 8192, packing: 'feature-major' });
    expect(whole.report).toMatchObject({ batch: 8192, parameters: { ringDegree: 16384 } });
    expect(2 * seconds(shared)).toBeLessThan(seconds(whole));
  });

  it('that fills the slots has a larger ring where that alone has room for shared rescales', async () => {
    const rough = { objective: 'throughput', precisionBits: 10 } as const;
    const chosen = await plan('lola', rough);
    expect(chosen.report).toMatchObject({ batch: 8192, parameters: { ringDegree: 16384 } });
    expect(chosen.report.precisionBits).toBeGreaterThanOrEqual(10);
    const smaller = await plan('lola', { ...rough, ringDegree: 8192 });
    expect(smaller.report.batch).toBe(4096);
    expect(seconds(chosen)).toBeLessThan(2 * seconds(smaller));
    // With 12 bits the weights have too few beside the waterline.
    const precise = await plan('lola', { objective: 'throughput' });
    expect(precise.report).toMatchObject({ batch: 4096, parameters: { ringDegree: 8192 } });
  });

  it('has a feature a ciphertext where interleaved images need more constants than are kept', async () => {
    const { report } = await plan('mlp', { batch: 4096 });
    // Squares of arguments up to 4 are precise enough there.
    expect(report).toMatchObject({
      batch: 4096,
      rotationKeys: 0,
      parameters: { ringDegree: 8192 },
    });
    const bytes = Object.values<number>({ ...report.nativeMemory });
    expect(bytes.reduce((a, b) => a + b, 0)).toBeLessThan(profiles.native.memoryBytes);
  });

  it('is done four by four where one execution for all, and for an eighth of it, take longer', async () => {
    const { report } = await plan('lenet', { batch: 256 });
    expect(report).toMatchObject({ batch: 4, parameters: { ringDegree: 16384 } });
  }, 120_000);

  it('is done at once from where that is faster, though executions of eight are possible', async () => {
    const { report } = await plan('lenet', { batch: 512 });
    expect(report).toMatchObject({ batch: 512, rotationKeys: 0 });
  }, 120_000);

  it('of one image is never slower than one of eight', async () => {
    const [one, eight] = [await plan('mlp', {}), await plan('mlp', { batch: 8 })];
    expect(one.report.batch).toBe(1);
    expect(seconds(one)).toBeLessThanOrEqual(seconds(eight));
  });

  it('takes longer with less memory for constants', async () => {
    const free = await plan('mlp', { batch: 64, packing: 'interleaved' });
    const { plaintextBytes, ...rest } = free.report.nativeMemory;
    const least = Object.values<number>(rest).reduce((a, b) => a + b, 0);
    const tight = await plan('mlp', {
      batch: 64,
      packing: 'interleaved',
      maxMemoryBytes: Math.ceil(least + plaintextBytes / 2),
    });
    expect(seconds(tight)).toBeGreaterThan(1.5 * seconds(free));
  });
});

describe('constants that are not kept', () => {
  const amounts = fc.record({
    bytes: fc.integer({ min: 1, max: 1e6 }),
    earlier: fc.nat(1e6),
    kept: fc.nat(1e6),
  });

  it('are encoded in every execution, first come, first kept', () => {
    const of = (bytes: number, earlier: number, keptBytes: number): number =>
      encodingSeconds({ bytes, seconds: bytes }, earlier, { keptBytes });
    fc.assert(
      fc.property(amounts, fc.double({ min: 0, max: 1, noNaN: true }), (amount, share) => {
        const { bytes, earlier, kept } = amount;
        const all = of(bytes, earlier, kept);
        if (earlier + bytes <= kept) expect(all).toBe(0);
        if (earlier >= kept) expect(all).toBeCloseTo(of(bytes, 0, 0), 6);
        // Two maps one after the other cost what one of both does.
        const first = Math.floor(share * bytes);
        const apart = of(first, earlier, kept) + of(bytes - first, earlier + first, kept);
        expect(apart).toBeCloseTo(all, 6);
      }),
      { numRuns: 500, seed: 1 },
    );
    expect(encodingSeconds(noConstants, 1, { keptBytes: 0 })).toBe(0);
  });
});
