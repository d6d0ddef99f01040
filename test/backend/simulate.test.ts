/** Simulated noise: seeded, as large as the error engine says; escapes counted and predicted. */
import { describe, expect, it } from 'vitest';
import { ErrorEngine, deviationsOf } from '../../src/backend/clear/error-engine.ts';
import { countEscapes } from '../../src/backend/clear/range-escapes.ts';
import { runClear } from '../../src/backend/clear/run-clear.ts';
import { simulate } from '../../src/backend/clear/simulate.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { buildProgram } from '../../src/ir/build.ts';
import type { Attribute } from '../../src/ir/program.ts';
import { primitives } from '../noise/primitive-programs.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { smallLayout } from '../support/slot-programs.ts';

const ringDegree = 4096;
const slots = ringDegree / 2;
const seeds = 8;

describe('simulate', () => {
  const images = new Map(
    ['x', 'y'].map((name, k) => [name, [randomValues(randomSource(k), slots)]] as const),
  );

  it.each(primitives)('$name: errors as large as predicted', async ({ program }) => {
    const prepared = prepareProgram(program(ringDegree));
    const { modulus, operations } = prepared.program;
    const clear = await runClear(prepared, images);
    const [exact = new Float64Array()] = clear.get('y') ?? [];
    for (const evaluator of ['native', 'seal'] as const) {
      const engine = new ErrorEngine(modulus!, evaluator);
      const sources = new Map(
        [...images].map(([name, [image]]) => [
          name,
          () => engine.input(image, prepared.forms[0]!.level, prepared.forms[0]!.scale),
        ]),
      );
      const [expected] = (await execute(prepared, engine, sources)).get('y') ?? [];
      const deviations = deviationsOf(expected!);
      let squares = 0;
      for (let seed = 0; seed < seeds; seed++) {
        const { outputs } = await simulate(prepared, images, { seed, evaluator });
        const [noisy = new Float64Array()] = outputs.get('y') ?? [];
        for (let slot = 0; slot < slots; slot++) {
          squares += ((noisy[slot]! - exact[slot]!) / deviations[slot]!) ** 2;
        }
      }
      // The fourth power of s(ζ) weighs few slots; s² makes the mean of these hardest to meet.
      const rms = Math.sqrt(squares / (seeds * slots));
      expect(rms, `${evaluator}, ${operations.length} operations`).toBeGreaterThan(0.9);
      expect(rms).toBeLessThan(1.1);
    }
  });

  it('gives the same results for the same seed, others for another', async () => {
    const prepared = prepareProgram(
      primitives.find(({ name }) => name === 'rescale')!.program(1024 * 4),
    );
    const run = async (seed: number): Promise<number[]> => {
      const { outputs } = await simulate(prepared, images, { seed });
      return [...(outputs.get('y')?.[0] ?? [])];
    };
    expect(await run(3)).toEqual(await run(3));
    expect(await run(3)).not.toEqual(await run(4));
  });
});

describe('range escapes', () => {
  const builder = buildProgram('escapes');
  const x = builder.add('ckks.input', [], {
    name: 'x',
    layout: smallLayout as unknown as Attribute,
    range: [-4, 4],
    level: 1,
    scale: '1024',
  });
  const program = builder.finish([{ name: 'y', value: x, postprocess: [] }]);
  const random = randomSource(5);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const gauss = (deviation: number, count: number): Float64Array =>
    Float64Array.from({ length: count }, () => deviation * normal());

  it('counts elements and images outside', () => {
    const counter = countEscapes(program, new Map([['relu', x]]));
    const images = [
      [0, 1, -4, 4],
      [5, 0, -6, 1],
    ].map((image) => Float64Array.from(image));
    expect(counter.count('relu', images)).toEqual([false, true]);
    expect(counter.result()).toMatchObject([
      {
        node: 'relu',
        range: [-4, 4],
        elements: 8,
        escaped: 2,
        images: 2,
        escapedImages: 1,
        farthest: 1.5,
      },
    ]);
  });

  it('predicts what is too rare to count, on the high side', () => {
    const counter = countEscapes(program, new Map([['relu', x]]));
    // Four deviations: 6.3e-5, of which 2,000 elements show none or one.
    counter.count('relu', [gauss(1, 2000)]);
    const [{ predicted } = { predicted: NaN }] = counter.result();
    expect(predicted).toBeGreaterThan(6.3e-5 / 4);
    expect(predicted).toBeLessThan(6.3e-5 * 40);
  });

  it('agrees with the count where there is much to count', () => {
    const counter = countEscapes(program, new Map([['relu', x]]));
    counter.count('relu', [gauss(3, 20_000)]);
    const [result] = counter.result();
    expect(result!.predicted).toBeCloseTo(result!.escaped / 20_000, 3);
  });
});
