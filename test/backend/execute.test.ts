import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClearEngine, type ClearValue } from '../../src/backend/clear/clear-engine.ts';
import { runClear } from '../../src/backend/clear/run-clear.ts';
import { elementwiseOperations } from '../../src/backend/execute/elementwise.ts';
import { execute, headOperations } from '../../src/backend/execute/execute.ts';
import { executionSteps } from '../../src/backend/execute/execution-steps.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { ckksOps } from '../../src/ir/ckks/index.ts';
import { programInputs } from '../../src/ir/ckks/program-inputs.ts';
import { rotationKeys } from '../../src/ir/ckks/rotation-keys.ts';
import type { Value } from '../../src/ir/define-op.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { mapFromEntries, type LinearMap } from '../../src/ir/linear-map.ts';
import type { LinearMethod } from '../../src/ir/packed/diagonals.ts';
import type { Program } from '../../src/ir/program.ts';
import { verify } from '../../src/ir/verify.ts';
import type { Digit, Layout } from '../../src/layout/layout.ts';
import { checkLayout, pack, zeroUnused } from '../../src/layout/layout.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { batchLayout, denseMap, layoutOf, rowLayout, toyBuilder, toyModulus } from './toy-ckks.ts';

const slots = 64;
const modulus = toyModulus(2 * slots, 4);

/** Run a program on the executor and on the interpreter, and compare every slot. */
async function compare(
  program: Program,
  inputs: ReadonlyMap<string, readonly Float64Array<ArrayBuffer>[]>,
): Promise<ClearEngine> {
  verify(program);
  const prepared = prepareProgram(program);
  const steps = new Set(rotationKeys(program).rotations.map(({ step }) => step));
  const engine = new ClearEngine(modulus, { rotationSteps: steps });
  const forms = new Map(
    programInputs(program).map(({ name, value }) => [name, prepared.forms[value]!]),
  );
  const outputs = await execute(
    prepared,
    engine,
    new Map(
      [...inputs].map(([name, vectors]) => [
        name,
        (index: number): ClearValue => {
          const { level, scale } = forms.get(name)!;
          return engine.input(vectors[index]!, level, scale);
        },
      ]),
    ),
  );
  const expected = interpret(
    program,
    new Map(
      [...inputs].map(([name, vectors]): [string, Value] => [name, { kind: 'vectors', vectors }]),
    ),
  );
  for (const [name, value] of expected) {
    if (value.kind !== 'vectors') throw new Error('vectors are expected');
    const got = outputs.get(name) ?? [];
    expect(got.length).toBe(value.vectors.length);
    value.vectors.forEach((vector, c) => {
      const largest = Math.max(1, ...vector.map(Math.abs));
      vector.forEach((want, slot) => {
        expect(Math.abs(got[c]!.slots[slot]! - want)).toBeLessThan(1e-9 * largest);
      });
    });
    for (const handle of got) engine.dispose(handle);
  }
  expect(engine.liveValues).toBe(0);
  return engine;
}

const powerOfTwo = (low: number, high: number): fc.Arbitrary<number> =>
  fc.integer({ min: low, max: high }).map((log) => 2 ** log);

interface Placing {
  readonly perCiphertext: number;
  readonly gap: number;
  readonly copies: number;
}

/** Elements in several ciphertexts with gaps and copies, beside the images of a batch. */
function mixedLayout(
  elements: number,
  { perCiphertext, gap, copies }: Placing,
  batch: number,
  batchInside: boolean,
): Layout {
  const ciphertexts = Math.ceil(elements / perCiphertext);
  const unit = batchInside ? batch : 1;
  const span = perCiphertext * gap * unit;
  const digits: Digit[] = [
    { of: 1, size: ciphertexts, step: perCiphertext, place: 'ciphertext', stride: 1 },
    { of: 1, size: perCiphertext, step: 1, place: 'slot', stride: gap * unit },
    { of: 'copy', size: copies, step: 0, place: 'slot', stride: span },
    { of: 'batch', size: batch, step: 1, place: 'slot', stride: batchInside ? 1 : slots / batch },
  ];
  return {
    shape: [1, elements],
    slots,
    ciphertexts,
    origin: [0, 0],
    digits: digits.filter(({ size }) => size > 1),
    unused: zeroUnused,
  };
}

const placing = (room: number): fc.Arbitrary<Placing> =>
  fc
    .record({
      perCiphertext: fc.integer({ min: 1, max: 6 }),
      gap: fc.integer({ min: 1, max: 3 }),
      copies: powerOfTwo(0, 2),
    })
    .filter(({ perCiphertext, gap, copies }) => perCiphertext * gap * copies <= room);

const method: fc.Arbitrary<LinearMethod> = fc.record({
  giantStep: fc.constantFrom(0, 1, 2, 3, 4, 7, 8, 16, 64),
  fold: fc.option(
    fc
      .record({ step: fc.constantFrom(1, 2, 4, 8, 16), count: powerOfTwo(1, 3) })
      .filter(({ step, count }) => step * count <= slots),
    { nil: null, freq: 2 },
  ),
});

function randomMap(random: () => number, out: number, input: number, density: number): LinearMap {
  const outs: number[] = [];
  const ins: number[] = [];
  const values: number[] = [];
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < input; i++) {
      // Some entries occur twice: they add up.
      for (let n = 0; n < 2; n++) {
        if (random() >= density / (n + 1)) continue;
        outs.push(o);
        ins.push(i);
        values.push(2 * random() - 1);
      }
    }
  }
  return mapFromEntries([1, input], [1, out], outs, ins, values);
}

describe('executor on the clear engine', () => {
  it('knows every operator of the dialect', () => {
    expect(new Set([...elementwiseOperations, ...headOperations])).toEqual(
      new Set(ckksOps.map(({ name }) => name)),
    );
  });

  it('computes linear maps between any layouts as the interpreter does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          batch: powerOfTwo(0, 2),
          batchInside: fc.boolean(),
          inputs: fc.integer({ min: 1, max: 12 }),
          outputs: fc.integer({ min: 1, max: 12 }),
          from: placing(16),
          to: placing(16),
          method,
          density: fc.constantFrom(0.1, 0.5, 1),
          seed: fc.integer(),
        }),
        async ({ batch, batchInside, inputs, outputs, from, to, method, density, seed }) => {
          const random = randomSource(seed);
          // Unused slots hold anything: diagonals must mask them.
          const input: Layout = {
            ...mixedLayout(inputs, from, batch, batchInside),
            unused: { kind: 'unknown', bound: 1 },
          };
          const output = mixedLayout(outputs, to, batch, batchInside);
          checkLayout(input);
          checkLayout(output);
          const toy = toyBuilder(modulus);
          const x = toy.input('x', input, 3);
          const map = randomMap(random, outputs, inputs, density);
          const y = toy.rescale(toy.linear([x], [map], output, method));
          const images = Array.from({ length: batch }, () => randomValues(random, inputs));
          await compare(
            toy.finish({ y }),
            new Map([['x', pack(input, images, () => 2 * random() - 1)]]),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('runs chains, forks and several operands', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), method, placing(16), async (seed, method, middle) => {
        const random = randomSource(seed);
        const batch = 4;
        const layout = (elements: number, place: Placing): Layout =>
          mixedLayout(elements, place, batch, false);
        const row = { perCiphertext: 5, gap: 1, copies: 1 };
        const input = layout(8, row);
        const hidden = layout(7, middle);
        const toy = toyBuilder(modulus);
        const x = toy.input('x', input, 4);
        const z = toy.input('z', input, 3);
        const random8 = randomValues(random, 8);
        const a = toy.rescale(
          toy.linear(
            [x, x],
            [randomMap(random, 7, 8, 0.5), randomMap(random, 7, 8, 0.5)],
            hidden,
            method,
          ),
        );
        const b = toy.square(toy.addConstant(a, [...randomValues(random, 7)]));
        const c = toy.rescale(toy.linear([b], [randomMap(random, 8, 7, 0.7)], input));
        // A branch that is used three times, at a lower level.
        const d = toy.multiplyConstant(z, [...random8]);
        const e = toy.levelDrop(d, 1);
        const f = toy.builder.add('ckks.sub', [e, c], {});
        const g = toy.builder.add('ckks.add', [f, e], {});
        const h = toy.rescale(
          toy.builder.add('ckks.relinearize', [toy.builder.add('ckks.multiply', [f, g], {})], {}),
        );
        const program = toy.finish({ g, h });
        const vectors = (): Float64Array<ArrayBuffer>[] =>
          pack(
            input,
            Array.from({ length: batch }, () => randomValues(random, 8)),
          );
        await compare(
          program,
          new Map([
            ['x', vectors()],
            ['z', vectors()],
          ]),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('multiplies by numbers in batch layouts, and never rotates', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(slots, 24),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        async (batch, inputs, outputs, seed) => {
          const random = randomSource(seed);
          const toy = toyBuilder(modulus);
          const x = toy.input('x', batchLayout(inputs, slots, batch), 4);
          const to = batchLayout(outputs, slots, batch);
          const a = toy.rescale(toy.linear([x], [randomMap(random, outputs, inputs, 0.6)], to));
          const b = toy.addConstant(toy.square(a), [...randomValues(random, outputs)]);
          const c = toy.rescale(
            toy.linear([b], [randomMap(random, 3, outputs, 0.6)], batchLayout(3, slots, batch)),
          );
          const program = toy.finish({ c });
          expect(rotationKeys(program)).toEqual({ relinearisation: { primes: 4 }, rotations: [] });
          const images = Array.from({ length: batch }, () => randomValues(random, inputs));
          await compare(program, new Map([['x', pack(batchLayout(inputs, slots, batch), images)]]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives zero for a map of zero weights, in any layout', async () => {
    for (const layout of [rowLayout(4, slots), batchLayout(4, slots)]) {
      const toy = toyBuilder(modulus);
      const x = toy.input('x', layout, 2);
      const zero = mapFromEntries([1, 4], [1, 4], [], [], []);
      const y = toy.addConstant(toy.rescale(toy.linear([x], [zero], layout)), [1, 2, 3, 4]);
      await compare(
        toy.finish({ y }),
        new Map([['x', pack(layout, [Float64Array.of(1, 1, 1, 1)])]]),
      );
    }
  });

  it('passes each ciphertext through the whole pipeline before the next is made', async () => {
    const inputs = 20;
    const toy = toyBuilder(modulus);
    const layout = batchLayout(inputs, slots);
    const x = toy.input('x', layout, 4);
    const wide = batchLayout(40, slots);
    // Output o reads inputs o/2 and o/2 + 1 only, as a convolution does.
    const entries = Array.from({ length: 40 }, (_, o) => [
      Math.floor(o / 2),
      Math.min(19, Math.floor(o / 2) + 1),
    ]);
    const map = mapFromEntries(
      [1, inputs],
      [1, 40],
      entries.flatMap((_, o) => [o, o]),
      entries.flat(),
      entries.flatMap(() => [0.5, 0.25]),
    );
    const y = toy.square(toy.rescale(toy.linear([x], [map], wide)));
    const program = toy.finish({ y });
    const steps = executionSteps(program);
    expect(steps.map(({ head, pipeline }) => [head, pipeline.length])).toEqual([
      [0, 0],
      [1, 4],
    ]);
    const engine = await compare(
      program,
      new Map([['x', pack(layout, [Float64Array.from({ length: inputs }, (_, i) => i / 20)])]]),
    );
    // 40 results, inputs freed on the way, and at most three values in flight.
    expect(engine.peakSlots / slots).toBeLessThanOrEqual(40 + 3);
  });

  it('rotates inputs once and holds few of them', async () => {
    const toy = toyBuilder(modulus);
    const layout = rowLayout(16, slots);
    const x = toy.input('x', layout, 2);
    const random = randomSource(5);
    const y = toy.linear([x], [randomMap(random, 16, 16, 1)], layout, { giantStep: 8, fold: null });
    const program = toy.finish({ y });
    const { rotations } = prepareProgram(program).linear.get(y)!;
    // Differences −15 … 15 in steps of eight: 7 babies besides 0, giants −16, −8, 8, 16.
    expect(rotations).toBe(7 + 4);
    expect(rotationKeys(program).rotations.map(({ step }) => step)).toEqual([
      -16, -8, -4, -3, -2, -1, 1, 2, 3, 8, 16,
    ]);
    const engine = await compare(
      program,
      new Map([['x', pack(layout, [randomValues(random, 16)])]]),
    );
    // Input, one rotated, five sums, one rotated sum: fewer than eight rotated inputs.
    expect(engine.peakSlots / slots).toBeLessThanOrEqual(9);
  });

  it('frees everything when it is aborted, and reports progress', async () => {
    const toy = toyBuilder(modulus);
    const layout = batchLayout(60, slots);
    const x = toy.input('x', layout, 4);
    const random = randomSource(1);
    let value = x;
    for (let n = 0; n < 4; n++) {
      value = toy.rescale(toy.linear([value], [randomMap(random, 60, 60, 1)], layout));
    }
    const program = toy.finish({ value });
    const prepared = prepareProgram(program);
    const engine = new ClearEngine(modulus);
    const source = (): ClearValue => engine.input(new Float64Array(slots), 4, 2 ** 40);
    const controller = new AbortController();
    let reports = 0;
    const run = execute(prepared, engine, new Map([['x', source]]), {
      signal: controller.signal,
      onProgress: ({ done, total, node }) => {
        reports++;
        expect(done).toBeLessThan(total);
        expect(node === null || node.startsWith('linear')).toBe(true);
        controller.abort(new Error('enough'));
      },
    });
    // Slow the engine down so that a pause comes.
    const original = engine.multiplyAddInto.bind(engine);
    engine.multiplyAddInto = (...args) => {
      const until = performance.now() + 0.05;
      while (performance.now() < until);
      original(...args);
    };
    await expect(run).rejects.toThrow('enough');
    expect(reports).toBe(1);
    expect(engine.liveValues).toBe(0);
    await expect(
      execute(prepared, engine, new Map([['x', source]]), { signal: controller.signal }),
    ).rejects.toThrow('enough');
    await expect(execute(prepared, engine, new Map())).rejects.toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID' }) as Error,
    );
  });

  it('refuses a value of another level or scale', async () => {
    const toy = toyBuilder(modulus);
    const layout = rowLayout(4, slots);
    const x = toy.input('x', layout, 3);
    const program = toy.finish({ y: toy.square(x) });
    const engine = new ClearEngine(modulus);
    const run = (level: number, scale: number): Promise<unknown> =>
      execute(
        prepareProgram(program),
        engine,
        new Map([['x', () => engine.input(new Float64Array(slots), level, scale)]]),
      );
    await expect(run(2, 2 ** 40)).rejects.toThrow(/level 2.*the plan says 3/);
    await expect(run(3, 2 ** 40 * 1.0001)).rejects.toThrow(/scale/);
    expect(engine.liveValues).toBe(0);
  });
});

describe('runClear', () => {
  it('packs, runs and unpacks images, several a program run', async () => {
    const toy = toyBuilder(modulus);
    const layout = layoutOf(3, slots, [
      { of: 'batch', size: 2, step: 1, place: 'slot', stride: 8 },
      { of: 1, size: 3, step: 1, place: 'slot', stride: 1 },
    ]);
    const x = toy.input('x', layout, 3);
    const matrix = [
      [1, 2, 3],
      [0.5, 0, -1],
      [0, 1, 0],
    ];
    const program = toy.finish({ y: toy.rescale(toy.linear([x], [denseMap(matrix)], layout)) });
    const images = [
      [1, 0, 0],
      [0, 1, 0],
      [1, 1, 1],
    ];
    const prepared = prepareProgram(program);
    const outputs = await runClear(prepared, new Map([['x', images]]));
    expect(outputs.get('y')?.map((image) => [...image])).toEqual([
      [1, 0.5, 0],
      [2, 0, 1],
      [6, -0.5, 1],
    ]);
    const sources = new Set<string>();
    const noisy = await runClear(prepared, new Map([['x', images]]), {
      noise: {
        fresh: () => undefined,
        sum: () => undefined,
        product: (vector, _, plainScale) => {
          sources.add(`product ${Math.sign(plainScale - 1)} ${vector.length}`);
        },
        relinearize: () => undefined,
        rotate: (_, { level }) => {
          sources.add(`rotate ${level}`);
        },
        rescale: (vector, { level }) => {
          sources.add(`rescale ${level}`);
          vector[0]! += 1;
        },
      },
    });
    expect(noisy.get('y')?.map((image) => image[0])).toEqual([2, 2, 7]);
    expect(sources).toContain('rotate 3');
    expect(sources).toContain('rescale 2');
    expect(sources).toContain(`product 1 ${layout.slots}`);
    await expect(runClear(prepared, new Map())).rejects.toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID' }) as Error,
    );
    await expect(runClear(prepared, new Map([['x', [[1]]]]))).rejects.toThrow(/elements/);
  });
});
