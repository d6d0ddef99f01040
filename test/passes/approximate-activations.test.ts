import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/ir/define-op.ts';
import { interpret } from '../../src/ir/interpret.ts';
import type { Attributes, Program } from '../../src/ir/program.ts';
import { tensorBounds } from '../../src/ir/tensor.ts';
import approximateActivations from '../../src/passes/approximate-activations.ts';
import calibrateRanges from '../../src/passes/calibrate-ranges.ts';
import { fitPolynomial } from '../../src/passes/polynomial/least-squares.ts';
import { calibrationOf } from '../support/calibration.ts';
import type { Calibration } from '../support/calibration.ts';
import { runPass } from '../support/pass-context.ts';
import { opsOf, polynomialsOf, writeProgram } from '../support/small-programs.ts';

function activated(name: string, parameters: Attributes = {}, layers = 1): Program {
  return writeProgram(({ input, dense, add }) => {
    let x = dense(input([1, 8], [-1, 1]), 8, 8);
    for (let n = 0; n < layers; n++)
      x = dense(add('nn.activation', [x], { function: name, parameters }), 8, 8);
    return [x];
  });
}

/** Calibrate, then approximate. */
function approximated(
  before: Program,
  calibration: Calibration | null,
  options: { activationDegree?: number; inputRangeGiven?: boolean } = {},
): ReturnType<typeof runPass> {
  const { program } = runPass(calibrateRanges, before, options, calibration);
  return runPass(approximateActivations, program, options, calibration);
}

describe('approximate-activations', () => {
  it.each([
    { name: 'relu', parameters: {}, degree: 4, bound: 0.1 },
    { name: 'leakyRelu', parameters: { slope: 0.1 }, degree: 4, bound: 0.1 },
    { name: 'sigmoid', parameters: {}, degree: 5, bound: 1e-2 },
    { name: 'tanh', parameters: {}, degree: 7, bound: 3e-2 },
  ])('replaces $name within the error it reports', ({ name, parameters, degree, bound }) => {
    const before = activated(name, parameters);
    const { calibration, inputs } = calibrationOf(before, 64);
    const { program, notes } = approximated(before, calibration, { activationDegree: degree });
    expect(opsOf(program)).toEqual(['input', 'dense', 'polynomial', 'dense']);
    const [note] = notes;
    expect(note).toMatchObject({ kind: 'approximation', node: 'activation1', op: name, degree });
    // Measured here again, from the values of both programs.
    const seen = (of: Program, image: Map<string, Value>): Float64Array => {
      let data = new Float64Array();
      interpret(of, image, {
        observe: (id, _, value) => {
          if (id === 2 && value.kind === 'tensor') data = value.tensor.data;
        },
      });
      return data;
    };
    let worst = 0;
    let squares = 0;
    for (const image of inputs) {
      const [want, got] = [seen(before, image), seen(program, image)];
      want.forEach((x, n) => {
        worst = Math.max(worst, Math.abs(x - got[n]!));
        squares += (x - got[n]!) ** 2 / (want.length * inputs.length);
      });
    }
    const { maxError, rmsError } = note as { maxError: number; rmsError: number };
    expect(maxError).toBeCloseTo(worst, 9);
    expect(rmsError).toBeCloseTo(Math.sqrt(squares), 9);
    expect(rmsError).toBeLessThan(bound);
  });

  it('bounds what follows by the polynomials, not by the exact functions', () => {
    const before = activated('relu', {}, 3);
    const { calibration, inputs } = calibrationOf(before, 64);
    const { program } = approximated(before, calibration, { activationDegree: 2 });
    // A polynomial goes below zero where ReLU does not; every value seen is inside its range.
    const firstPolynomial = program.operations[2]!;
    expect(firstPolynomial.type.range!.lo).toBeLessThan(0);
    for (const image of inputs) {
      interpret(program, image, {
        observe: (_, { type: { range } }, value) => {
          if (value.kind !== 'tensor') return;
          const [lo, hi] = tensorBounds(value.tensor);
          expect(lo).toBeGreaterThanOrEqual(range!.lo - 1e-12);
          expect(hi).toBeLessThanOrEqual(range!.hi + 1e-12);
        },
      });
    }
  });

  it('fits later activations to what the earlier polynomials give', () => {
    const before = activated('relu', {}, 2);
    const { calibration } = calibrationOf(before, 64);
    const { notes } = approximated(before, calibration, { activationDegree: 2 });
    const alone = approximated(before, calibration, { activationDegree: 8 });
    const rangeOf = (of: typeof notes): unknown =>
      of.flatMap((note) => (note.kind === 'approximation' ? [note.range] : []))[1];
    expect(rangeOf(notes)).not.toEqual(rangeOf(alone.notes));
  });

  it('finds that ReLU of what is never negative is the identity', () => {
    const before = writeProgram(({ input, add }) => [
      add('nn.activation', [input([1, 8], [0, 1])], { function: 'relu', parameters: {} }),
    ]);
    const { calibration } = calibrationOf(before, 64);
    const { program } = approximated(before, calibration);
    const [polynomial] = polynomialsOf(program);
    expect(polynomial!.shape).toEqual([2]);
    expect(polynomial!.data[1]).toBeCloseTo(1, 12);
  });

  it('asks for data: real, or a stated range', () => {
    const before = activated('sigmoid', {}, 2);
    const hint = expect.stringMatching(/--calibration .*--input-range/) as string;
    expect(() => approximated(before, null)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        hint,
        details: {
          nodes: [
            expect.objectContaining({ name: 'activation1', operator: 'nn.activation' }),
            expect.objectContaining({ name: 'activation3', operator: 'nn.activation' }),
          ],
        },
      }),
    );
    const { program } = approximated(before, null, { inputRangeGiven: true });
    expect(opsOf(program)).not.toContain('activation');
  });

  it('leaves programs without activations as they are', () => {
    const before = writeProgram(({ input, dense }) => [dense(input([1, 2]), 2, 2)]);
    expect(runPass(approximateActivations, before).program).toBe(before);
  });
});

describe('least squares', () => {
  const points = Float64Array.from({ length: 400 }, (_, n) => -3 + (5 * (n + 0.5)) / 400);
  const weights = points.map(() => 1 / 400);

  it('finds a polynomial again', () => {
    const f = (x: number): number => 0.5 - x + 0.25 * x ** 3 - 0.125 * x ** 5;
    const found = fitPolynomial(f, { points, weights }, [-3, 2], 5);
    [0.5, -1, 0, 0.25, 0, -0.125].forEach((coefficient, n) => {
      expect(found[n]).toBeCloseTo(coefficient, 9);
    });
    // More degrees than the function has: negligible ones become exactly zero and fall away.
    expect(fitPolynomial(f, { points, weights }, [-3, 2], 8).length).toBe(6);
  });

  it('gives even functions even polynomials on a symmetric range', () => {
    const even = Float64Array.from({ length: 400 }, (_, n) => -2 + (4 * (n + 0.5)) / 400);
    const found = fitPolynomial(Math.abs, { points: even, weights }, [-2, 2], 7);
    expect(found.length).toBe(7);
    expect(found.filter((_, n) => n % 2 === 1)).toEqual([0, 0, 0]);
  });

  it('leaves an error that is orthogonal to every lower power', () => {
    const found = fitPolynomial(Math.tanh, { points, weights }, [-3, 2], 9);
    const error = points.map((x) => found.reduceRight((sum, c) => sum * x + c, 0) - Math.tanh(x));
    for (let power = 0; power <= 9; power++) {
      const product = points.reduce(
        (sum, x, n) => sum + error[n]! * (x / 3) ** power * weights[n]!,
        0,
      );
      expect(Math.abs(product)).toBeLessThan(1e-12);
    }
  });

  it('stays finite and close at degree 31', () => {
    const found = fitPolynomial(Math.tanh, { points, weights }, [-3, 2], 31);
    const worst = points.reduce(
      (most, x) =>
        Math.max(most, Math.abs(found.reduceRight((sum, c) => sum * x + c, 0) - Math.tanh(x))),
      0,
    );
    expect(worst).toBeLessThan(1e-5);
  });
});
