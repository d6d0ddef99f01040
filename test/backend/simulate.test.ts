/** Simulated noise: seeded, as large as the error engine says; escapes counted and predicted. */
import { describe, expect, it } from 'vitest';
import { ErrorEngine, deviationsOf } from '../noise/error-engine.ts';
import { countEscapes } from '../../src/backend/clear/range-escapes.ts';
import { runClear } from '../../src/backend/clear/run-clear.ts';
import { simulate } from '../../src/backend/clear/simulate.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import type { PreparedProgram } from '../../src/backend/execute/prepare-program.ts';
import { programInputs } from '../../src/ir/ckks/program-inputs.ts';
import { buildProgram } from '../../src/ir/build.ts';
import type { Attribute } from '../../src/ir/program.ts';
import { groupsOf } from '../noise/primitive-programs.ts';
import { normalNumber, randomSource, randomValues } from '../support/random.ts';
import { smallLayout } from '../support/slot-programs.ts';

const ringDegree = 4096;
const slots = ringDegree / 2;
const seeds = 8;

describe('simulate', () => {
  const groups = groupsOf('native');
  const imagesOf = (prepared: PreparedProgram): Map<string, Float64Array<ArrayBuffer>[]> =>
    new Map(
      programInputs(prepared.program).map(({ name }, k) => [
        name,
        [randomValues(randomSource(k), slots)],
      ]),
    );

  it.each(groups)('$names: errors as large as predicted', async ({ names, program }) => {
    const prepared = prepareProgram(program(ringDegree));
    const images = imagesOf(prepared);
    const clear = await runClear(prepared, images);
    for (const evaluator of ['native', 'seal'] as const) {
      const engine = new ErrorEngine(prepared.program.modulus!, evaluator);
      const sources = new Map(
        programInputs(prepared.program).map(({ name, value }) => {
          const { level, scale } = prepared.forms[value]!;
          return [name, () => engine.input(images.get(name)![0]!, level, scale)] as const;
        }),
      );
      const expected = await execute(prepared, engine, sources);
      const squares = new Map(names.map((name) => [name, 0]));
      for (let seed = 0; seed < seeds; seed++) {
        const { outputs } = await simulate(prepared, images, { seed, evaluator });
        for (const name of names) {
          const [exact, noisy] = [clear, outputs].map((results) => results.get(name)![0]!);
          const sum = deviationsOf(expected.get(name)![0]!).reduce(
            (total, own, slot) => total + ((noisy![slot]! - exact![slot]!) / own) ** 2,
            0,
          );
          squares.set(name, squares.get(name)! + sum);
        }
      }
      // The fourth power of s(ζ) weighs few slots; s² makes the mean of these hardest to meet.
      for (const [name, sum] of squares) {
        const rms = Math.sqrt(sum / (seeds * slots));
        expect(rms, `${evaluator}, ${name}`).toBeGreaterThan(0.9);
        expect(rms, `${evaluator}, ${name}`).toBeLessThan(1.1);
      }
    }
  });

  it('gives the same results for the same seed, others for another', async () => {
    const prepared = prepareProgram(
      groups.find(({ names }) => names.includes('rescale'))!.program(ringDegree),
    );
    const images = imagesOf(prepared);
    const run = async (seed: number): Promise<number[]> => {
      const { outputs } = await simulate(prepared, images, { seed });
      return [...(outputs.get('rescale')?.[0] ?? [])];
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
  const gauss = (deviation: number, count: number): Float64Array =>
    Float64Array.from({ length: count }, () => deviation * normalNumber(random));

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
