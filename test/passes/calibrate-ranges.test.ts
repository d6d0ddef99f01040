import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import type { PassContext } from '../../src/passes/define-pass.ts';
import calibrateRanges from '../../src/passes/calibrate-ranges.ts';
import { syntheticCount, syntheticInput } from '../../src/passes/ranges/synthetic-inputs.ts';
import { runPass } from '../support/pass-context.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { writeProgram } from '../support/small-programs.ts';

/** Calibration images in [lo, hi]. */
function imagesOf(
  count: number,
  elements: number,
  lo: number,
  hi: number,
): NonNullable<PassContext['calibration']> {
  const random = randomSource(3);
  return new Map([
    ['x', Array.from({ length: count }, () => randomValues(random, elements, lo, hi))],
  ]);
}

/** Squares of sums of squares: the proof grows much faster than what is seen. */
function deep(): Program {
  return writeProgram(({ input, dense, polynomial }) => {
    let x = input([1, 16], [-1, 1]);
    for (let n = 0; n < 3; n++) x = polynomial(dense(x, 16, 16), [0, 0, 0.05]);
    return [dense(x, 16, 2)];
  });
}

const wide = { lo: -1, hi: 1 };

describe('calibrate-ranges', () => {
  it('keeps a proof that is at most 4 times what is seen', () => {
    const before = writeProgram(({ input, dense }) => [dense(input([1, 2]), 2, 2)]);
    const { program, warnings } = runPass(calibrateRanges, before, {}, imagesOf(64, 2, 0, 1));
    expect(program.operations[1]!.type.range).toEqual(before.operations[1]!.type.range);
    expect(warnings).toEqual([]);
  });

  it('trusts no data that holds one number throughout', () => {
    const before = writeProgram(({ input, add, constant }) => [
      add('nn.scale', [input([1, 2], [-100, 100])], { factor: constant([], [3]) }),
    ]);
    const { program, warnings } = runPass(calibrateRanges, before, {}, imagesOf(64, 2, 0.5, 0.5));
    expect(warnings).toMatchObject([{ id: 'CALIBRATION_CONSTANT', node: 'x' }]);
    expect(warnings[0]!.message).toContain('the margin is 8');
    expect(program.operations[1]!.type.range).toMatchObject({ hi: 1.5 * 8, source: 'calibrated' });
  });

  it.each([
    { count: 64, margin: 2, warnings: [] },
    { count: 8, margin: 3, warnings: ['CALIBRATION_SMALL'] },
  ])(
    'narrows a useless proof to $margin times what $count images show',
    ({ count, margin, warnings: ids }) => {
      const before = writeProgram(({ input, add, polynomial, constant }) => {
        const x = add('nn.scale', [input([1, 4], [-100, 100])], { factor: constant([], [3]) });
        return [polynomial(x, [0, 0, 1])];
      });
      const calibration = imagesOf(count, 4, 0.5, 1);
      calibration.get('x')![0]!.set([1, 0.5, 0.5, 0.5]);
      const { program, warnings } = runPass(calibrateRanges, before, {}, calibration);
      expect(warnings.map(({ id }) => id)).toEqual(ids);
      const [, scaled, squared] = program.operations.map(({ type }) => type.range!);
      // Seen: 1.5 … 3, then 2.25 … 9; widened on both sides by (margin − 1) times the magnitude.
      expect(scaled).toMatchObject({ hi: 3 * margin, source: 'calibrated' });
      expect(scaled!.lo).toBeCloseTo(1.5 - 3 * (margin - 1), 12);
      // The square of a calibrated value cannot be negative, whatever the margin.
      expect(squared).toEqual({ lo: 0, hi: 9 * margin, source: 'calibrated' });
      // What is declared stays as it is.
      expect(program.operations[0]!.type.range).toMatchObject({
        lo: -100,
        hi: 100,
        source: 'declared',
      });
    },
  );

  it('bounds a deep program, where the proof alone is useless', () => {
    const before = deep();
    const last = before.operations.at(-1)!.type.range!;
    const { program } = runPass(calibrateRanges, before, {}, imagesOf(64, 16, -1, 1));
    const range = program.operations.at(-1)!.type.range!;
    expect(range.source).toBe('calibrated');
    expect(range.hi - range.lo).toBeLessThan((last.hi - last.lo) / 16);
  });

  it('uses synthetic inputs inside the declared box for want of others, and says so', () => {
    const { program, warnings, notes } = runPass(calibrateRanges, deep());
    expect(warnings.map(({ id }) => id)).toEqual(['CALIBRATION_SYNTHETIC']);
    expect(notes).toContainEqual({
      kind: 'figure',
      name: 'calibrationImages',
      value: syntheticCount,
    });
    expect(program.operations.at(-1)!.type.range!.source).toBe('calibrated');
    const again = runPass(calibrateRanges, deep()).program;
    expect(again.operations.map(({ type }) => type)).toEqual(
      program.operations.map(({ type }) => type),
    );
  });

  it('gives the same synthetic inputs each time, both ends of the range among them', () => {
    const shape = [1, 3, 8, 8];
    const imagesOf = (input: number) =>
      Array.from({ length: syntheticCount }, (_, n) => syntheticInput(shape, [-2, 5], input, n));
    const images = imagesOf(0);
    expect(images).toEqual(imagesOf(0));
    expect(images.every((image) => image.every((x) => x >= -2 && x <= 5))).toBe(true);
    expect(images.some((image) => image.every((x) => x === -2))).toBe(true);
    expect(images.some((image) => image.every((x) => x === 5))).toBe(true);
    // No image stands twice, and another input gets others.
    expect(new Set(images.map((image) => image.join())).size).toBeGreaterThan(syntheticCount - 8);
    expect(imagesOf(1).at(-1)).not.toEqual(images.at(-1));
  });

  it('keeps the proof of a value that was always zero', () => {
    const before = writeProgram(({ input, add, constant }) => [
      add('nn.scale', [input([1, 4], [-1, 1])], { factor: constant([], [2]) }),
    ]);
    const zeros = new Map([['x', Array.from({ length: 40 }, () => new Float64Array(4))]]);
    const { program } = runPass(calibrateRanges, before, {}, zeros);
    expect(program.operations[1]!.type.range).toEqual({ lo: -2, hi: 2, source: 'proved' });
  });

  it('refuses useless proofs under requireRangeProof, all of them, and narrows nothing', () => {
    const before = writeProgram(({ input, dense, polynomial }) => {
      let x = dense(input([1, 16], [-8, 8]), 16, 16);
      for (let n = 0; n < 3; n++) x = dense(polynomial(x, [0, 0, 1]), 16, 16);
      return [x];
    });
    const small = imagesOf(64, 16, -0.1, 0.1);
    expect(() => runPass(calibrateRanges, before, { requireRangeProof: true }, small)).toThrow(
      expect.objectContaining({
        code: 'RANGE_UNPROVED',
        message: expect.stringContaining('dense6') as string,
      }),
    );
    const shallow = writeProgram(({ input, dense }) => [
      dense(input([1, 2], [wide.lo, wide.hi]), 2, 2),
    ]);
    const { program, warnings } = runPass(calibrateRanges, shallow, { requireRangeProof: true });
    expect(program.operations[1]!.type.range!.source).toBe('proved');
    expect(warnings).toEqual([]);
  });

  it('refuses calibration data that does not fit', () => {
    const before = writeProgram(({ input, dense }) => [dense(input([1, 2]), 2, 2)]);
    const calibrations = [imagesOf(2, 3, 0, 1), new Map([['z', []]]), new Map([['x', []]])];
    for (const calibration of calibrations) {
      expect(() => runPass(calibrateRanges, before, {}, calibration)).toThrow(
        expect.objectContaining({ code: 'INPUT_INVALID', node: 'x' }),
      );
    }
  });
});
