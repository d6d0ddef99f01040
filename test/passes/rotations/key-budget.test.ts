/** Keys under a budget: the same answers with fewer keys, and plans that keep to it. */
import { describe, expect, it } from 'vitest';
import { runClear } from '../../../src/backend/clear/run-clear.ts';
import { prepareProgram } from '../../../src/backend/execute/prepare-program.ts';
import { compile } from '../../../src/compile.ts';
import type { CompiledModel } from '../../../src/compile.ts';
import { CipherloomError } from '../../../src/errors.ts';
import { defineProgram } from '../../../src/frontend/dsl/index.ts';
import type { CompileOptions } from '../../../src/passes/options.ts';
import { methodSchema } from '../../../src/ir/packed/linear.ts';
import { randomSource, randomValues } from '../../support/random.ts';

function weights(rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => Math.cos(i + 3 * j + 1) / rows),
  );
}

const network = defineProgram('network', ({ input }) => {
  const x = input('x', [200], { range: [-1, 1] });
  return { y: x.dense(weights(200, 90)).square().dense(weights(90, 10)) };
});

/** With partial sums the layers have few keys from the start. */
const linearMethod = 'diagonals';

const plans = new Map<string, Promise<CompiledModel>>();

function plan(
  target: CompileOptions['target'],
  maxKeyBytes: number | null,
): Promise<CompiledModel> {
  const key = `${target} ${String(maxKeyBytes)}`;
  const known =
    plans.get(key) ??
    compile(network, { options: { precisionBits: 6, target, linearMethod, maxKeyBytes } });
  plans.set(key, known);
  return known;
}

async function answers({ program }: CompiledModel): Promise<Float64Array[]> {
  const random = randomSource(5);
  const images = Array.from({ length: 2 }, () => randomValues(random, 200, -1, 1));
  const found = await runClear(prepareProgram(program), new Map([['x', images]]));
  return found.get('y') ?? [];
}

const compositions = ({ program }: CompiledModel): number =>
  program.operations
    .filter(({ op }) => op === 'ckks.linear')
    .flatMap(({ attributes }) => {
      const { compositions: made } = methodSchema.parse(attributes['method']);
      return made === undefined ? [] : Object.values(made).flat();
    }).length;

describe.each(['portable', 'native'] as const)('--max-key-bytes, %s', (target) => {
  it('leaves a plan as it is whose keys fit', async () => {
    const free = await plan(target, null);
    const fitting = await plan(target, free.report.keyBytes);
    expect(fitting.planHash).toBe(free.planHash);
    expect(compositions(free)).toBe(0);
  });

  it.each([1 / 2, 1 / 3])('keeps to %d of the keys, with the same answers', async (share) => {
    const free = await plan(target, null);
    const budget = Math.floor(share * free.report.keyBytes);
    const small = await plan(target, budget);
    expect(small.report.keyBytes).toBeLessThanOrEqual(budget);
    // More special primes make smaller keys, where an evaluator knows them.
    if (small.client.parameters.specialPrimes.length === 1) {
      expect(small.rotations.length).toBeLessThan(free.rotations.length);
      expect(compositions(small)).toBeGreaterThan(0);
    }
    expect(small.client.precisionBits).toBeGreaterThanOrEqual(6);
    const [want, got] = [await answers(free), await answers(small)];
    for (const [image, values] of want.entries()) {
      values.forEach((value, k) => {
        expect(got[image]?.[k]).toBeCloseTo(value, 9);
      });
    }
  });

  it('costs more the fewer bytes there are', async () => {
    const free = await plan(target, null);
    const shares = [1 / 2, 1 / 3].map((share) =>
      plan(target, Math.floor(share * free.report.keyBytes)),
    );
    const [half, third] = (await Promise.all(shares)).map(
      ({ report }) => report.modelledSeconds ?? 0,
    );
    expect(half).toBeLessThanOrEqual(third ?? 0);
    expect(half).toBeLessThan(2 * (free.report.modelledSeconds ?? 0));
    expect(free.report.keyBudget).toBeNull();
    const { report } = await plan(target, Math.floor(free.report.keyBytes / 2));
    expect(report.keyBudget).toMatchObject({
      budgetBytes: Math.floor(free.report.keyBytes / 2),
      unlimitedKeyBytes: free.report.keyBytes,
      unlimitedRotationKeys: free.report.rotationKeys,
    });
    const slowdown = (half ?? 0) / (free.report.modelledSeconds ?? NaN);
    // Planned with all constants kept, reported with what is kept of them.
    expect(report.keyBudget?.slowdown).toBeCloseTo(slowdown, 2);
  });

  it('refuses what cannot be, naming what can', async () => {
    const refused: unknown = await plan(target, 1000).catch((error: unknown) => error);
    if (!(refused instanceof CipherloomError)) throw refused;
    expect(refused).toMatchObject({ code: 'KEYS_TOO_LARGE', details: { maxKeyBytes: 1000 } });
    const { keyBytes } = refused.details;
    const least = await plan(target, Number(keyBytes));
    expect(least.report.keyBytes).toBe(keyBytes);
    const [want, got] = [await answers(await plan(target, null)), await answers(least)];
    expect(got[0]?.[3]).toBeCloseTo(want[0]?.[3] ?? NaN, 9);
  });

  it('takes the same plan every time', async () => {
    const { report, planHash } = await plan(target, null);
    const maxKeyBytes = Math.floor(report.keyBytes / 2);
    const options = { precisionBits: 6, target, linearMethod, maxKeyBytes } as const;
    const again = await compile(network, { options });
    expect(again.planHash).toBe((await plan(target, maxKeyBytes)).planHash);
    expect(again.planHash).not.toBe(planHash);
  });
});
