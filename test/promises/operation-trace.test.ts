/** P14: what an evaluator does follows from the plan, not from what is encrypted. */
import { beforeAll, expect, test } from 'vitest';
import { ClearEngine } from '../../src/backend/clear/clear-engine.ts';
import type { ClearValue } from '../../src/backend/clear/clear-engine.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { compile } from '../../src/index.ts';
import { programInputs } from '../../src/ir/ckks/program-inputs.ts';
import type { Program } from '../../src/ir/program.ts';
import { pack } from '../../src/layout/layout.ts';
import { mnistCalibration, mnistModel } from '../support/example-networks.ts';
import { randomSource, randomValues } from '../support/random.ts';

let program: Program;
beforeAll(async () => {
  ({ program } = await compile(mnistModel('lola'), { calibration: mnistCalibration() }));
});

/** Every call of the engine with the numbers it was given, and with level and scale of ciphertexts. */
async function trace(image: Float64Array): Promise<string[]> {
  const calls: string[] = [];
  const shown = (value: unknown): string => {
    if (typeof value === 'number') return String(value);
    if (typeof value !== 'object' || value === null) return typeof value;
    if ('slots' in value) {
      const { level, scale, size } = value as ClearValue;
      return `ciphertext ${level} ${scale} ${size}`;
    }
    return 'key' in value ? `constant ${String(value.key)}` : 'object';
  };
  const target = new ClearEngine(program.modulus!);
  const engine = new Proxy(target, {
    get(engineOf, name) {
      const member: unknown = Reflect.get(engineOf, name, engineOf);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): unknown => {
        calls.push(`${String(name)}(${given.map(shown).join(', ')})`);
        return Reflect.apply(member, engineOf, given);
      };
    },
  });
  const prepared = prepareProgram(program);
  const inputs = programInputs(program).map(({ name, value, type }) => {
    const vectors = pack(type.layout, [image]);
    const { level, scale } = prepared.forms[value]!;
    return [name, (index: number) => target.input(vectors[index]!, level, scale)] as const;
  });
  await execute(prepared, engine, new Map(inputs));
  return calls;
}

test('P14: the same operations, in the same order, whatever the input', async () => {
  const pixels = 784;
  const random = randomSource(14);
  const impulse = new Float64Array(pixels);
  impulse[400] = 1;
  const images = [
    new Float64Array(pixels),
    new Float64Array(pixels).fill(1),
    impulse,
    Float64Array.from(randomValues(random, pixels, 0, 1)),
  ];
  const [first, ...others] = await Promise.all(images.map(trace));
  expect(first?.filter((call) => call.startsWith('rotate')).length).toBeGreaterThan(10);
  for (const other of others) expect(other).toEqual(first);
});
