/**
 * Values of many samples at once: the samples of one element lie side by side, so that each weight of
 * a linear operation is read once for all of them.
 *
 * The interpreter runs one image at a time and takes some twenty times as long.
 */
import { invariant } from '../../errors.ts';
import { opContext } from '../../ir/build.ts';
import type { AffineMap, Value } from '../../ir/define-op.ts';
import { forEachRun } from '../../ir/map-runs.ts';
import { tensorOf } from '../../ir/nn/values.ts';
import { lookupOp } from '../../ir/ops.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import { affineOfOperation } from '../linear/affine-form.ts';

/** Shape [elements][samples], row-major. */
export interface SampleMatrix {
  readonly elements: number;
  readonly samples: number;
  readonly data: Float64Array<ArrayBuffer>;
}

/** One row an element, from one tensor a sample. */
export function sampleMatrix(tensors: readonly Float64Array[]): SampleMatrix {
  const samples = tensors.length;
  const elements = tensors[0]?.length ?? 0;
  const data = new Float64Array(elements * samples);
  tensors.forEach((tensor, n) => {
    tensor.forEach((value, element) => (data[element * samples + n] = value));
  });
  return { elements, samples, data };
}

/** The affine form of an operation, found once: it is asked for with every candidate of a search. */
const affineForms = new WeakMap<Operation, AffineMap | 'none'>();

function affineFormOf(program: Program, operation: Operation): AffineMap | null {
  const known = affineForms.get(operation);
  if (known !== undefined) return known === 'none' ? null : known;
  const form = affineOfOperation(program, operation);
  affineForms.set(operation, form ?? 'none');
  return form;
}

/**
 * An operation on every sample.
 *
 * Cost: for a linear one, a product for each entry and sample; else the interpreter's, a sample at a time.
 */
export function evaluateOnSamples(
  program: Program,
  operation: Operation,
  operands: readonly SampleMatrix[],
): SampleMatrix {
  const [first] = operands;
  invariant(first !== undefined, 'inputs are not computed');
  const { samples } = first;
  const elements = elementCount(shapeOf(operation.type));
  const form = affineFormOf(program, operation);
  if (form === null) return oneByOne(program, operation, operands);
  const data = new Float64Array(elements * samples);
  form.bias?.forEach((value, row) => data.fill(value, row * samples, (row + 1) * samples));
  form.maps.forEach(({ weights, segments }, k) => {
    const x = operands[k];
    invariant(x !== undefined, 'one matrix an operand');
    forEachRun(segments, 'longest', (out, input, weight, run) => {
      for (let n = 0; n < run.count; n++) {
        const factor = weights[weight + n * run.weight]!;
        const from = (input + n * run.input) * samples;
        addMultiple(data, (out + n * run.out) * samples, factor, x.data, from, samples);
      }
    });
  });
  return { elements, samples, data };
}

/** A function of its own, so that it is optimised as a whole. */
function addMultiple(
  y: Float64Array,
  yStart: number,
  factor: number,
  x: Float64Array,
  xStart: number,
  count: number,
): void {
  for (let n = 0; n < count; n++) y[yStart + n]! += factor * x[xStart + n]!;
}

function oneByOne(
  program: Program,
  operation: Operation,
  operands: readonly SampleMatrix[],
): SampleMatrix {
  const definition = lookupOp(operation.op);
  const types = operation.operands.map((operand) => operationOf(program, operand).type);
  const context = opContext(program.constants, program.modulus, operation.location);
  const samples = operands[0]?.samples ?? 0;
  const results = Array.from({ length: samples }, (_, n) => {
    const own = operands.map(({ elements, data }, k): Value => {
      const one = Float64Array.from({ length: elements }, (__, e) => data[e * samples + n]!);
      return { kind: 'tensor', tensor: { shape: shapeOf(types[k]!), data: one } };
    });
    return tensorOf(definition.evaluate(own, types, operation.attributes, context)).data;
  });
  return sampleMatrix(results);
}
