/** Functions that approximate-activations replaces by polynomials. Adding one is one entry. */
import type { Interval } from '../intervals.ts';
import { erf } from './error-function.ts';

export type ActivationParameters = Readonly<Record<string, number>>;

/** A piece of the real line on which a function is continuous. */
export interface DomainPiece {
  readonly lo: number;
  readonly hi: number;
  /** Whether the finite ends belong to it. */
  readonly closed: boolean;
}

export interface ActivationFunction {
  readonly summary: string;
  /** Meaning of each parameter, by name. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly evaluate: (x: number, parameters: ActivationParameters) => number;
  /**
   * What bounds the function over an interval besides its values at the ends: the values at turning
   * points inside, and on both sides of jumps. Absent where the function is monotone.
   */
  readonly extremes?: (interval: Interval, parameters: ActivationParameters) => readonly number[];
  /** The piece of the domain that holds x, or null; absent where the domain is the real line. */
  readonly domain?: (x: number, parameters: ActivationParameters) => DomainPiece | null;
  /** even: f(−x) = f(x); odd: f(−x) + f(x) is constant. */
  readonly parity?: 'even' | 'odd';
}

type Evaluate = ActivationFunction['evaluate'];

/** A function without parameters. */
function plain(
  summary: string,
  evaluate: (x: number) => number,
  more: Pick<ActivationFunction, 'extremes' | 'domain' | 'parity'> = {},
): ActivationFunction {
  return { summary, parameters: {}, evaluate, ...more };
}

const inside = ([lo, hi]: Interval, x: number): boolean => x > lo && x < hi;

/** The values at fixed turning points. */
function turningAt(
  evaluate: Evaluate,
  ...points: readonly number[]
): NonNullable<ActivationFunction['extremes']> {
  return (interval, parameters) =>
    points.filter((x) => inside(interval, x)).map((x) => evaluate(x, parameters));
}

/** Whether an interval holds offset + k · period for some whole k. */
function holdsMultiple([lo, hi]: Interval, offset: number, period: number): boolean {
  return Math.ceil((lo - offset) / period) * period + offset <= hi;
}

function piece(lo: number, hi: number, closed: boolean): (x: number) => DomainPiece | null {
  return (x) => ((closed ? x >= lo && x <= hi : x > lo && x < hi) ? { lo, hi, closed } : null);
}

/** Everything but zero: two pieces. */
const withoutZero = (x: number): DomainPiece | null =>
  x === 0 ? null : x > 0 ? piece(0, Infinity, false)(x) : piece(-Infinity, 0, false)(x);

const betweenPoles = (x: number): DomainPiece | null => {
  const middle = Math.round(x / Math.PI) * Math.PI;
  return piece(middle - Math.PI / 2, middle + Math.PI / 2, false)(x);
};

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clip = (x: number, lo: number, hi: number): number => Math.min(Math.max(x, lo), hi);
const gelu = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2));
const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const hardSwish = (x: number): number => x * clip(x / 6 + 0.5, 0, 1);
const mish = (x: number): number => x * Math.tanh(softplus(x));
const shrink = (x: number, lambda: number, bias: number): number =>
  x < -lambda ? x + bias : x > lambda ? x - bias : 0;
const swish = (x: number, alpha: number): number => x * sigmoid(alpha * x);

/** Where x · sigmoid(x) is least: the root of 1 + x · (1 − sigmoid(x)). */
const swishTurn = -1.2784645427610741;

const isWhole = (x: number): boolean => Number.isInteger(x);

export const activationFunctions = {
  abs: plain('|x|', Math.abs, { extremes: turningAt(Math.abs, 0), parity: 'even' }),
  acos: plain('inverse cosine', Math.acos, { domain: piece(-1, 1, true), parity: 'odd' }),
  acosh: plain('inverse hyperbolic cosine', Math.acosh, { domain: piece(1, Infinity, true) }),
  asin: plain('inverse sine', Math.asin, { domain: piece(-1, 1, true), parity: 'odd' }),
  asinh: plain('inverse hyperbolic sine', Math.asinh, { parity: 'odd' }),
  atan: plain('inverse tangent', Math.atan, { parity: 'odd' }),
  atanh: plain('inverse hyperbolic tangent', Math.atanh, {
    domain: piece(-1, 1, false),
    parity: 'odd',
  }),
  celu: {
    summary: 'x where x ≥ 0, alpha · (exp(x / alpha) − 1) elsewhere',
    parameters: { alpha: 'where negative arguments saturate, not 0' },
    evaluate: (x, { alpha = 1 }) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)),
    // A negative alpha turns the minimum around: both branches count beside zero.
    extremes: turningAt(() => 0, 0),
  },
  clip: {
    summary: 'the nearest number to x in [lo, hi]',
    parameters: { hi: 'upper bound', lo: 'lower bound' },
    evaluate: (x, { lo = -Infinity, hi = Infinity }) => clip(x, lo, hi),
  },
  cos: plain('cosine', Math.cos, {
    extremes: (interval) => [
      ...(holdsMultiple(interval, 0, 2 * Math.PI) ? [1] : []),
      ...(holdsMultiple(interval, Math.PI, 2 * Math.PI) ? [-1] : []),
    ],
    parity: 'even',
  }),
  cosh: plain('hyperbolic cosine', Math.cosh, {
    extremes: turningAt(Math.cosh, 0),
    parity: 'even',
  }),
  elu: {
    summary: 'x where x ≥ 0, alpha · (exp(x) − 1) elsewhere',
    parameters: { alpha: 'factor of negative arguments' },
    evaluate: (x, { alpha = 1 }) => (x >= 0 ? x : alpha * Math.expm1(x)),
    extremes: turningAt(() => 0, 0),
  },
  erf: plain('error function', erf, { parity: 'odd' }),
  exp: plain('exponential', Math.exp),
  gelu: plain('x · Φ(x), Φ of the normal distribution', gelu, {
    // The root of Φ(x) + x φ(x).
    extremes: turningAt(gelu, -0.7517915246935647),
  }),
  geluTanh: plain('x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))', geluTanh, {
    extremes: turningAt(geluTanh, -0.7524614220710163),
  }),
  hardSigmoid: {
    summary: 'alpha · x + beta, but at least 0 and at most 1',
    parameters: { alpha: 'slope', beta: 'value at 0' },
    evaluate: (x, { alpha = 0.2, beta = 0.5 }) => clip(alpha * x + beta, 0, 1),
  },
  hardSwish: plain('x · min(max(x / 6 + 1/2, 0), 1)', hardSwish, {
    extremes: turningAt(hardSwish, -3, -1.5),
  }),
  leakyRelu: {
    summary: 'x where x ≥ 0, slope · x elsewhere',
    parameters: { slope: 'factor of negative arguments' },
    evaluate: (x, { slope = 0 }) => (x >= 0 ? x : slope * x),
    extremes: turningAt(() => 0, 0),
  },
  log: plain('natural logarithm', Math.log, { domain: piece(0, Infinity, false) }),
  mish: plain('x · tanh(log(1 + exp(x)))', mish, {
    extremes: turningAt(mish, -1.1924312145154954),
  }),
  power: {
    summary: 'x^exponent',
    parameters: { exponent: 'any number' },
    evaluate: (x, { exponent = 1 }) => x ** exponent,
    extremes: turningAt((x, { exponent = 1 }) => x ** exponent, 0),
    domain: (x, { exponent = 1 }) => {
      if (!isWhole(exponent)) return piece(0, Infinity, exponent > 0)(x);
      return exponent < 0 ? withoutZero(x) : piece(-Infinity, Infinity, false)(x);
    },
  },
  reciprocal: plain('1 / x', (x) => 1 / x, { domain: withoutZero, parity: 'odd' }),
  relu: plain('max(x, 0)', (x) => Math.max(x, 0)),
  selu: {
    summary: 'gamma · x where x ≥ 0, gamma · alpha · (exp(x) − 1) elsewhere',
    parameters: { alpha: 'factor of negative arguments', gamma: 'factor of all arguments' },
    evaluate: (x, { alpha = 1, gamma = 1 }) => gamma * (x >= 0 ? x : alpha * Math.expm1(x)),
    extremes: turningAt(() => 0, 0),
  },
  shrink: {
    summary: 'x drawn towards 0 by bias, and 0 between −lambda and lambda',
    parameters: { bias: 'what is taken from the magnitude', lambda: 'magnitude that becomes 0' },
    evaluate: (x, { bias = 0, lambda = 0.5 }) => shrink(x, lambda, bias),
    extremes: (interval, { bias = 0, lambda = 0.5 }) =>
      [-lambda, lambda].flatMap((x) =>
        inside(interval, x) || x === interval[0] || x === interval[1]
          ? [0, x < 0 ? x + bias : x - bias]
          : [],
      ),
  },
  sigmoid: plain('1 / (1 + exp(−x))', sigmoid, { parity: 'odd' }),
  sin: plain('sine', Math.sin, {
    extremes: (interval) => [
      ...(holdsMultiple(interval, Math.PI / 2, 2 * Math.PI) ? [1] : []),
      ...(holdsMultiple(interval, -Math.PI / 2, 2 * Math.PI) ? [-1] : []),
    ],
    parity: 'odd',
  }),
  sinh: plain('hyperbolic sine', Math.sinh, { parity: 'odd' }),
  softplus: plain('log(1 + exp(x))', softplus),
  softsign: plain('x / (1 + |x|)', (x) => x / (1 + Math.abs(x)), { parity: 'odd' }),
  sqrt: plain('square root', Math.sqrt, { domain: piece(0, Infinity, true) }),
  swish: {
    summary: 'x / (1 + exp(−alpha · x)), also called SiLU',
    parameters: { alpha: 'steepness' },
    evaluate: (x, { alpha = 1 }) => swish(x, alpha),
    extremes: (interval, { alpha = 1 }) =>
      alpha === 0 ? [] : turningAt((x) => swish(x, alpha), swishTurn / alpha)(interval, {}),
  },
  tan: plain('tangent', Math.tan, { domain: betweenPoles, parity: 'odd' }),
  tanh: plain('hyperbolic tangent', Math.tanh, { parity: 'odd' }),
  thresholdedRelu: {
    summary: 'x where x > alpha, 0 elsewhere',
    parameters: { alpha: 'argument above which x passes' },
    evaluate: (x, { alpha = 1 }) => (x > alpha ? x : 0),
    extremes: ([lo, hi], { alpha = 1 }) => (alpha >= lo && alpha < hi ? [0, alpha] : []),
  },
} as const satisfies Record<string, ActivationFunction>;

export type ActivationName = keyof typeof activationFunctions;

export const activationNames = Object.keys(activationFunctions) as [
  ActivationName,
  ...ActivationName[],
];

/** The function of a name, seen without its own parameter types. */
export function activationFunction(name: ActivationName): ActivationFunction {
  return activationFunctions[name];
}

/** The piece of the domain in which an interval lies, or null. */
export function domainOf(
  { domain = piece(-Infinity, Infinity, false) }: ActivationFunction,
  [lo, hi]: Interval,
  parameters: ActivationParameters,
): DomainPiece | null {
  const found = domain(lo, parameters);
  if (found === null) return null;
  return (found.closed ? hi <= found.hi : hi < found.hi) ? found : null;
}

/** Bounds of a function over an interval, or null where the interval leaves the domain. */
export function boundActivation(
  declared: ActivationFunction,
  interval: Interval,
  parameters: ActivationParameters,
): Interval | null {
  if (domainOf(declared, interval, parameters) === null) return null;
  const values = [
    ...interval.map((x) => declared.evaluate(x, parameters)),
    ...(declared.extremes?.(interval, parameters) ?? []),
  ];
  return [Math.min(...values), Math.max(...values)];
}
