/** Functions of one number that are made of several: the steps of nn.composite. */
import { z } from 'zod';
import {
  addIntervals,
  multiplyIntervals,
  polynomialOfInterval,
  powerOfInterval,
  subtractIntervals,
} from '../intervals.ts';
import type { Interval } from '../intervals.ts';
import { activationFunction, activationNames, boundActivation } from './activation-functions.ts';
import type { ActivationName, ActivationParameters } from './activation-functions.ts';
import { boundPolynomial } from './polynomial.ts';

/** 0 is the argument, n the result of step n, counted from 1. */
const place = z.int().nonnegative();

const step = z.union([
  z.strictObject({
    apply: z.enum(activationNames),
    parameters: z.record(z.string(), z.number()),
    to: place,
  }),
  /** Coefficients, constant term first. */
  z.strictObject({ polynomial: z.array(z.number()).min(1).readonly(), of: place }),
  z.strictObject({
    combine: z.enum(['add', 'multiply', 'subtract']),
    of: z.tuple([place, place]).readonly(),
  }),
]);

export const maxCompositeSteps = 256;

export const compositeSteps = z.array(step).min(1).max(maxCompositeSteps).readonly();

export type CompositeStep = z.infer<typeof step>;

/** Pieces in which the argument is bounded: the error of interval arithmetic falls with the piece. */
const pieces = 256;

const combine = {
  add: (a: number, b: number): number => a + b,
  multiply: (a: number, b: number): number => a * b,
  subtract: (a: number, b: number): number => a - b,
};
const combineBounds = {
  add: addIntervals,
  multiply: multiplyIntervals,
  subtract: subtractIntervals,
};

/** Places that steps read. */
function placesOf(own: CompositeStep): readonly number[] {
  if ('combine' in own) return own.of;
  return ['apply' in own ? own.to : own.of];
}

/** What is wrong with the steps, or null. */
export function stepsFault(steps: readonly CompositeStep[]): string | null {
  for (const [n, own] of steps.entries()) {
    const later = placesOf(own).find((read) => read > n);
    if (later !== undefined) return `step ${n + 1} reads step ${later}, which comes later`;
    if (!('apply' in own)) continue;
    const wanted = Object.keys(activationFunction(own.apply).parameters).sort().join(', ');
    const given = Object.keys(own.parameters).sort().join(', ');
    if (wanted !== given) return `${own.apply} has the parameters [${wanted}], not [${given}]`;
  }
  return null;
}

/** The value at x. */
export function evaluateSteps(steps: readonly CompositeStep[], x: number): number {
  const values = [x];
  for (const own of steps) {
    const [a = NaN, b = NaN] = placesOf(own).map((read) => values[read]!);
    if ('apply' in own) values.push(activationFunction(own.apply).evaluate(a, own.parameters));
    else if ('polynomial' in own) {
      values.push(own.polynomial.reduceRight((sum, coefficient) => sum * a + coefficient, 0));
    } else values.push(combine[own.combine](a, b));
  }
  return values.at(-1)!;
}

/** The step whose argument leaves the domain, and that argument. */
export interface LeftDomain {
  readonly name: ActivationName;
  readonly parameters: ActivationParameters;
  readonly argument: Interval;
}

/** Bounds over an interval, or the step that leaves its domain there. */
export function boundSteps(
  steps: readonly CompositeStep[],
  [lo, hi]: Interval,
): Interval | LeftDomain {
  let [low, high] = [Infinity, -Infinity];
  for (let n = 0; n < pieces; n++) {
    const end = n === pieces - 1 ? hi : lo + ((hi - lo) * (n + 1)) / pieces;
    const bounds = boundPiece(steps, [lo + ((hi - lo) * n) / pieces, end]);
    if ('name' in bounds) return bounds;
    low = Math.min(low, bounds[0]);
    high = Math.max(high, bounds[1]);
  }
  return [low, high];
}

function boundPiece(steps: readonly CompositeStep[], x: Interval): Interval | LeftDomain {
  const values: Interval[] = [x];
  for (const own of steps) {
    const [a = x, b = x] = placesOf(own).map((read) => values[read]!);
    if ('apply' in own) {
      const { apply: name, parameters } = own;
      const declared = activationFunction(name);
      const bounds = boundActivation(declared, a, parameters);
      if (bounds === null) return { name, parameters, argument: a };
      values.push(bounds);
    } else if ('polynomial' in own) {
      const { polynomial: c } = own;
      // The pieces are small already: higher degrees need no more of them.
      values.push(c.length <= 3 ? boundPolynomial(c, a) : polynomialOfInterval(c, a));
    } else if (own.combine === 'multiply' && own.of[0] === own.of[1]) {
      values.push(powerOfInterval(a, 2));
    } else values.push(combineBounds[own.combine](a, b));
  }
  return values.at(-1)!;
}

/** Significant digits of numbers in formulas. */
const digits = 4;
const longestFormula = 80;

/** The function as people write it, in x. */
export function formulaOf(steps: readonly CompositeStep[]): string {
  const texts = ['x'];
  for (const own of steps) {
    const [a = '', b = ''] = placesOf(own).map((read) => texts[read]!);
    let text: string;
    if ('apply' in own) {
      const parameters = Object.values(own.parameters).map(numberText);
      text = `${own.apply}(${[a, ...parameters].join(', ')})`;
    } else if ('polynomial' in own) text = polynomialText(own.polynomial, a);
    else if (own.combine === 'multiply') text = `${factor(a)}·${factor(b)}`;
    else
      text = `${a} ${own.combine === 'add' ? '+' : '−'} ${own.combine === 'add' ? b : factor(b)}`;
    texts.push(text.length > longestFormula ? `${text.slice(0, longestFormula - 1)}…` : text);
  }
  return texts.at(-1)!;
}

const numberText = (value: number): string => String(Number(value.toPrecision(digits)));

/** In parentheses where it is a sum. */
const factor = (text: string): string =>
  text.includes(' ') && !isOneCall(text) ? `(${text})` : text;

const isOneCall = (text: string): boolean => /^\w+\([^()]*\)$/.test(text);

function polynomialText(coefficients: readonly number[], argument: string): string {
  const terms = coefficients.flatMap((coefficient, power) => {
    if (coefficient === 0) return [];
    if (power === 0) return [numberText(coefficient)];
    const own = `${factor(argument)}${power === 1 ? '' : `^${power}`}`;
    if (coefficient === 1) return [own];
    return [coefficient === -1 ? `−${own}` : `${numberText(coefficient)}·${own}`];
  });
  return terms.length === 0 ? '0' : terms.join(' + ');
}
