import { describe, expect, it } from 'vitest';
import { groupProducts } from '../../src/ir/ckks/group-products.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { mapFromEntries } from '../../src/ir/linear-map.ts';
import type { LinearMap } from '../../src/ir/linear-map.ts';
import { affineToAttributes } from '../../src/ir/nn/linear.ts';
import { buildProgram } from '../../src/ir/build.ts';
import { methodSchema } from '../../src/ir/packed/linear.ts';
import type { Fold } from '../../src/ir/packed/diagonals.ts';
import type { Attribute, Program } from '../../src/ir/program.ts';
import { verify } from '../../src/ir/verify.ts';
import { pack, unpack, zeroUnused } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import type { PassNote } from '../../src/passes/define-pass.ts';
import lowerLinear from '../../src/passes/lower-linear.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { slotContext } from '../support/slot-programs.ts';

const slots = 256;

/** `size` elements in a row, copied `copies` times, `stride` apart. */
function row(size: number, copies = 1, stride = size): Layout {
  return {
    shape: [1, size],
    slots,
    ciphertexts: 1,
    origin: [0, 0],
    digits: [
      ...(copies > 1
        ? [{ of: 'copy', size: copies, step: 0, place: 'slot', stride } as const]
        : []),
      { of: 1, size, step: 1, place: 'slot', stride: 1 },
    ],
    unused: zeroUnused,
  };
}

function matrix(rows: number, width: number, keep: (o: number, i: number) => boolean): LinearMap {
  const random = randomSource(1);
  const out: number[] = [];
  const input: number[] = [];
  for (let o = 0; o < rows; o++) {
    for (let i = 0; i < width; i++) {
      if (!keep(o, i)) continue;
      out.push(o);
      input.push(i);
    }
  }
  return mapFromEntries(
    [1, width],
    [1, rows],
    out,
    input,
    randomValues(random, out.length, 0.5, 1),
  );
}

function lowered(map: LinearMap, input: Layout, output: Layout, fold: Fold | null = null) {
  const builder = buildProgram('p');
  const layout = (value: Layout): Attribute => value as unknown as Attribute;
  const x = builder.add('packed.input', [], { name: 'x', layout: layout(input), range: [-1, 1] });
  const affine = affineToAttributes(builder, { maps: [map], bias: null }, map.outShape, 'm');
  const method = { giantStep: 0, fold: fold as unknown as Attribute };
  const y = builder.add(
    'packed.linear',
    [x],
    { ...affine, layout: layout(output), method },
    { location: 'm' },
  );
  const before = builder.finish([{ name: 'y', value: y, postprocess: [] }]);
  const notes: PassNote[] = [];
  const after = lowerLinear.run(before, slotContext({}, 2 * slots, notes));
  verify(after);
  const figure = (name: string): number => {
    const note = notes.find((fact) => fact.kind === 'figure' && fact.name === `m ${name}`);
    return note?.kind === 'figure' ? note.value : NaN;
  };
  const chosen = methodSchema.parse(
    after.operations.find(({ op }) => op === 'packed.linear')?.attributes['method'],
  );
  const groups = groupProducts({ maps: [map], bias: null }, [input], output, chosen);
  const used =
    new Set([...groups.baby].filter((step) => step !== 0)).size +
    new Set([...groups.giant].filter((step) => step !== 0)).size +
    (fold === null ? 0 : Math.log2(fold.count));
  expect(sameAnswers(before, after, input, output)).toBe(true);
  return {
    method: chosen,
    rotations: figure('rotations'),
    diagonals: figure('diagonals'),
    used,
    plaintexts: groups.count,
  };
}

function sameAnswers(before: Program, after: Program, input: Layout, output: Layout): boolean {
  const x = randomValues(randomSource(2), input.shape[1] ?? 1);
  const run = (program: Program): number[] => {
    const outputs = interpret(
      program,
      new Map([['x', { kind: 'vectors', vectors: pack(input, [x]) }]]),
    );
    const y = outputs.get('y');
    return y?.kind === 'vectors' ? [...unpack(output, y.vectors)[0]!] : [];
  };
  const [a, b] = [run(before), run(after)];
  return a.every((value, k) => Math.abs(value - b[k]!) < 1e-12);
}

describe('lower-linear', () => {
  it('splits a dense matrix into baby and giant steps: about 2√n rotations', () => {
    const { method, rotations, diagonals, used, plaintexts } = lowered(
      matrix(64, 64, () => true),
      row(64, 4),
      row(64),
    );
    expect(diagonals).toBe(64);
    expect(plaintexts).toBe(64);
    expect(method.giantStep).toBeGreaterThan(1);
    expect(rotations).toBe(used);
    expect(rotations).toBeGreaterThanOrEqual(2 * Math.sqrt(64) - 2);
    expect(rotations).toBeLessThanOrEqual(2 * Math.sqrt(64));
  });

  it('skips zero diagonals', () => {
    const band = lowered(
      matrix(32, 32, (o, i) => Math.abs(o - i) <= 1),
      row(32),
      row(32),
    );
    expect(band.diagonals).toBe(3);
    expect(band.rotations).toBe(2);
    expect(band.used).toBe(2);
  });

  it('needs no rotation for a diagonal matrix', () => {
    const { method, rotations, diagonals } = lowered(
      matrix(32, 32, (o, i) => o === i),
      row(32),
      row(32),
    );
    expect([method.giantStep, rotations, diagonals]).toEqual([0, 0, 1]);
  });

  it('adds partial sums by rotate-and-sum: a narrow matrix takes few diagonals', () => {
    const map = matrix(4, 128, () => true);
    const plain = lowered(map, row(128, 2), row(4));
    const fold = { step: 4, count: slots / 4 };
    const folded = lowered(map, row(128, 2), row(4, slots / 4, 4), fold);
    expect(folded.method.fold).toEqual(fold);
    expect(folded.diagonals).toBeLessThanOrEqual(8);
    expect(plain.diagonals).toBeGreaterThan(100);
    // log2(64) rotations of the fold, and those of a few diagonals.
    expect(folded.rotations).toBeLessThanOrEqual(6 + 7);
    expect(folded.rotations).toBe(folded.used);
    expect(folded.rotations).toBeLessThan(plain.rotations);
  });

  it('copies of the input save rotations', () => {
    const map = matrix(64, 64, () => true);
    expect(lowered(map, row(64, 4), row(64)).diagonals).toBe(64);
    expect(lowered(map, row(64), row(64)).diagonals).toBe(127);
  });
});
