import { describe, expect, it } from 'vitest';
import { ClearEngine } from '../../src/backend/clear/clear-engine.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import { measureMemory } from '../../src/backend/execute/measure-memory.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { workingSet, workingSetLimit } from '../../src/backend/seal/working-set.ts';
import { programInputs } from '../../src/ir/ckks/program-inputs.ts';
import type { Program } from '../../src/ir/program.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { batchLayout, denseMap, rowLayout, toyBuilder, toyModulus } from './toy-ckks.ts';

const slots = 512;
const modulus = toyModulus(2 * slots, 4);
/** Bytes of one polynomial modulo one prime. */
const residue = 2 * slots * 8;

/** The most ciphertexts the clear engine held. */
async function mostValues(program: Program): Promise<number> {
  const engine = new ClearEngine(modulus);
  const prepared = prepareProgram(program);
  const inputs = new Map(
    programInputs(program).map(({ name, value }) => {
      const { level, scale } = prepared.forms[value]!;
      return [name, () => engine.input(new Float64Array(slots), level, scale)];
    }),
  );
  await execute(prepared, engine, inputs);
  return engine.peakSlots / slots;
}

describe('memory of a run', () => {
  it('is that of the values alive at once', async () => {
    const toy = toyBuilder(modulus);
    const x = toy.input('x', rowLayout(4, slots), 4);
    const program = toy.finish({ y: toy.square(x) });
    // Input and product; then product and relinearised; then relinearised and rescaled.
    expect(await measureMemory(prepareProgram(program))).toBe((2 + 3) * 5 * residue);
  });

  it('does not grow with the length of a pipeline, only with what it leaves', async () => {
    const layout = batchLayout(30, slots);
    const toy = toyBuilder(modulus);
    const x = toy.input('x', layout, 4);
    const y = toy.square(toy.square(toy.square(x)));
    const program = toy.finish({ y });
    // The input passes at once: 29 results of two primes, and the two largest values in flight.
    expect(await measureMemory(prepareProgram(program))).toBe((29 * 2 * 2 + (2 + 3) * 5) * residue);
    expect(await mostValues(program)).toBe(31);
  });

  it('skips inputs that nothing reads', async () => {
    const toy = toyBuilder(modulus);
    const x = toy.input('x', rowLayout(4, slots), 2);
    toy.input('unread', batchLayout(100, slots), 4);
    const program = toy.finish({ y: toy.rescale(toy.multiplyConstant(x, [0.5])) });
    expect(await measureMemory(prepareProgram(program))).toBe(4 * 3 * residue);
  });

  it('is shared out between ciphertexts, keys and constants, up to what WebAssembly holds', async () => {
    const random = randomSource(1);
    const toy = toyBuilder(modulus);
    const layout = rowLayout(32, slots);
    const x = toy.input('x', layout, 4);
    const dense = denseMap(Array.from({ length: 32 }, () => [...randomValues(random, 32)]));
    const y = toy.linear([x], [dense], layout, { giantStep: 8, fold: null });
    const prepared = prepareProgram(toy.finish({ y }));
    const key = 5 * 6 * 2 * residue;
    const memory = await workingSet(prepared);
    expect(memory.ciphertextBytes).toBe(await measureMemory(prepared));
    expect(memory.keyBytes).toBe(prepared.keys.rotations.length * key);
    expect(memory.keyCapBytes).toBeGreaterThanOrEqual(memory.keyBytes);
    expect(
      memory.ciphertextBytes + memory.keyCapBytes + memory.plaintextCapBytes,
    ).toBeLessThanOrEqual(workingSetLimit);
    expect((await workingSet(prepared, 3 * key)).keyCapBytes).toBe(3 * key);
    await expect(workingSet(prepared, key - 1)).rejects.toThrow(
      expect.objectContaining({ code: 'RESOURCE_LIMIT', exit: 7 }) as Error,
    );
  });
});
