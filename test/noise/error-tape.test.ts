/** Deviations of a tape: those of the error engine where slots stay apart, and right where they meet again. */
import { describe, expect, it } from 'vitest';
import { ErrorEngine, deviationsOf } from './error-engine.ts';
import type { NoiseEvaluator } from '../../src/backend/clear/primitive-errors.ts';
import { primitiveErrors } from '../../src/backend/clear/primitive-errors.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import type { Engine } from '../../src/backend/execute/engine.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { programInputs } from '../../src/ir/ckks/program-inputs.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { ErrorTape } from './error-tape.ts';
import { groupsOf } from './primitive-programs.ts';

const ringDegree = 4096;
const slots = ringDegree / 2;

describe('error tape', () => {
  it.each(groupsOf('native'))('$names: as the error engine has it', async ({ names, program }) => {
    const prepared = prepareProgram(program(ringDegree));
    const { modulus } = prepared.program;
    for (const evaluator of ['native', 'seal'] as const satisfies NoiseEvaluator[]) {
      const tape = new ErrorTape(modulus!, evaluator);
      const engine = new ErrorEngine(modulus!, evaluator);
      const run = <C>(
        on: Engine<C>,
        input: (slots: Float64Array<ArrayBuffer>, level: number, scale: number) => C,
      ): Promise<Map<string, readonly C[]>> =>
        execute(
          prepared,
          on,
          new Map(
            programInputs(prepared.program).map(({ name, value }, k) => {
              const { level, scale } = prepared.forms[value]!;
              return [name, () => input(randomValues(randomSource(k), slots), level, scale)];
            }),
          ),
        );
      const followed = await run(tape, (...value) => tape.input(...value));
      const carried = await run(engine, (...value) => engine.input(...value));
      for (const name of names) {
        const [value] = followed.get(name)!;
        const deviations = deviationsOf(carried.get(name)![0]!);
        for (const slot of [0, 1, 777, slots - 1]) {
          // Squares of errors, which the tape leaves out, show where a product is next to zero.
          expect(tape.deviationOf(value!, slot) / deviations[slot]!, name).toBeCloseTo(1, 3);
        }
      }
    }
  });

  it('adds up what comes by two ways from one slot', async () => {
    const modulus = { ringDegree, primes: [1n << 60n, 1n << 40n], specialPrimes: [1n << 60n] };
    const tape = new ErrorTape(modulus, 'native');
    const scale = 2 ** 40;
    const x = tape.input(new Float64Array(slots).fill(1), 1, scale);
    const y = tape.add(x, await tape.rotate(x, 1));
    const z = tape.sub(y, await tape.rotate(y, 1));
    tape.multiplyAddInto(z, y, 3, scale);
    // x₀ + x₁ − (x₁ + x₂) + 3 (x₀ + x₁), and a key switch in x₁, x₂ of each rotation.
    const errors = primitiveErrors(modulus, 'native');
    const [fresh, turned] = [errors.fresh(x), Number(errors.rotate(x))];
    const rounding = 2 ** 2 * errors.encoding(scale, true);
    const variance = (16 + 9 + 1) * fresh + (16 + 1 + 1) * turned + rounding;
    expect(tape.deviationOf(z, 5) ** 2 / variance).toBeCloseTo(1, 12);
    expect(z.slots[5]).toBe(6);
  });
});
