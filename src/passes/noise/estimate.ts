/**
 * Static error of every value of a ckks program.
 *
 * The error of a slot is kept as a variance (real part, message units) and, apart, as the bound of
 * the few slots in which SEAL's uncentred key-switching digits gather their error. Formulas: the
 * table in docs/noise.md, which follows Costache et al., "On the precision loss in approximate
 * homomorphic encryption", SAC 2023, and the project's own measurements.
 */
import { InternalError, invariant } from '../../errors.ts';
import { constantAttribute, numbersOf, textOf } from '../../ir/attribute-values.ts';
import { opContext } from '../../ir/build.ts';
import { neverRotates } from '../../ir/ckks/group-products.ts';
import { forEachRun } from '../../ir/map-runs.ts';
import { affineOf } from '../../ir/nn/linear.ts';
import type { AffineAttributes } from '../../ir/nn/linear.ts';
import { foldChains, methodSteps } from '../../ir/ckks/method-steps.ts';
import type { ComposedMethod } from '../../ir/ckks/method-steps.ts';
import { chainOf } from '../../ir/packed/compositions.ts';
import { methodSchema } from '../../ir/packed/linear.ts';
import { operationOf } from '../../ir/program.ts';
import type { Modulus, Operation, Program } from '../../ir/program.ts';
import { fromText, toNumber } from '../../ir/rational.ts';
import { magnitude } from '../../ir/types.ts';
import type { CiphertextType } from '../../ir/types.ts';
import { slottedType } from '../../ir/packed/values.ts';
import { elementCount } from '../../layout/layout.ts';
import { distinctDiagonals } from '../packing/plan-linear.ts';
import {
  digitRatios,
  digitsOf,
  encodingVariance,
  errorVariance,
  freshCoefficient,
  roundingCoefficient,
  slotVariance,
  switchCoefficient,
} from './primitives.ts';
import type { Digits } from './primitives.ts';
import { mostDeviations } from './tails.ts';

/** Slots in which uncentred digits gather their error (seen: 0, 1, and four others at N = 2^13). */
const badSlots = 6;

export interface ErrorEstimate {
  /** Variance of the error of a slot, message units squared. */
  readonly variance: number;
  /** Part of the variance that is proportional to |s(ζ_j)|² of the slot itself: what rescales add. */
  readonly secret: number;
  /** Bound of the error in the worst slots, beyond the variance. */
  readonly worst: number;
}

const noError: ErrorEstimate = { variance: 0, secret: 0, worst: 0 };

/**
 * Error that one key switch adds at a level and scale.
 *
 * With one special prime digits are in [0, q_j), as SEAL takes them, since every evaluator runs such a
 * plan. With several they are centred: N σ² Σ D² / 12 / P² and the rounding, spread over all slots.
 */
export function keySwitchError(
  modulus: Modulus,
  level: number,
  scale: number,
  digits: Digits = 'uncentred',
): ErrorEstimate {
  const n = modulus.ringDegree;
  const coefficient = switchCoefficient(modulus, level, digits) + roundingCoefficient(n);
  const variance = slotVariance(n, coefficient, scale);
  const secret = slotVariance(n, roundingCoefficient(n), scale);
  if (digitsOf(modulus, digits) === 'centred') return { variance, secret, worst: 0 };
  // Worst slot: Σ D · N / (π P) · |e(ζ)|, with |e(ζ)| ≈ σ √N.
  const { sum } = digitRatios(modulus, level);
  const worst = ((sum * n) / Math.PI) * Math.sqrt(errorVariance * n);
  return { variance, secret, worst: worst / scale };
}

/**
 * Root mean square of the slots of a value: a quarter of its bound. Activations are heavy-tailed and
 * calibrated bounds hold a margin, so on the example networks it is an eighth or less. What a fold
 * leaves between the elements are sums of parts of two of them, typically of the same size, though all
 * that is proved of them is a far larger bound.
 */
function typicalMagnitude(type: CiphertextType): number {
  return magnitude(type.range) / 4;
}

/** Estimate the error of every value. Cost: one pass over the entries of every linear map. */
export function estimateErrors(program: Program): ErrorEstimate[] {
  const { modulus } = program;
  invariant(modulus !== null, 'errors are estimated once the modulus is chosen');
  const errors: ErrorEstimate[] = [];
  for (const operation of program.operations)
    errors.push(estimateOperation(program, modulus, operation, errors));
  return errors;
}

function ciphertextType(operation: Operation): CiphertextType & { level: number } {
  const { type } = operation;
  invariant(type.kind === 'ciphertext' && type.level !== null, 'levels are chosen');
  return { ...type, level: type.level };
}

function scaleOf(type: CiphertextType): number {
  invariant(type.scale !== null, 'scales are chosen');
  return toNumber(type.scale);
}

interface LinearNorms {
  /** Largest sum of squares of a row, and of fourth powers. */
  readonly squares: number;
  readonly fourths: number;
  /** Most entries of a row. */
  readonly longest: number;
  /** Products that reach one slot of the result: diagonals of its ciphertext, times the parts folded. */
  readonly products: number;
  /** A batch layout: the slot of a result has errors of the same slot of the inputs alone. */
  readonly inPlace: boolean;
}

function normsOf(program: Program, operation: Operation): LinearNorms {
  const types = operation.operands.map((operand) => operationOf(program, operand).type);
  const attributes = operation.attributes as unknown as AffineAttributes;
  const context = opContext(program.constants, program.modulus, operation.location);
  const affine = affineOf(types, attributes, context);
  const size = elementCount(attributes.shape);
  const squares = new Float64Array(size);
  const fourths = new Float64Array(size);
  const counts = new Float64Array(size);
  for (const map of affine.maps) {
    forEachRun(map.segments, 'longest', (out, _, weight, run) => {
      let o = out;
      for (let n = 0; n < run.count; n++, o += run.out) {
        const w = map.weights[weight + n * run.weight]!;
        squares[o]! += w * w;
        fourths[o]! += w ** 4;
        counts[o]! += 1;
      }
    });
  }
  const largest = (values: Float64Array): number =>
    values.reduce((most, value) => Math.max(most, value), 0);
  const { layout } = ciphertextType(operation);
  const inputs = types.map((type) => slottedType(type).layout);
  const fold = methodSchema.nullable().parse(operation.attributes['method'])?.fold ?? null;
  // In a batch layout a diagonal is one number, whose rounding is known.
  const inPlace = neverRotates(inputs, layout);
  const diagonals = inPlace
    ? 0
    : distinctDiagonals(affine.maps, inputs, layout, fold).rotation.length / layout.ciphertexts;
  return {
    squares: largest(squares),
    fourths: largest(fourths),
    // A map of zeros has no entry.
    longest: Math.max(1, largest(counts)),
    products: diagonals * (fold?.count ?? 1),
    inPlace,
  };
}

/**
 * What rounding the weights of a batch layout adds to a row, over the square of the inputs' typical
 * magnitude: the largest Σ δ² + (Σ δ)².
 *
 * The weights are known, and so is each rounding δ. Inputs that are independent of each other make
 * Σ δ² of it, inputs that are all alike (Σ δ)².
 */
function roundingOfNumbers(
  program: Program,
  operation: Operation,
  scales: readonly number[],
): number {
  const types = operation.operands.map((operand) => operationOf(program, operand).type);
  const attributes = operation.attributes as unknown as AffineAttributes;
  const context = opContext(program.constants, program.modulus, operation.location);
  const size = elementCount(attributes.shape);
  const squares = new Float64Array(size);
  const sums = new Float64Array(size);
  affineOf(types, attributes, context).maps.forEach((map, k) => {
    const scale = scales[k] ?? 1;
    forEachRun(map.segments, 'longest', (out, _, weight, run) => {
      let o = out;
      for (let n = 0; n < run.count; n++, o += run.out) {
        const scaled = map.weights[weight + n * run.weight]! * scale;
        const delta = (Math.round(scaled) - scaled) / scale;
        squares[o]! += delta * delta;
        sums[o]! += delta;
      }
    });
  });
  return squares.reduce((most, sum, o) => Math.max(most, sum + sums[o]! ** 2), 0);
}

/** Variances of giant steps and folds in a slot of the result: all is doubled by each fold. */
function foldVariance(chains: readonly (readonly number[])[]): number {
  return chains.reduce((sum, chain) => 2 * sum + chain.length - 1, 1);
}

/** Most rotations of an input one after the other: one where none is composed. */
function longestChain(method: ComposedMethod | null, slots: number): number {
  if (method === null) return 1;
  const { inputs } = methodSteps(method);
  const lengths = [...inputs.keys()].map((rotation) => chainOf(inputs, rotation, slots).length);
  return Math.max(1, ...lengths);
}

function estimateOperation(
  program: Program,
  modulus: Modulus,
  operation: Operation,
  errors: readonly ErrorEstimate[],
): ErrorEstimate {
  const n = modulus.ringDegree;
  const type = ciphertextType(operation);
  const scale = scaleOf(type);
  const operand = (k: number): ErrorEstimate => {
    const error = errors[operation.operands[k] ?? -1];
    invariant(error !== undefined, 'operands are estimated first');
    return error;
  };
  const operandType = (k: number): CiphertextType & { level: number } =>
    ciphertextType(operationOf(program, operation.operands[k] ?? -1));
  /** Rounding of a plaintext: real vectors have a real error of variance N / (12 S²). */
  const encoding = (at: number): number => encodingVariance(n, at);
  /** A product with a plaintext of elements up to `factor`. */
  const plainProduct = (factor: number): ErrorEstimate => {
    const plain = toNumber(fromText(textOf(operation, 'plainScale')));
    const x = typicalMagnitude(operandType(0));
    return {
      variance: factor * factor * operand(0).variance + x * x * encoding(plain),
      secret: factor * factor * operand(0).secret,
      worst: factor * operand(0).worst,
    };
  };
  switch (operation.op) {
    case 'ckks.input':
      return {
        variance: slotVariance(n, freshCoefficient, scale) + encoding(scale),
        secret: 0,
        worst: 0,
      };
    case 'ckks.linear': {
      const { squares, fourths, longest, products, inPlace } = normsOf(program, operation);
      const method = methodSchema.nullable().parse(operation.attributes['method']);
      const plainScales = operation.attributes['plainScales'] as readonly string[];
      const scales = operation.operands.map((_, k) => toNumber(fromText(plainScales[k] ?? '1')));
      const sizes = operation.operands.map((_, k) => typicalMagnitude(operandType(k)));
      let variance = inPlace
        ? Math.max(...sizes) ** 2 * roundingOfNumbers(program, operation, scales)
        : 0;
      let secret = 0;
      let worst = 0;
      const chain = longestChain(method, type.layout.slots);
      operation.operands.forEach((_, k) => {
        const from = operandType(k);
        const [plain = 1, size = 0] = [scales[k], sizes[k]];
        const once = keySwitchError(modulus, from.level, scaleOf(from));
        // Rotations one after the other each add their error.
        const switches = inPlace ? 0 : chain;
        const switched = { variance: switches * once.variance, worst: switches * once.worst };
        // Every diagonal is rounded in every slot, also where it holds zero.
        variance +=
          squares * (operand(k).variance + switched.variance) +
          products * size * size * encoding(plain);
        // Secrets of different slots are independent: their sum is nearly normal, with the excess
        // kurtosis of one Laplace error of this variance.
        secret += (inPlace ? squares : Math.sqrt(fourths)) * operand(k).secret;
        // Only a few slots are bad. Of the terms of a row the bad slots of the input meet a few, and
        // those that key switching makes meet one per baby step (about √ of the terms).
        const inherited = Math.sqrt((squares * Math.min(longest, badSlots)) / longest);
        const made = Math.sqrt(squares / Math.sqrt(longest));
        worst += inherited * operand(k).worst + made * switched.worst;
      });
      // Giant steps and folds switch keys at the scale of the product.
      const late = inPlace ? noError : keySwitchError(modulus, type.level, scale);
      const chains = method === null ? [] : foldChains(method, type.layout.slots);
      const folds = chains.flat().length;
      return {
        variance: variance + (1 + foldVariance(chains)) * late.variance,
        secret: secret + late.secret,
        worst: worst + (1 + folds) * late.worst,
      };
    }
    case 'ckks.multiply': {
      const [a, b] = [operand(0), operand(1)];
      const [x, y] = [typicalMagnitude(operandType(0)), typicalMagnitude(operandType(1))];
      return {
        variance: x * x * b.variance + y * y * a.variance + a.variance * b.variance,
        secret: x * x * b.secret + y * y * a.secret,
        worst: x * b.worst + y * a.worst,
      };
    }
    case 'ckks.square': {
      const a = operand(0);
      const x = typicalMagnitude(operandType(0));
      return {
        variance: 4 * x * x * a.variance + 3 * a.variance ** 2,
        secret: 4 * x * x * a.secret,
        worst: 2 * x * a.worst,
      };
    }
    case 'ckks.relinearize': {
      const switched = keySwitchError(modulus, type.level, scale);
      return {
        variance: operand(0).variance + switched.variance,
        secret: operand(0).secret + switched.secret,
        worst: operand(0).worst + switched.worst,
      };
    }
    case 'ckks.rescale': {
      const rounding = slotVariance(n, roundingCoefficient(n, type.size), scale);
      return {
        variance: operand(0).variance + rounding,
        secret: operand(0).secret + rounding,
        worst: operand(0).worst,
      };
    }
    case 'ckks.level-drop':
      return operand(0);
    case 'ckks.add':
    case 'ckks.sub':
      return {
        variance: operand(0).variance + operand(1).variance,
        secret: operand(0).secret + operand(1).secret,
        worst: operand(0).worst + operand(1).worst,
      };
    case 'ckks.add-constant':
    case 'ckks.add-public':
      return { ...operand(0), variance: operand(0).variance + encoding(scale) };
    case 'ckks.multiply-constant': {
      const value = constantAttribute(program, operation, 'value');
      return plainProduct(value.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
    }
    case 'ckks.multiply-public':
      return plainProduct(Math.max(...numbersOf(operation, 'range').map(Math.abs)));
    default:
      throw new InternalError(`estimate-noise has no rule for ${operation.op}`);
  }
}

/**
 * Predicted precision of the outputs in bits: −log2(worst slot's error / largest value).
 *
 * `margin` is how many times the largest value seen a range holds.
 */
export function predictedPrecision(
  program: Program,
  errors: readonly ErrorEstimate[],
  margin: number,
): number {
  const { modulus } = program;
  invariant(modulus !== null, 'errors are estimated once the modulus is chosen');
  return Math.min(
    ...program.outputs.map(({ value }) => {
      const error = errors[value];
      const type = operationOf(program, value).type;
      invariant(error !== undefined, 'outputs are estimated');
      const share = error.variance > 0 ? Math.min(1, error.secret / error.variance) : 0;
      const deviations = mostDeviations(modulus.ringDegree / 2, share);
      const worst = error.worst + deviations * Math.sqrt(error.variance);
      // A proof bounds what can be, like a margin: what is seen stays far below either.
      const seen = magnitude(type.range) / (type.range?.source === 'declared' ? 1 : margin);
      return Math.log2(Math.max(seen, 2 ** -40) / worst);
    }),
  );
}
