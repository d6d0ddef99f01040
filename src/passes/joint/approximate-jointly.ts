/**
 * Replace activations by polynomials whose degrees are chosen together, for an accuracy budget.
 *
 * Cheapest first: of all combinations of degrees the first that meets the budget, measured on the
 * network with its polynomials over calibration data, is taken.
 */
import { CipherloomError, invariant } from '../../errors.ts';
import { rewriteProgram } from '../../ir/build.ts';
import type { ProgramBuilder } from '../../ir/build.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import type { PassContext } from '../define-pass.ts';
import type { CompileOptions } from '../options.ts';
import { absorbsFactor } from '../linear/absorbs-factor.ts';
import { productsOf } from '../linear/count-products.ts';
import { substituteLine } from '../polynomial/chebyshev.ts';
import { shrinkBroadcast, stackCoefficients } from '../polynomial/coefficients.ts';
import { evaluatePolynomial } from '../polynomial/evaluate.ts';
import { refuseOutside } from '../polynomial/refuse-outside.ts';
import { sketchActivation } from '../polynomial/sketch-activation.ts';
import { announceSamples } from '../ranges/announce-samples.ts';
import { samplesOf } from '../ranges/samples.ts';
import type { Samples } from '../ranges/samples.ts';
import { boundBySeen, refuseUnproved, unprovedValue } from '../ranges/seen-range.ts';
import type { Seen, Unproved } from '../ranges/seen-range.ts';
import { chooseCandidates } from './choose-candidates.ts';
import { elementGroups } from './element-groups.ts';
import { applyGroups } from './fit-groups.ts';
import type { GroupPolynomial } from './fit-groups.ts';
import { activationsOf, lastUses, runExact, sampleInputs } from './network-runs.ts';
import type { Activation } from './network-runs.ts';
import { evaluateOnSamples } from './sample-matrix.ts';
import type { SampleMatrix } from './sample-matrix.ts';

/** Images that polynomials are fitted to, and those that a choice is measured on besides, at most. */
const maxFitted = 1024;
export const maxMeasured = 2048;
/** Elements of the values that are held of all samples: 256 MiB. */
const maxHeldElements = 2 ** 25;

/**
 * The program with polynomials for its activations.
 *
 * Throws ACCURACY_UNREACHABLE, MODEL_UNSUPPORTED; PARAMETERS_INVALID for a fit that is not searched.
 */
export function approximateJointly(program: Program, context: PassContext): Program {
  refuseOtherFits(context.options);
  const samples = samplesOf(program, context, maxMeasured);
  const perImage = program.operations.reduce(
    (sum, { type }) => sum + elementCount(shapeOf(type)),
    0,
  );
  const affordable = Math.max(1, Math.floor(maxHeldElements / perImage));
  const fitted = Math.min(samples.images.length, maxFitted, affordable);
  announceSamples(program, samples.images.length, context.work);
  context.work?.hold(8 * perImage * fitted);
  // Every so many images are fitted to: a file may be sorted by class.
  const isFitted = (n: number): boolean =>
    Math.floor(((n + 1) * fitted) / samples.images.length) >
    Math.floor((n * fitted) / samples.images.length);
  const inputs = sampleInputs(samples.images.filter((_, n) => isFitted(n)).map((own) => own()));
  const held = samples.images.filter((_, n) => !isFitted(n));

  const { madeByMatrix, readers } = absorbsFactor(program);
  const activations = activationsOf(program, (id, functions) => {
    const [x = -1] = operationOf(program, id).operands;
    const scalable = madeByMatrix(x) && readers(x) === 1;
    const shape = shapeOf(operationOf(program, x).type);
    const wanted = scalable ? 'channels' : 'functions';
    return { scalable, groups: elementGroups(functions, shape, fitted, wanted) };
  });
  const exact = runExact(program, activations, inputs);
  const products = productsOf(program).reduce((sum, own) => sum + own.products, 0);
  const { pricePlan, ...rest } = context;
  const quiet: PassContext = { ...rest, warn: () => undefined, note: () => undefined };
  const choice = chooseCandidates(program, activations, exact, {
    context,
    products,
    pricePlan:
      pricePlan === undefined
        ? null
        : (polynomials, work) =>
            pricePlan(write(program, activations, polynomials, exact, samples, quiet), work),
    // In pieces of what was fitted to: all at once would not fit into memory.
    held: Array.from({ length: Math.ceil(held.length / fitted) }, (_, piece) => {
      const own = held.slice(piece * fitted, (piece + 1) * fitted);
      return { count: own.length, inputs: () => sampleInputs(own.map((sample) => sample())) };
    }),
    synthetic: samples.synthetic,
  });
  context.note(choice.note);
  return write(program, activations, choice.polynomials, exact, samples, context);
}

/** What is chosen together are single polynomials of least squared error. */
function refuseOtherFits({ activationFit }: CompileOptions): void {
  if (activationFit === 'least-squares') return;
  throw new CipherloomError(
    'PARAMETERS_INVALID',
    `--accuracy-budget chooses among polynomials of least squared error, --activation-fit ${activationFit} is another fit`,
    {
      phase: 'nn',
      details: { activationFit },
      hint: `--accuracy-budget alone, or --activation-fit ${activationFit} without it`,
    },
  );
}

/** Write the polynomials, and bound every value behind them by what is seen of it. */
function write(
  program: Program,
  activations: readonly Activation[],
  polynomials: readonly (readonly GroupPolynomial[])[],
  exact: ReturnType<typeof runExact>,
  samples: Samples,
  context: PassContext,
): Program {
  const last = lastUses(program);
  const live = new Map<ValueId, SampleMatrix>();
  const changed = new Set<ValueId>();
  const unproved: Unproved[] = [];
  const outputs = new Map<ValueId, SampleMatrix>();
  const result = rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
    const bound = (value: ValueId, seen: Seen): ValueId => {
      if (context.options.requireRangeProof) {
        const offence = unprovedValue(builder, value, seen);
        if (offence !== null) unproved.push(offence);
      } else boundBySeen(builder, value, seen, samples);
      return value;
    };
    const operands = operation.operands.map((operand) => live.get(operand)!);
    const k = activations.findIndex((own) => own.id === id);
    const isChanged = operation.operands.some((operand) => changed.has(operand));
    let value: ValueId;
    let own: SampleMatrix;
    if (k >= 0) {
      const [x] = operands;
      invariant(x !== undefined, 'an activation has an argument');
      own = applyGroups(polynomials[k]!, activations[k]!.groups, x);
      const from = mapped(operation.operands[0] ?? -1);
      value = writePolynomial(operation, from, activations[k]!, polynomials[k]!, builder);
      noteApproximation(operation, activations[k]!, polynomials[k]!, x, own, context);
    } else {
      own =
        operation.op === 'nn.input'
          ? exact.inputs.get(operation.attributes['name'] as string)!
          : evaluateOnSamples(program, operation, operands);
      const { location } = operation;
      // The old bounds were those of the exact activations.
      value = isChanged
        ? builder.add(operation.op, operation.operands.map(mapped), operation.attributes, {
            location,
          })
        : keep();
    }
    live.set(id, own);
    if (k >= 0 || isChanged) {
      changed.add(id);
      bound(value, seenOf(own));
    }
    if (last[id] === program.operations.length) outputs.set(id, own);
    for (const operand of operation.operands) if (last[operand] === id) live.delete(operand);
    return value;
  });
  refuseUnproved(unproved);
  program.outputs.forEach(({ name, value }, k) => {
    const [wanted, got] = [exact.outputs[k]!.data, outputs.get(value)!.data];
    const errors = got.map((y, n) => Math.abs(y - wanted[n]!));
    const worst = errors.reduce((a, b) => Math.max(a, b), 0);
    const rms = rootMeanSquare(errors);
    context.note({ kind: 'approximation-error', output: name, worst, rms });
  });
  return result;
}

function writePolynomial(
  operation: Operation,
  x: ValueId,
  { groups, scalable, functions }: Activation,
  polynomials: readonly GroupPolynomial[],
  builder: ProgramBuilder,
): ValueId {
  const { location } = operation;
  const shape = shapeOf(builder.typeOf(x));
  const spread = (valueOf: (polynomial: GroupPolynomial) => number): Tensor =>
    shrinkBroadcast({
      shape,
      data: Float64Array.from(groups.of, (group) => valueOf(polynomials[group]!)),
    });
  functions.distinct.forEach((own) => {
    const ends = polynomials.flatMap(({ centre, half }) => [centre - half, centre + half]);
    refuseOutside(operation, [own], [Math.min(...ends), Math.max(...ends)]);
  });
  const terms = Math.max(...polynomials.map(({ coefficients }) => coefficients.length));
  // Behind no linear map the shift and the scale go into the coefficients.
  const inX = polynomials.map(({ centre, half, coefficients }) =>
    scalable ? coefficients : substituteLine(coefficients, centre, half),
  );
  const powers = Array.from({ length: terms }, (_, power) =>
    shrinkBroadcast({
      shape,
      data: Float64Array.from(groups.of, (group) => inX[group]![power] ?? 0),
    }),
  );
  let u = x;
  if (scalable) {
    // As far as fits reach: a wider range would scale the argument down, and the leading coefficient
    // up by as much to the power of the degree.
    const narrow = (value: ValueId, most: number): void => {
      builder.narrow(value, { lo: -most, hi: most, source: 'calibrated' });
    };
    const reach = Math.max(...polynomials.map((own) => own.reach));
    const widest = Math.max(...polynomials.map(({ half }) => half));
    const value = builder.constant(
      spread(({ centre }) => -centre),
      'centre',
    );
    u = builder.add('nn.add-constant', [u], { value }, { location });
    narrow(u, reach * widest);
    const factor = builder.constant(
      spread(({ half }) => 1 / half),
      'normalise',
    );
    u = builder.add('nn.scale', [u], { factor }, { location });
    narrow(u, reach);
  }
  const coefficients = builder.constant(
    stackCoefficients(powers, shape),
    `${location ?? 'activation'}.coefficients`,
  );
  return builder.add('nn.polynomial', [u], { coefficients }, { location });
}

function noteApproximation(
  { location }: Operation,
  { functions, groups }: Activation,
  polynomials: readonly GroupPolynomial[],
  x: SampleMatrix,
  y: SampleMatrix,
  { note }: PassContext,
): void {
  // The widest polynomial stands for all of them in the picture.
  const group = polynomials.reduce(
    (widest, own, k) => (own.half > polynomials[widest]!.half ? k : widest),
    0,
  );
  const { centre, half, coefficients } = polynomials[group]!;
  const ends = polynomials.flatMap((own) => [
    own.centre - own.reach * own.half,
    own.centre + own.reach * own.half,
  ]);
  const range = [Math.min(...ends), Math.max(...ends)] as const;
  const errors = new Float64Array(x.data.length);
  for (let element = 0; element < x.elements; element++) {
    const { evaluate } = groups.functions[groups.of[element]!]!;
    for (let n = element * x.samples; n < (element + 1) * x.samples; n++) {
      errors[n] = Math.abs(y.data[n]! - evaluate(x.data[n]!));
    }
  }
  note({
    kind: 'approximation',
    node: location,
    op: functions.name,
    method:
      polynomials.length > 1 ? `least-squares, ${polynomials.length} groups` : 'least-squares',
    degree: Math.max(...polynomials.map((own) => own.coefficients.length)) - 1,
    range,
    rmsError: rootMeanSquare(errors),
    maxError: errors.reduce((a, b) => Math.max(a, b), 0),
    sketch: sketchActivation(
      groups.functions[group]!.evaluate,
      (value) => evaluatePolynomial(coefficients, (value - centre) / half),
      [x.data],
      range,
    ),
  });
}

function seenOf({ data }: SampleMatrix): Seen {
  return data.reduce<Seen>(
    ({ lo, hi }, value) => ({ lo: Math.min(lo, value), hi: Math.max(hi, value) }),
    { lo: Infinity, hi: -Infinity },
  );
}

function rootMeanSquare(values: Float64Array): number {
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares / Math.max(1, values.length));
}
