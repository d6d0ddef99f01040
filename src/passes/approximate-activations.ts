/** Replace activations by polynomials of least squared, or least largest, error on their arguments. */
import { invariant } from '../errors.ts';
import { opContext, rewriteProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import type { Value } from '../ir/define-op.ts';
import { interpret } from '../ir/interpret.ts';
import { tensorOf } from '../ir/nn/values.ts';
import { lookupOp } from '../ir/ops.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { broadcastTo } from '../ir/tensor.ts';
import { shapeOf } from '../ir/types.ts';
import { elementCount } from '../layout/layout.ts';
import { textOf } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { leastChebyshevDegree } from './packing/chebyshev-form.ts';
import { lineOf, wholeLine, writeLine } from './polynomial/argument-line.ts';
import { substituteLine } from './polynomial/chebyshev.ts';
import { evaluatePolynomial } from './polynomial/evaluate.ts';
import { approximateJointly } from './joint/approximate-jointly.ts';
import { elementFunctions, isElementFunction } from './polynomial/element-functions.ts';
import type { ElementFunction, ElementFunctions } from './polynomial/element-functions.ts';
import { histogramOf, sketchActivation } from './polynomial/sketch-activation.ts';
import { polynomialFitter } from './polynomial/least-squares.ts';
import type { Density } from './polynomial/least-squares.ts';
import { minimaxPolynomial } from './polynomial/minimax.ts';
import { fitComposite, isTwoSided, writeComposite } from './polynomial/write-composite.ts';
import { refuseOutside } from './polynomial/refuse-outside.ts';
import { requireSamples } from './ranges/require-samples.ts';
import { announceSamples } from './ranges/announce-samples.ts';
import { samplesOf } from './ranges/samples.ts';
import {
  alsoSeen,
  boundBySeen,
  nothingSeen,
  refuseUnproved,
  seenMagnitude,
  unprovedValue,
  widened,
} from './ranges/seen-range.ts';
import type { Seen, Unproved } from './ranges/seen-range.ts';

/** How far a fit reaches beyond the largest argument seen. */
const fitMargin = 1.25;
/**
 * Share of the uniform density, which keeps the polynomial near the function where nothing was seen.
 *
 * Degree 4 on the ReLU network of examples/mnist, 1,000 test images: a tail of 0.1 gives an accuracy
 * of 96.6 %, 0.01 gives 98.1 %, 0.001 gives 98.1 % with twice the worst error (the original: 99.1 %).
 */
const tail = 0.01;
/** The density of synthetic inputs is not that of real ones. */
const syntheticTail = 0.1;
const bins = 2048;
/** Elements of live values of all samples together: 512 MiB. */
const maxLiveElements = 2 ** 26;

export default definePass({
  name: 'approximate-activations',
  summary:
    'Replace activations by polynomials of least squared or largest error on their arguments.',
  phase: 'nn',
  run(program, context) {
    if (!program.operations.some(isElementFunction)) return program;
    requireSamples(program, context);
    if (context.options.accuracyBudget !== null) return approximateJointly(program, context);
    const samples = samplesOf(program, context);
    const peak = peakLiveElements(program);
    const kept = evenlyChosen(samples.images, Math.max(1, Math.floor(maxLiveElements / peak)));
    context.work?.hold(8 * peak * kept.length);
    // With the exact functions and with the polynomials, and once more for the fits.
    announceSamples(program, 3 * kept.length, context.work);
    const images = kept.map((image) => image());
    const share = samples.synthetic ? syntheticTail : tail;
    const lastUse = lastUses(program);
    // Samples of every value still needed, by its number in the new program.
    const values = new Map<ValueId, Value[]>();
    const outputs = new Map<ValueId, Value[]>(program.outputs.map(({ value }) => [value, []]));
    const changed = new Set<ValueId>();
    const unproved: Unproved[] = [];
    const result = rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
      const operands = operation.operands.map(mapped);
      const isActivation = isElementFunction(operation);
      let value: ValueId;
      if (isActivation) {
        value = approximate(operation, operands, values, builder, context, share);
      } else if (operation.operands.some((operand) => changed.has(operand))) {
        // The old bounds were those of the exact activations.
        const { location } = operation;
        value = builder.add(operation.op, operands, operation.attributes, { location });
      } else {
        value = keep();
      }
      const own = valuesOf(value, values, images, builder);
      values.set(value, own);
      if (outputs.has(id)) outputs.set(id, own);
      if (isActivation || operation.operands.some((operand) => changed.has(operand))) {
        changed.add(id);
        const seen = own.reduce(alsoSeen, nothingSeen);
        if (context.options.requireRangeProof) {
          const offence = unprovedValue(builder, value, seen);
          if (offence !== null) unproved.push(offence);
        } else {
          boundBySeen(builder, value, seen, samples);
        }
      }
      operation.operands.forEach((operand, k) => {
        if (lastUse[operand] === id) values.delete(operands[k] ?? -1);
      });
      return value;
    });
    refuseUnproved(unproved);
    noteOutputErrors(program, outputs, images, context);
    return result;
  },
});

function lastUses(program: Program): number[] {
  const last = program.operations.map((_, id) => id);
  program.operations.forEach((operation, id) => {
    for (const operand of operation.operands) last[operand] = id;
  });
  return last;
}

/** The most elements of values of one image that are alive at once. */
function peakLiveElements(program: Program): number {
  const sizes = program.operations.map(({ type }) => elementCount(shapeOf(type)));
  const ending = program.operations.map(() => 0);
  lastUses(program).forEach((use, value) => (ending[use]! += sizes[value]!));
  let live = 0;
  let peak = 1;
  program.operations.forEach((_, id) => {
    live += sizes[id]!;
    peak = Math.max(peak, live);
    live -= ending[id]!;
  });
  return peak;
}

function evenlyChosen<T>(images: readonly T[], most: number): readonly T[] {
  const count = Math.min(images.length, most);
  return Array.from({ length: count }, (_, n) => images[Math.floor((n * images.length) / count)]!);
}

function inputOf(image: ReadonlyMap<string, Value>, input: Operation): Value {
  const value = image.get(textOf(input, 'name'));
  invariant(value !== undefined, 'samples hold every input');
  return value;
}

/** A value of every sample; of what was written to make it, only what is not known. */
function valuesOf(
  value: ValueId,
  values: ReadonlyMap<ValueId, readonly Value[]>,
  images: readonly ReadonlyMap<string, Value>[],
  builder: ProgramBuilder,
): Value[] {
  const made = builder.operation(value);
  if (made.op === 'nn.input') return images.map((image) => inputOf(image, made));
  const operands = made.operands.map(
    (operand) =>
      [operand, values.get(operand) ?? valuesOf(operand, values, images, builder)] as const,
  );
  return evaluateAll(made, new Map(operands), images.length, builder);
}

/** An operation on every sample. */
function evaluateAll(
  { op, operands, attributes, location }: Operation,
  values: ReadonlyMap<ValueId, readonly Value[]>,
  count: number,
  builder: ProgramBuilder,
): Value[] {
  const definition = lookupOp(op);
  const types = operands.map((operand) => builder.typeOf(operand));
  const context = {
    ...opContext(new Map(), null, location),
    constant: (reference: string) => builder.constantValue(reference),
  };
  return Array.from({ length: count }, (_, n) => {
    const own = operands.map((operand) => {
      const value = values.get(operand)?.[n];
      invariant(value !== undefined, `samples of %${operand} are alive`);
      return value;
    });
    return definition.evaluate(own, types, attributes, context);
  });
}

/** Write the polynomial that replaces an activation; returns its value, not yet bounded by samples. */
function approximate(
  operation: Operation,
  operands: readonly ValueId[],
  values: ReadonlyMap<ValueId, readonly Value[]>,
  builder: ProgramBuilder,
  { options, note }: PassContext,
  tailShare: number,
): ValueId {
  const [x = -1] = operands;
  const seen = values.get(x) ?? [];
  const samples = seen.map((value) => tensorOf(value).data);
  const replaced = elementFunctions(operation, (reference) => builder.constantValue(reference));
  const parity = parityOf(replaced.distinct);
  const range = fitRange(builder, x, seen.reduce(alsoSeen, nothingSeen), parity);
  refuseOutside(operation, replaced.distinct, range);
  const { location } = operation;
  const proved = options.requireRangeProof;
  const record = (
    method: string,
    degree: number,
    approximations: readonly ((x: number) => number)[],
  ): void => {
    note({
      kind: 'approximation',
      node: location,
      op: replaced.name,
      method,
      degree,
      range,
      ...errorsOf(replaced, approximations, samples, shapeOf(builder.typeOf(x))),
      sketch: sketchActivation(replaced.distinct[0]!.evaluate, approximations[0]!, samples, range),
    });
  };
  if (options.activationFit === 'composite-sign' && isTwoSided(replaced)) {
    const fit = fitComposite(replaced, range, options.signPrecision);
    record(fit.method, fit.degree, fit.values);
    return writeComposite(builder, x, fit, replaced, { proved, location });
  }
  const mirrored = parity !== null && range[0] === -range[1];
  const { activationDegree: degree } = options;
  // What has no two sides is nearest in the largest error, as the sign is.
  const method = options.activationFit === 'least-squares' ? 'least-squares' : 'minimax';
  let line = lineOf(range, degree);
  const within = range.map(line.of) as [number, number];
  const density = densityOf(samples, range, tailShare, mirrored);
  const fit =
    method === 'minimax'
      ? minimaxFitter(within, degree, mirrored ? parity : null)
      : polynomialFitter({ ...density, points: density.points.map(line.of) }, within, degree);
  let polynomials = replaced.distinct.map(({ evaluate }) => fit((u) => evaluate(line.at(u))));
  const terms = Math.max(...polynomials.map(({ length }) => length));
  if (terms <= leastChebyshevDegree) {
    const { centre, half } = line;
    polynomials = polynomials.map((coefficients) => substituteLine(coefficients, centre, half));
    line = wholeLine;
  }
  const approximations = polynomials.map(
    (coefficients) =>
      (x: number): number =>
        evaluatePolynomial(coefficients, line.of(x)),
  );
  record(method, terms - 1, approximations);
  const { shape, which } = replaced;
  const data = new Float64Array(terms * which.length);
  which.forEach((place, n) => {
    polynomials[place]?.forEach((coefficient, power) => {
      data[power * which.length + n] = coefficient;
    });
  });
  const constant = builder.constant(
    { shape: [terms, ...shape], data },
    `${location ?? 'activation'}.coefficients`,
  );
  const u = writeLine(builder, x, line, proved, location);
  return builder.add('nn.polynomial', [u], { coefficients: constant }, { location });
}

/** Fits polynomials of least largest error; only the right half counts where the function has a parity. */
function minimaxFitter(
  [lo, hi]: readonly [number, number],
  degree: number,
  parity: 'even' | 'odd' | null,
): (f: (x: number) => number) => readonly number[] {
  if (parity === null) return (f) => minimaxPolynomial(f, [lo, hi], degree).coefficients;
  return (f) => {
    // Odd is a function that is odd about its value at 0.
    const centre = parity === 'odd' ? f(0) : 0;
    const { coefficients } = minimaxPolynomial((x) => f(x) - centre, [0, hi], degree, parity);
    const [constant = 0, ...others] = coefficients;
    return [constant + centre, ...others];
  };
}

/** A range so near to a symmetric one is made symmetric for even and odd functions. */
const nearlySymmetric = 0.8;

/** What was seen and a margin, inside what is known for certain. */
function fitRange(
  builder: ProgramBuilder,
  x: ValueId,
  seen: Seen,
  parity: 'even' | 'odd' | null,
): readonly [number, number] {
  const { range } = builder.typeOf(x);
  const { lo, hi } = seenMagnitude(seen) > 0 ? widened(seen, fitMargin) : { lo: -1, hi: 1 };
  const proved = range !== null && range.source !== 'calibrated';
  const low = proved ? Math.max(lo, range.lo) : lo;
  const high = proved ? Math.min(hi, range.hi) : hi;
  const [least, most] = low < high ? [low, high] : [lo, hi];
  const larger = Math.max(-least, most);
  const symmetric = parity !== null && Math.min(-least, most) >= nearlySymmetric * larger;
  // Half of the coefficients vanish then.
  return symmetric ? [-larger, larger] : [least, most];
}

function parityOf(functions: readonly ElementFunction[]): 'even' | 'odd' | null {
  const [first, ...others] = functions.map(({ parity }) => parity);
  return first !== undefined && others.every((other) => other === first) ? first : null;
}

/** The histogram of all samples, mixed with the uniform density; mirrored where that is asked. */
function densityOf(
  samples: readonly Float64Array[],
  [lo, hi]: readonly [number, number],
  tailShare: number,
  mirrored: boolean,
): Density {
  const counts = histogramOf(samples, [lo, hi], bins);
  const total = samples.reduce((sum, data) => sum + data.length, 0);
  const shares = mirrored ? counts.map((count, n) => (count + counts[bins - 1 - n]!) / 2) : counts;
  return {
    points: counts.map((_, n) => lo + ((n + 0.5) * (hi - lo)) / bins),
    weights: shares.map(
      (count) => (1 - tailShare) * (count / Math.max(1, total)) + tailShare / bins,
    ),
  };
}

function errorsOf(
  { distinct, shape, which }: ElementFunctions,
  polynomials: readonly ((x: number) => number)[],
  samples: readonly Float64Array[],
  full: readonly number[],
): { rmsError: number; maxError: number } {
  const places = broadcastTo({ shape, data: Float64Array.from(which) }, full).data;
  let squares = 0;
  let count = 0;
  let maxError = 0;
  for (const data of samples) {
    data.forEach((x, n) => {
      const place = places[n]!;
      const error = polynomials[place]!(x) - distinct[place]!.evaluate(x);
      squares += error * error;
      maxError = Math.max(maxError, Math.abs(error));
    });
    count += data.length;
  }
  return { rmsError: Math.sqrt(squares / Math.max(1, count)), maxError };
}

/** State how far the outputs have moved from those of the exact functions, on the samples. */
function noteOutputErrors(
  program: Program,
  approximated: ReadonlyMap<ValueId, readonly Value[]>,
  images: readonly ReadonlyMap<string, Value>[],
  { note }: PassContext,
): void {
  const { outputs } = program;
  const totals = outputs.map(() => ({ worst: 0, squares: 0, count: 0 }));
  images.forEach((image, n) => {
    const exact = interpret(program, image);
    outputs.forEach(({ name, value }, k) => {
      const [wanted, got] = [exact.get(name), approximated.get(value)?.[n]];
      const { data } = tensorOf(got);
      const total = totals[k]!;
      tensorOf(wanted).data.forEach((x, i) => {
        const error = Math.abs(x - data[i]!);
        total.worst = Math.max(total.worst, error);
        total.squares += error * error;
      });
      total.count += data.length;
    });
  });
  outputs.forEach(({ name }, k) => {
    const { worst, squares, count } = totals[k]!;
    const rms = Math.sqrt(squares / Math.max(1, count));
    note({ kind: 'approximation-error', output: name, worst, rms });
  });
}
