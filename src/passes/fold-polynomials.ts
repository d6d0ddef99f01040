/** Move leading coefficients and input scaling of polynomials into neighbouring linear maps. */
import { invariant } from '../errors.ts';
import { rewriteProgram } from '../ir/build.ts';
import type { Rewriter } from '../ir/build.ts';
import { degreeOf, polynomialTerms } from '../ir/polynomial.ts';
import { operationOf } from '../ir/program.ts';
import type { Operation, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { magnitude } from '../ir/types.ts';
import type { Range } from '../ir/types.ts';
import { constantAttribute } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';
import { absorbsFactor } from './linear/absorbs-factor.ts';
import { isEnabled } from './optimisations.ts';
import {
  chebyshevForm,
  chebyshevMagnitude,
  leastChebyshevDegree,
} from './packing/chebyshev-form.ts';
import { polynomialTree, treeDepth } from './packing/polynomial-tree.ts';
import { shrinkBroadcast, stackCoefficients } from './polynomial/coefficients.ts';

/**
 * How much larger the folded values or coefficients may be than those before: beyond it the bits
 * that cancel in the sum cost more than the level that folding saves.
 */
const maxGrowth = 2 ** 6;
/**
 * Magnitude given to folded arguments, at most: the rounding error of a rescale is absolute, so a
 * larger message at the same scale is more precise, and above the last level the modulus has room.
 */
const largestAmplitude = 2 ** 1;
/**
 * The same before squares that have a rescale of their own: 0.3 to 1.2 bits more precise on the MNIST
 * networks. The weights behind become smaller by the square of it at an absolute error of their own, so 8
 * is worse again, and where square and weights share a rescale, whose bits they divide, 4 is.
 */
const largestSquared = 2 ** 2;
/** Bound of the amplitude of what comes out: the amplitude to the power of the degree. */
const largestResult = 2 ** 16;
/** Points at which the magnitude of a polynomial over its range is sampled. */
const magnitudePoints = 65;

/** p(x) = β · m((x − shift) / α) + t, every field one number per element of the coefficients. */
interface Folding {
  readonly shift: Float64Array<ArrayBuffer>;
  readonly alpha: Float64Array<ArrayBuffer>;
  /** Coefficients of m by power; the constant one is zero, the leading one is one. */
  readonly monic: readonly Float64Array<ArrayBuffer>[];
  readonly beta: Float64Array<ArrayBuffer>;
  readonly t: Float64Array<ArrayBuffer>;
}

export default definePass({
  name: 'fold-polynomials',
  summary:
    'Move leading coefficients and input scaling of polynomials into neighbouring linear maps.',
  phase: 'nn',
  run(program, { options, shareRescales }) {
    if (!isEnabled(options, 'fold-polynomials')) return program;
    const { madeByMatrix, readByMatrices, readers } = absorbsFactor(program);
    return rewriteProgram(program, (operation, id, rewriter) => {
      if (operation.op !== 'nn.polynomial') return rewriter.keep();
      const [x] = operation.operands;
      invariant(x !== undefined, 'a polynomial has an argument');
      const { range } = operationOf(program, x).type;
      const coefficients = constantAttribute(program, operation, 'coefficients');
      const scalable =
        range !== null && magnitude(range) > 0 && readers(x) === 1 && madeByMatrix(x);
      if (degreeOf(coefficients) < 2 || !scalable) return rewriter.keep();
      const amplitude = amplitudeOf(degreeOf(coefficients), shareRescales);
      const folding =
        readByMatrices(id) && savesByFolding(degreeOf(coefficients))
          ? foldingOf(coefficients, range)
          : null;
      return folding === null
        ? normalise(operation, coefficients, range, amplitude, rewriter)
        : fold(
            operation,
            coefficients.shape.slice(1),
            amplify(folding, amplitude),
            range,
            rewriter,
          );
    });
  },
});

/**
 * Whether a leading coefficient of one is worth its bits: it saves a level where the degree is a power
 * of two; the factor of a low degree costs few.
 */
export function savesByFolding(degree: number): boolean {
  return degree < leastChebyshevDegree || Number.isInteger(Math.log2(degree));
}

/** Magnitude of the argument of a folded polynomial of a degree, a power of two. */
export function amplitudeOf(degree: number, shareRescales = false): number {
  if (degree === 2) return shareRescales ? largestAmplitude : largestSquared;
  return Math.min(largestAmplitude, 2 ** Math.floor(Math.log2(largestResult) / degree));
}

/** The same polynomial for an argument that is `amplitude` times larger. */
function amplify({ shift, alpha, monic, beta, t }: Folding, amplitude: number): Folding {
  const degree = monic.length - 1;
  return {
    shift,
    alpha: alpha.map((value) => value / amplitude),
    monic: monic.map((term, power) => term.map((value) => value * amplitude ** (degree - power))),
    beta: beta.map((value) => value / amplitude ** degree),
    t,
  };
}

function powerOfTwoAbove(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}

/** The smallest argument for which a level is saved: it costs bits beside the amplitude. */
function leastArgument(degree: number): number {
  return amplitudeOf(degree, true) / 4;
}

/**
 * The scaling of the argument that leaves a leading coefficient of one, or null: it saves the level
 * of that coefficient where it is one and the argument is neither too large nor too small after it.
 */
function monicScaling(terms: readonly Tensor[], degree: number, range: Range): number | null {
  const [first, ...others] = terms[degree]?.data ?? [];
  if (first === undefined || first <= 0 || others.some((value) => value !== first)) return null;
  const alpha = first ** (-1 / degree);
  const argument = magnitude(range) / alpha;
  const fits =
    argument >= leastArgument(degree) && argument ** degree <= largestResult * (1 + 1e-9);
  return fits ? alpha : null;
}

/** The terms for an argument that is α times smaller; a leading one that comes near one is one. */
function scaledTerms(terms: readonly Tensor[], alpha: number): Tensor[] {
  const last = terms.length - 1;
  return terms.map(({ shape, data }, exponent) => ({
    shape,
    data: data.map((value) => {
      const scaled = value * alpha ** exponent;
      return exponent === last && Math.abs(scaled - 1) < 1e-12 ? 1 : scaled;
    }),
  }));
}

function stacked(terms: readonly Tensor[]): Tensor {
  const shape = [terms.length, ...(terms[0]?.shape ?? [])];
  return { shape, data: Float64Array.from(terms.flatMap(({ data }) => [...data])) };
}

/** Levels of the polynomial for an argument that is α times smaller. */
function depthAt(terms: readonly Tensor[], alpha: number): number {
  return treeDepth(polynomialTree(stacked(scaledTerms(terms, alpha))));
}

/**
 * Only the input scaling: u = x / α. Up to the amplitude with a power of two, which is exact; to all of
 * the interval of Chebyshev polynomials where those are of use; to a leading coefficient of one where
 * that saves a level.
 */
function normalise(
  operation: Operation,
  coefficients: Tensor,
  range: Range,
  amplitude: number,
  { builder, program, mapped, keep }: Rewriter,
): ValueId {
  const degree = degreeOf(coefficients);
  const own = polynomialTerms(coefficients).slice(0, degree + 1);
  const filled = magnitude(range) / chebyshevMagnitude;
  const bounded =
    chebyshevForm(scaledTerms(own, filled), chebyshevMagnitude) === null
      ? powerOfTwoAbove(magnitude(range)) / amplitude
      : filled;
  const monic = monicScaling(own, degree, range);
  const saves = monic !== null && depthAt(own, monic) < depthAt(own, bounded);
  const alpha = saves ? monic : bounded;
  const terms = scaledTerms(own, alpha);
  const finite = terms.every(({ data }) => data.every((value) => Number.isFinite(value)));
  if (alpha === 1 || !finite) return keep();
  const [x = -1] = operation.operands;
  const { location } = operation;
  const factor = builder.constant({ shape: [], data: Float64Array.of(1 / alpha) }, 'normalise');
  const u = builder.add(
    'nn.scale',
    [mapped(x)],
    { factor },
    { location: operationOf(program, x).location },
  );
  const scaled = builder.constant(stacked(terms), 'normalised');
  return builder.add(
    'nn.polynomial',
    [u],
    { coefficients: scaled },
    { location, range: operation.type.range },
  );
}

/** The folding of a polynomial for arguments in a range, or null where it would cost precision. */
function foldingOf(coefficients: Tensor, range: Range): Folding | null {
  const degree = degreeOf(coefficients);
  const terms = polynomialTerms(coefficients)
    .slice(0, degree + 1)
    .map(({ data }) => data);
  const leading = terms[degree];
  const constant = terms[0];
  invariant(leading !== undefined && constant !== undefined, 'a polynomial has terms');
  if (leading.some((value) => value === 0)) return null;
  const x = magnitude(range);
  const size = leading.length;
  const pure = terms.every(
    (term, n) => n === 0 || n === degree || term.every((value) => value === 0),
  );
  if (pure) {
    const alpha = powerOfTwoAbove(x);
    const folding = {
      shift: new Float64Array(size),
      alpha: new Float64Array(size).fill(alpha),
      monic: terms.map((_, n) => new Float64Array(size).fill(n === degree ? 1 : 0)),
      beta: leading.map((value) => value * alpha ** degree),
      t: constant,
    };
    return isFinite(folding) ? folding : null;
  }
  const folding = degree === 2 ? completeSquare(terms, range) : monicAbove(terms, x);
  if (!isFinite(folding)) return null;
  return grows(folding, terms, range) ? null : folding;
}

/** a x² + b x + c = a (x + b/2a)² + c − b²/4a. */
function completeSquare(terms: readonly Float64Array<ArrayBuffer>[], { lo, hi }: Range): Folding {
  const [c, b, a] = terms;
  invariant(a !== undefined && b !== undefined && c !== undefined, 'a quadratic has three terms');
  const shift = a.map((value, n) => -b[n]! / (2 * value));
  const alpha = shift.map((value) => Math.max(Math.abs(lo - value), Math.abs(hi - value)));
  return {
    shift,
    alpha,
    monic: [0, 0, 1].map((value) => new Float64Array(a.length).fill(value)),
    beta: a.map((value, n) => value * alpha[n]! ** 2),
    t: c.map((value, n) => value - b[n]! ** 2 / (4 * a[n]!)),
  };
}

function monicAbove(terms: readonly Float64Array<ArrayBuffer>[], alpha: number): Folding {
  const degree = terms.length - 1;
  const leading = terms[degree];
  const constant = terms[0];
  invariant(leading !== undefined && constant !== undefined, 'a polynomial has terms');
  const beta = leading.map((value) => value * alpha ** degree);
  return {
    shift: new Float64Array(leading.length),
    alpha: new Float64Array(leading.length).fill(alpha),
    monic: terms.map((term, power) =>
      term.map((value, n) =>
        power === 0 ? 0 : power === degree ? 1 : (value * alpha ** power) / beta[n]!,
      ),
    ),
    beta,
    t: constant,
  };
}

function isFinite({ shift, alpha, monic, beta, t }: Folding): boolean {
  return [shift, alpha, beta, t, ...monic].every((values) => values.every(Number.isFinite));
}

/** Whether shift, factor, offset or coefficients are more than `maxGrowth` times what was there. */
function grows(
  { alpha, monic, beta, t }: Folding,
  terms: readonly Float64Array<ArrayBuffer>[],
  range: Range,
): boolean {
  const before = magnitudeOver(terms, range);
  return beta.some(
    (value, n) =>
      Math.abs(value) > maxGrowth * before ||
      Math.abs(t[n]! - (terms[0]?.[n] ?? 0)) > maxGrowth * before ||
      alpha[n]! > maxGrowth * magnitude(range) ||
      monic.some((coefficient) => Math.abs(coefficient[n]!) > maxGrowth),
  );
}

/** Largest |p(x)| of any element over the range, constant terms left out: they fold for nothing. */
function magnitudeOver(terms: readonly Float64Array<ArrayBuffer>[], { lo, hi }: Range): number {
  let largest = 0;
  for (let point = 0; point < magnitudePoints; point++) {
    const x = lo + ((hi - lo) * point) / (magnitudePoints - 1);
    for (let n = 0; n < (terms[0]?.length ?? 0); n++) {
      let value = 0;
      for (let power = terms.length - 1; power > 0; power--)
        value = (value + terms[power]![n]!) * x;
      largest = Math.max(largest, Math.abs(value));
    }
  }
  return largest;
}

/** Write β · m((x − shift) / α) + t; fuse-linear merges what stands around m. */
function fold(
  operation: Operation,
  shape: readonly number[],
  { shift, alpha, monic, beta, t }: Folding,
  argument: Range,
  { builder, program, mapped }: Rewriter,
): ValueId {
  const { location } = operation;
  const [x = -1] = operation.operands;
  const before = { location: operationOf(program, x).location };
  const constant = (data: Float64Array<ArrayBuffer>, hint: string): string =>
    builder.constant(shrinkBroadcast({ shape, data }), hint);
  const has = (data: Float64Array<ArrayBuffer>, neutral: number): boolean =>
    data.some((value) => value !== neutral);

  let value = mapped(x);
  if (has(shift, 0)) {
    const offset = constant(
      shift.map((s) => -s),
      'shift',
    );
    value = builder.add('nn.add-constant', [value], { value: offset }, before);
  }
  if (has(alpha, 1)) {
    const factor = constant(
      alpha.map((a) => 1 / a),
      'normalise',
    );
    value = builder.add('nn.scale', [value], { factor }, before);
  }
  const full = operation.type.kind === 'tensor' ? operation.type.shape : shape;
  const coefficients = builder.constant(
    stackCoefficients(
      monic.map((data) => shrinkBroadcast({ shape, data })),
      full,
    ),
    'monic',
  );
  const { range } = operation.type;
  const scaled = range === null ? null : unfoldedRange(range, beta, t, argument);
  value = builder.add(
    'nn.polynomial',
    [value],
    { coefficients },
    scaled === null ? { location } : { location, range: scaled },
  );
  const behind = range === null ? { location } : { location, range };
  if (has(beta, 1)) {
    value = builder.add('nn.scale', [value], { factor: constant(beta, 'leading') }, { location });
  }
  if (has(t, 0)) {
    return builder.add('nn.add-constant', [value], { value: constant(t, 'offset') }, behind);
  }
  return range === null ? value : builder.narrow(value, range);
}

/** Bounds of m over all elements, from those of p = β m + t. */
function unfoldedRange(
  { lo, hi, source }: Range,
  beta: Float64Array<ArrayBuffer>,
  t: Float64Array<ArrayBuffer>,
  argument: Range,
): Range {
  let least = Infinity;
  let most = -Infinity;
  for (let n = 0; n < beta.length; n++) {
    const a = (lo - t[n]!) / beta[n]!;
    const b = (hi - t[n]!) / beta[n]!;
    least = Math.min(least, a, b);
    most = Math.max(most, a, b);
  }
  // What follows from a calibrated range is no proof, on either side.
  const calibrated = source === 'calibrated' || argument.source === 'calibrated';
  return { lo: least, hi: most, source: calibrated ? 'calibrated' : 'proved' };
}
