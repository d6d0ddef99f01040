import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activationFunction } from '../../src/ir/nn/activation-functions.ts';
import type { ActivationName } from '../../src/ir/nn/activation-functions.ts';
import type { Value } from '../../src/ir/define-op.ts';
import { interpret } from '../../src/ir/interpret.ts';
import type { Attributes, Program } from '../../src/ir/program.ts';
import { tensorBounds } from '../../src/ir/tensor.ts';
import approximateActivations from '../../src/passes/approximate-activations.ts';
import calibrateRanges from '../../src/passes/calibrate-ranges.ts';
import { fitPolynomial } from '../../src/passes/polynomial/least-squares.ts';
import { calibrationOf } from '../support/calibration.ts';
import type { Calibration } from '../support/calibration.ts';
import { randomPrograms } from '../support/random-programs.ts';
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
  options: {
    activationDegree?: number;
    activationFit?: 'least-squares' | 'minimax' | 'composite-sign';
    signPrecision?: 5 | 6 | 8;
    inputRangeGiven?: boolean;
  } = {},
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
    { name: 'relu', parameters: {}, degree: 15, bound: 2e-2 },
    { name: 'relu', parameters: {}, degree: 31, bound: 1e-2 },
    { name: 'softplus', parameters: {}, degree: 30, bound: 1e-7 },
  ])(
    'replaces $name by degree $degree within the error it reports',
    ({ name, parameters, degree, bound }) => {
      const before = activated(name, parameters);
      const { calibration, inputs } = calibrationOf(before, 64);
      const { program, notes } = approximated(before, calibration, { activationDegree: degree });
      const scaled = degree < 8 ? [] : ['add-constant', 'scale'];
      expect(opsOf(program)).toEqual(['input', 'dense', ...scaled, 'polynomial', 'dense']);
      const [note] = notes;
      expect(note).toMatchObject({ kind: 'approximation', node: 'activation1', op: name, degree });
      // Measured here again, from the values of both programs.
      const seen = (of: Program, image: Map<string, Value>): Float64Array => {
        let data = new Float64Array();
        const at = of === before ? 2 : 2 + scaled.length;
        interpret(of, image, {
          observe: (id, _, value) => {
            if (id === at && value.kind === 'tensor') data = value.tensor.data;
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
    },
  );

  it('minimises the largest error over the whole range where that is asked', () => {
    const before = activated('sigmoid');
    const { calibration } = calibrationOf(before, 64);
    const worstOf = (activationFit: 'least-squares' | 'minimax'): number => {
      const { program, notes } = approximated(before, calibration, { activationFit });
      const [note] = notes;
      expect(note).toMatchObject({ kind: 'approximation', method: activationFit });
      const [lo, hi] = (note as { range: readonly [number, number] }).range;
      const [polynomial] = polynomialsOf(program);
      let worst = 0;
      for (let k = 0; k <= 1000; k++) {
        const x = lo + ((hi - lo) * k) / 1000;
        const value = polynomial!.data.reduceRight((sum, c) => sum * x + c, 0);
        worst = Math.max(worst, Math.abs(value - 1 / (1 + Math.exp(-x))));
      }
      return worst;
    };
    expect(worstOf('minimax')).toBeLessThan(worstOf('least-squares'));
  });

  it.each([
    { name: 'relu', parameters: {}, f: (x: number) => Math.max(x, 0) },
    { name: 'leakyRelu', parameters: { slope: 0.1 }, f: (x: number) => Math.max(x, 0.1 * x) },
    { name: 'abs', parameters: {}, f: Math.abs },
  ])('takes a composite sign for $name where that is asked', ({ name, parameters, f }) => {
    const before = activated(name, parameters);
    const { calibration, inputs } = calibrationOf(before, 64);
    const precision = 6;
    const { program, notes } = approximated(before, calibration, {
      activationFit: 'composite-sign',
      signPrecision: precision,
    });
    const ops = ['input', 'dense', 'scale', 'polynomial', 'polynomial', 'mul', 'dense'];
    expect(opsOf(program)).toEqual(ops);
    const [note] = notes;
    expect(note).toMatchObject({
      op: name,
      method: 'composite sign of degrees 15, 15',
      degree: 226,
    });
    const { range, maxError } = note as { range: readonly [number, number]; maxError: number };
    const reach = Math.max(-range[0], range[1]);
    const jump = (f(1) + f(-1)) / 2;
    // Either the sign is right to 2^(1-precision), or the argument is that small.
    expect(maxError).toBeLessThanOrEqual(jump * reach * 2 ** (1 - precision));
    expect(maxError).toBeGreaterThan(0);
    for (const image of inputs) {
      const values: Float64Array[] = [];
      interpret(program, image, {
        observe: (id, { op, type: { range: bounds } }, value) => {
          if (value.kind !== 'tensor') return;
          values[id] = value.tensor.data;
          const [lo, hi] = tensorBounds(value.tensor);
          expect(lo).toBeGreaterThanOrEqual(bounds!.lo - 1e-12);
          expect(hi).toBeLessThanOrEqual(bounds!.hi + 1e-12);
          if (op !== 'nn.mul') return;
          values[1]!.forEach((x, n) => {
            expect(Math.abs(values[id]![n]! - f(x))).toBeLessThanOrEqual(maxError + 1e-9);
          });
        },
      });
    }
  });

  it('takes the largest error of what has no two sides instead of a composite sign', () => {
    const before = activated('sigmoid');
    const { calibration } = calibrationOf(before, 64);
    const { notes } = approximated(before, calibration, { activationFit: 'composite-sign' });
    expect(notes[0]).toMatchObject({ op: 'sigmoid', method: 'minimax' });
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

  it('fits the slope of each channel, as it would fit each alone', () => {
    const slopes = [0.5, 0, -0.25];
    const before = writeProgram(({ input, add, constant }) => [
      add('nn.activation', [input([1, 3, 8], [-1, 1])], {
        function: 'leakyRelu',
        parameters: { slope: constant([3, 1], slopes) },
      }),
    ]);
    const { calibration } = calibrationOf(before, 64);
    const { program, notes } = approximated(before, calibration);
    const [polynomial] = polynomialsOf(program);
    expect(polynomial!.shape).toEqual([5, 3, 1]);
    slopes.forEach((slope, channel) => {
      // leakyRelu = slope · x + (1 − slope) · relu, and a fit is linear in its function.
      const [base] = polynomialsOf(
        approximated(
          writeProgram(({ input, add }) => [
            add('nn.activation', [input([1, 3, 8], [-1, 1])], { function: 'relu', parameters: {} }),
          ]),
          calibration,
        ).program,
      );
      base!.data.forEach((coefficient, power) => {
        const wanted = (1 - slope) * coefficient + (power === 1 ? slope : 0);
        expect(polynomial!.data[power * 3 + channel]).toBeCloseTo(wanted, 9);
      });
    });
    expect(notes[0]).toMatchObject({ op: 'leakyRelu', degree: 4 });
  });

  it.each(['tanh', 'erf', 'atan', 'asinh', 'sinh', 'softsign', 'sin'])(
    'gives the odd function %s an odd polynomial on a nearly symmetric range',
    (name) => {
      const before = activated(name);
      const image = Float64Array.of(-1, -0.5, 0.9, 0.25, -0.75, 0.5, 0.125, -0.25);
      const after = approximated(
        writeProgram(({ input, add }) => [
          add('nn.activation', [input([1, 8], [-3, 3])], { function: name, parameters: {} }),
        ]),
        new Map([['x', [image]]]),
        { activationDegree: 5 },
      );
      expect(opsOf(before)).toContain('activation');
      const [polynomial] = polynomialsOf(after.program);
      expect([0, 2, 4].map((power) => polynomial!.data[power])).toEqual([0, 0, 0]);
      expect(polynomial!.data[5]).not.toBe(0);
    },
  );

  it.each(['abs', 'cos', 'cosh'])('gives the even function %s an even polynomial', (name) => {
    const image = Float64Array.of(-1, -0.5, 0.9, 0.25, -0.75, 0.5, 0.125, -0.25);
    const { program } = approximated(
      writeProgram(({ input, add }) => [
        add('nn.activation', [input([1, 8], [-3, 3])], { function: name, parameters: {} }),
      ]),
      new Map([['x', [image]]]),
    );
    const [polynomial] = polynomialsOf(program);
    expect([1, 3].map((power) => polynomial!.data[power])).toEqual([0, 0]);
  });

  it('states at every output how far the polynomials move it', () => {
    const before = activated('relu', {}, 2);
    const { calibration, inputs } = calibrationOf(before, 64);
    const { program, notes } = approximated(before, calibration);
    let worst = 0;
    let squares = 0;
    let count = 0;
    for (const image of inputs) {
      const [want, got] = [before, program].map((each) => {
        const value = interpret(each, image).get('y0');
        return value?.kind === 'tensor' ? value.tensor.data : new Float64Array();
      });
      want!.forEach((x, n) => {
        worst = Math.max(worst, Math.abs(x - got![n]!));
        squares += (x - got![n]!) ** 2;
      });
      count += want!.length;
    }
    const stated = notes.find(({ kind }) => kind === 'approximation-error');
    expect(stated).toMatchObject({ output: 'y0' });
    const { worst: statedWorst, rms } = stated as { worst: number; rms: number };
    expect(statedWorst).toBeCloseTo(worst, 12);
    expect(rms).toBeCloseTo(Math.sqrt(squares / count), 12);
    expect(worst).toBeGreaterThan(0);
  });

  it('keeps each value of random programs within the error it states', () => {
    let seen = 0;
    fc.assert(
      fc.property(
        randomPrograms({ steps: ['activation', 'addConstant', 'negate', 'scale'] }, 3),
        fc.integer({ min: 1, max: 9 }),
        (before, degree) => {
          const activations = before.operations.filter(({ op }) => op === 'nn.activation');
          const { calibration, inputs } = calibrationOf(before, 40);
          const { program, notes } = approximated(before, calibration, {
            activationDegree: degree,
          });
          const errors = notes.flatMap((note) =>
            note.kind === 'approximation' ? [note.maxError] : [],
          );
          expect(errors.length).toBe(activations.length);
          seen += errors.length;
          // Each polynomial against its function, on the arguments that it gets.
          const functions = activations.map(({ attributes, location }) => ({
            location,
            ...activationFunction(attributes.function as ActivationName),
            parameters: attributes.parameters as Record<string, number>,
          }));
          for (const image of inputs) {
            const values: Float64Array[] = [];
            interpret(program, image, {
              observe: (id, operation, value) => {
                values[id] = value.kind === 'tensor' ? value.tensor.data : new Float64Array();
                const at = functions.findIndex(({ location }) => location === operation.location);
                if (operation.op !== 'nn.polynomial' || at < 0) return;
                const { evaluate, parameters } = functions[at]!;
                // Behind the shift and the factor of the argument, if there are any.
                let argument = operation.operands[0]!;
                while (program.operations[argument]!.location === operation.location) {
                  argument = program.operations[argument]!.operands[0]!;
                }
                values[argument]!.forEach((x, n) => {
                  const error = Math.abs(values[id]![n]! - evaluate(x, parameters));
                  expect(error).toBeLessThanOrEqual(errors[at]! + 1e-9);
                });
              },
            });
          }
        },
      ),
      { numRuns: 100, seed: 5 },
    );
    expect(seen).toBeGreaterThan(50);
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

describe('functions with a domain', () => {
  /** f of an input in a range that is seen from `least` to `most`. */
  function ofRange(
    name: string,
    [lo, hi]: readonly [number, number],
    [least, most]: readonly [number, number],
    parameters: Attributes = {},
  ): ReturnType<typeof runPass> {
    const before = writeProgram(({ input, add }) => [
      add('nn.activation', [input([1, 8], [lo, hi])], { function: name, parameters }),
    ]);
    const image = Float64Array.from({ length: 8 }, (_, n) => least + ((most - least) * n) / 7);
    return approximated(before, new Map([['x', [image]]]), { activationDegree: 5 });
  }

  it.each<[string, [number, number], [number, number], Attributes]>([
    ['log', [-10, 10], [0.5, 4], {}],
    ['log', [0, 10], [0.1, 4], {}],
    ['sqrt', [-10, 10], [0.1, 4], {}],
    ['reciprocal', [-10, 10], [-1, 1], {}],
    ['reciprocal', [-10, 10], [0.5, 4], {}],
    ['asin', [-10, 10], [-0.9, 0.9], {}],
    ['acosh', [-10, 10], [1.1, 4], {}],
    ['atanh', [-1, 1], [-0.9, 0.9], {}],
    ['tan', [-10, 10], [-1.5, 1.5], {}],
    ['tan', [-10, 10], [1, 2], {}],
    ['power', [-10, 10], [0.1, 4], { exponent: 0.5 }],
    ['power', [-10, 10], [-1, 4], { exponent: -2 }],
  ])('%s of [%s] seen in [%s] is refused by name', (name, range, seen, parameters) => {
    expect(() => ofRange(name, range, seen, parameters)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        node: 'activation0',
        message: expect.stringMatching(
          new RegExp(`argument ranges over \\[.*, margin included; ${name} is defined on `),
        ) as string,
        hint: expect.stringContaining('--input-range') as string,
      }),
    );
  });

  it.each<[string, [number, number], [number, number], Attributes]>([
    ['log', [0.25, 10], [0.5, 4], {}],
    ['log', [-10, 10], [2, 4], {}],
    // The proof keeps the margin inside of the domain.
    ['sqrt', [0, 10], [0.1, 4], {}],
    ['reciprocal', [-10, -0.5], [-4, -0.6], {}],
    ['asin', [-1, 1], [-0.9, 0.9], {}],
    ['tan', [-1.5, 1.5], [-1, 1], {}],
    ['tan', [-10, 10], [2.5, 3], {}],
    ['power', [0.5, 10], [1, 4], { exponent: -1.5 }],
    ['power', [-10, -0.5], [-4, -1], { exponent: -3 }],
  ])('%s of [%s] seen in [%s] stays inside', (name, range, seen, parameters) => {
    const { program, notes } = ofRange(name, range, seen, parameters);
    expect(opsOf(program)).toEqual(['input', 'polynomial']);
    const [note] = notes;
    expect(note).toMatchObject({ kind: 'approximation', op: name });
    const { rmsError } = note as { rmsError: number };
    expect(rmsError).toBeLessThan(0.1);
  });

  it('looks inside of composites', () => {
    const of = (offset: number): Program =>
      writeProgram(({ input, add }) => [
        add('nn.composite', [input([1, 8], [-4, 4])], {
          steps: [
            { apply: 'exp', parameters: {}, to: 0 },
            { polynomial: [offset, 1], of: 1 },
            { apply: 'log', parameters: {}, to: 2 },
          ],
        }),
      ]);
    const inside = of(1);
    const { calibration } = calibrationOf(inside, 20);
    const { notes } = approximated(inside, calibration);
    expect(notes[0]).toMatchObject({ op: 'log(1 + exp(x))', degree: 4 });
    expect(() => approximated(of(-1), calibration)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        message: expect.stringMatching(
          /log is taken of \[.*; log is defined on \(0, ∞\)/,
        ) as string,
      }),
    );
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
