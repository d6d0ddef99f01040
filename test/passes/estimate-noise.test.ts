import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import { toNumber } from '../../src/ir/rational.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import type { PassNote } from '../../src/passes/define-pass.ts';
import estimateNoise from '../../src/passes/estimate-noise.ts';
import matchScales from '../../src/passes/match-scales.ts';
import { estimateErrors, keySwitchError } from '../../src/passes/noise/estimate.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { errorOf } from '../support/error-of.ts';
import { lowerAnd, slotContext, writeSlots } from '../support/slot-programs.ts';
import type { SlotWriter } from '../support/slot-programs.ts';

const before = [placeRescales, placeRelins, budgetLevels, chooseParameters, matchScales];
const n = 8192;
const primeBits = [50, 40, 40, 60];

function prepared(
  body: (writer: SlotWriter) => readonly number[],
  bits: readonly number[] = primeBits,
): Program {
  const context = slotContext({ primeBits: [...bits], insecure: true }, n);
  return lowerAnd(writeSlots(body), before, context);
}

const chain = prepared(({ input, mul, add, sub }) => {
  const [x, y] = [input('x'), input('y')];
  const square = mul(x, x);
  return [sub(mul(square, square), add(mul(y, y), y)), mul(square, x)];
});

function scaleOf(program: Program, id: number): number {
  const type = program.operations[id]?.type;
  if (type?.kind !== 'ciphertext' || type.scale === null) throw new Error('no scale');
  return toNumber(type.scale);
}

describe('the estimate follows the table of docs/noise.md', () => {
  const errors = estimateErrors(chain);
  const rows = chain.operations.map(({ op, operands }, id) => ({ op, operands, id }));
  const rounding = (1 + (2 * n) / 3) / 12;
  const slot = (coefficient: number, scale: number): number =>
    (n * coefficient) / (2 * scale * scale);

  it('has rows of every kind', () => {
    expect(new Set(rows.map(({ op }) => op))).toEqual(
      new Set(
        [
          'input',
          'multiply',
          'square',
          'relinearize',
          'rescale',
          'level-drop',
          'add',
          'sub',
          'multiply-constant',
        ].map((op) => `ckks.${op}`),
      ),
    );
  });

  it.each(rows)('%$id $op', ({ op, operands, id }) => {
    const error = errors[id]!;
    const scale = scaleOf(chain, id);
    const [a, b] = operands.map((operand) => errors[operand]!);
    switch (op) {
      case 'ckks.input':
        // Symmetric encryption: σ² = 10.5; and the rounding of the encoding.
        expect(error.variance).toBeCloseTo(slot(10.5, scale) + n / (12 * scale * scale), 25);
        break;
      case 'ckks.multiply':
      case 'ckks.square':
        // Slots are a quarter of their bound.
        expect(error.variance).toBeGreaterThan(0);
        break;
      case 'ckks.rescale':
        expect(error.variance / (a!.variance + slot(rounding, scale))).toBeCloseTo(1, 12);
        expect(error.worst).toBe(a!.worst);
        break;
      case 'ckks.relinearize': {
        const type = chain.operations[id]!.type;
        const level = type.kind === 'ciphertext' ? (type.level ?? 0) : 0;
        const added = keySwitchError(chain.modulus!, level, scale);
        expect(error.variance / (a!.variance + added.variance)).toBeCloseTo(1, 12);
        expect(error.worst).toBeGreaterThan(a!.worst);
        break;
      }
      case 'ckks.level-drop':
        expect(error).toEqual(a);
        break;
      case 'ckks.multiply-constant':
        expect(error.variance).toBeGreaterThan(a!.variance);
        break;
      default:
        expect(error.variance).toBeCloseTo(a!.variance + b!.variance, 30);
        expect(error.worst).toBeCloseTo(a!.worst + b!.worst, 30);
    }
  });

  it('key switching: uncentred digits, worst slot D · N / (πP) · σ√N', () => {
    const modulus = chain.modulus!;
    const special = Number(modulus.specialPrimes[0]);
    const ratios = modulus.primes.slice(0, 2).map((prime) => Number(prime) / special);
    const sum = ratios.reduce((total, r) => total + r, 0);
    const { worst, variance } = keySwitchError(modulus, 1, 2 ** 40);
    expect(worst / ((((sum * n) / Math.PI) * Math.sqrt(10.5 * n)) / 2 ** 40)).toBeCloseTo(1, 12);
    const squares = ratios.reduce((total, r) => total + r * r, 0);
    expect(variance / slot((4 * n * 10.5 * squares) / 12 + rounding, 2 ** 40)).toBeCloseTo(1, 12);
    // More digits, more error; a larger special prime, less.
    expect(keySwitchError(modulus, 2, 2 ** 40).worst).toBeGreaterThan(worst);
    const larger = { ...modulus, specialPrimes: [modulus.specialPrimes[0]! << 4n] };
    expect(keySwitchError(larger, 1, 2 ** 40).worst).toBeCloseTo(worst / 16, 20);
  });
});

describe('estimate-noise', () => {
  const oneLevel = [50, 40, 60];
  const body = ({ input, mul }: SlotWriter): readonly number[] => {
    const x = input();
    return [mul(x, x)];
  };

  it('notes the precision and lets a program pass', () => {
    const program = prepared(body, [50, 40, 60]);
    const notes: PassNote[] = [];
    const context = slotContext({ precisionBits: 10 }, n, notes);
    expect(estimateNoise.run(program, context)).toBe(program);
    const [note] = notes;
    expect(note).toMatchObject({ kind: 'figure', name: 'precisionBits' });
    // A rescale at 2^40 and N = 8192 leaves 29.6 bits for a value of one (rms); 6.3 deviations less.
    const bits = note?.kind === 'figure' ? note.value : 0;
    expect(bits).toBeGreaterThan(22);
    expect(bits).toBeLessThan(28);
  });

  it('loses a bit for every bit of scale', () => {
    const precision = (bits: number): number => {
      const notes: PassNote[] = [];
      estimateNoise.run(
        prepared(body, [bits + 4, bits, 60]),
        slotContext({ precisionBits: 1 }, n, notes),
      );
      return notes[0]?.kind === 'figure' ? notes[0].value : NaN;
    };
    expect(precision(40) - precision(36)).toBeCloseTo(4, 1);
  });

  it('A3: a scale too small for the precision: exit 4, node, bits short', () => {
    const program = prepared(body, [30, 26, 50]);
    const context = slotContext({ precisionBits: 20, primeBits: [30, 26, 50], insecure: true }, n);
    const error = errorOf(() => estimateNoise.run(program, context));
    expect(error.code).toBe('PRECISION_UNREACHABLE');
    expect(error.exit).toBe(4);
    expect(error.node).toBe('y0');
    const { precisionBits, wanted, missing } = error.details as Record<string, number>;
    expect(wanted).toBe(20);
    expect(missing).toBeCloseTo(20 - precisionBits!, 12);
    expect(error.hint).toBe(`raise the inner --prime-bits by ${Math.ceil(missing!)}`);
  });

  it('names a larger ring where primes are chosen', () => {
    const program = prepared(body, [30, 26, 50]);
    const error = errorOf(() => estimateNoise.run(program, slotContext({ precisionBits: 20 }, n)));
    expect(error.hint).toContain('--ring-degree 16384');
  });

  it('names no ring larger than the largest that is tried', () => {
    const program = prepared(body, [30, 26, 50]);
    const context = slotContext({ precisionBits: 20 }, 65536);
    const error = errorOf(() => estimateNoise.run(program, context));
    expect(error.hint).not.toContain('--ring-degree');
    expect(error.hint).toContain('--precision-bits');
  });

  it('a map of zeros has an error, and a precision that is a number', () => {
    const zeros = new Array<number[]>(4).fill([0, 0, 0, 0]);
    const program = prepared(({ input, linear }) => [linear([input()], zeros)], oneLevel);
    for (const { variance, worst } of estimateErrors(program)) {
      expect(variance).toBeGreaterThan(0);
      expect(worst).toBeGreaterThanOrEqual(0);
    }
  });

  it('refuses an error that no number holds, without printing Infinity', () => {
    const huge = new Array<number[]>(4).fill([1e200, 0, 0, 0]);
    const program = prepared(
      ({ input, linear }) => [linear([input('x', [0, 1e-200])], huge)],
      oneLevel,
    );
    const error = errorOf(() => estimateNoise.run(program, slotContext({}, n)));
    expect(error.code).toBe('PRECISION_UNREACHABLE');
    expect(error.message).toContain('no bits of precision');
    expect(`${error.message}${error.hint ?? ''}`).not.toMatch(/Infinity|NaN/);
    expect(error.details).toMatchObject({ precisionBits: null, missing: null });
  });
});
