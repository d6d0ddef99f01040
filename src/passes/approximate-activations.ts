/** Replace activations by polynomials of least squared error under the density of their arguments. */
import { invariant } from '../errors.ts';
import { opContext, rewriteProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import type { Value } from '../ir/define-op.ts';
import { activationFunction } from '../ir/nn/activation-functions.ts';
import type { ActivationName } from '../ir/nn/activation-functions.ts';
import { tensorOf } from '../ir/nn/values.ts';
import { lookupOp } from '../ir/ops.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { shapeOf } from '../ir/types.ts';
import { elementCount } from '../layout/layout.ts';
import { textOf } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { fitPolynomial } from './polynomial/least-squares.ts';
import type { Density } from './polynomial/least-squares.ts';
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
import { unsupportedNodes } from './unsupported-nodes.ts';

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
    'Replace activations by polynomials of least squared error under the density of their arguments.',
  phase: 'nn',
  run(program, context) {
    const activations = program.operations.filter(({ op }) => op === 'nn.activation');
    if (activations.length === 0) return program;
    if (context.calibration === null && !context.options.inputRangeGiven) {
      throw unsupportedNodes(
        activations,
        'the range of their arguments is needed to replace them by polynomials',
        '--calibration X.npy with inputs as the model will see them, or --input-range LO,HI',
      );
    }
    const samples = samplesOf(program, context);
    const images = affordable(program, samples.images);
    const share = samples.synthetic ? syntheticTail : tail;
    const lastUse = lastUses(program);
    // Samples of every value still needed, by its number in the new program.
    const values = new Map<ValueId, Value[]>();
    const changed = new Set<ValueId>();
    const unproved: Unproved[] = [];
    const result = rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
      const operands = operation.operands.map(mapped);
      const isActivation = operation.op === 'nn.activation';
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
      const made = builder.operation(value);
      const own =
        made.op === 'nn.input'
          ? images.map((image) => inputOf(image, made))
          : evaluateAll(made, values, images.length, builder);
      values.set(value, own);
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

/** As many images, evenly chosen, as the live values of all of them leave room for. */
function affordable<T>(program: Program, images: readonly T[]): readonly T[] {
  const last = lastUses(program);
  let live = 0;
  let peak = 1;
  program.operations.forEach((operation, id) => {
    live += elementCount(shapeOf(operation.type));
    peak = Math.max(peak, live);
    last.forEach((use, value) => {
      if (use === id) live -= elementCount(shapeOf(program.operations[value]!.type));
    });
  });
  const count = Math.min(images.length, Math.max(1, Math.floor(maxLiveElements / peak)));
  return Array.from({ length: count }, (_, n) => images[Math.floor((n * images.length) / count)]!);
}

function inputOf(image: ReadonlyMap<string, Value>, input: Operation): Value {
  const value = image.get(textOf(input, 'name'));
  invariant(value !== undefined, 'samples hold every input');
  return value;
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
  const samples = (values.get(x) ?? []).map((value) => tensorOf(value).data);
  const activation = activationFunction(textOf(operation, 'function') as ActivationName);
  const parameters = operation.attributes.parameters as Readonly<Record<string, number>>;
  const f = (argument: number): number => activation.evaluate(argument, parameters);
  const range = fitRange(builder, x, (values.get(x) ?? []).reduce(alsoSeen, nothingSeen));
  const coefficients = fitPolynomial(
    f,
    densityOf(samples, range, tailShare),
    range,
    options.activationDegree,
  );
  const { location } = operation;
  note({
    kind: 'approximation',
    node: location,
    op: textOf(operation, 'function'),
    method: 'least-squares',
    degree: coefficients.length - 1,
    range,
    ...errorsOf(f, coefficients, samples),
  });
  const constant = builder.constant(
    { shape: [coefficients.length], data: Float64Array.from(coefficients) },
    `${location ?? 'activation'}.coefficients`,
  );
  return builder.add('nn.polynomial', [x], { coefficients: constant }, { location });
}

/** What was seen and a margin, inside what is known for certain. */
function fitRange(builder: ProgramBuilder, x: ValueId, seen: Seen): readonly [number, number] {
  const { range } = builder.typeOf(x);
  const { lo, hi } = seenMagnitude(seen) > 0 ? widened(seen, fitMargin) : { lo: -1, hi: 1 };
  const proved = range !== null && range.source !== 'calibrated';
  const low = proved ? Math.max(lo, range.lo) : lo;
  const high = proved ? Math.min(hi, range.hi) : hi;
  return low < high ? [low, high] : [lo, hi];
}

/** The histogram of all samples, mixed with the uniform density. */
function densityOf(
  samples: readonly Float64Array[],
  [lo, hi]: readonly [number, number],
  tailShare: number,
): Density {
  const counts = new Float64Array(bins);
  let total = 0;
  for (const data of samples) {
    for (const x of data) {
      const bin = Math.floor(((x - lo) / (hi - lo)) * bins);
      counts[Math.min(bins - 1, Math.max(0, bin))]! += 1;
    }
    total += data.length;
  }
  return {
    points: counts.map((_, n) => lo + ((n + 0.5) * (hi - lo)) / bins),
    weights: counts.map(
      (count) => (1 - tailShare) * (count / Math.max(1, total)) + tailShare / bins,
    ),
  };
}

function errorsOf(
  f: (x: number) => number,
  coefficients: readonly number[],
  samples: readonly Float64Array[],
): { rmsError: number; maxError: number } {
  let squares = 0;
  let count = 0;
  let maxError = 0;
  for (const data of samples) {
    for (const x of data) {
      const error = coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0) - f(x);
      squares += error * error;
      maxError = Math.max(maxError, Math.abs(error));
    }
    count += data.length;
  }
  return { rmsError: Math.sqrt(squares / Math.max(1, count)), maxError };
}
