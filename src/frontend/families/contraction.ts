/** Products of tensors summed over shared axes: what Einsum and MatMul are. */
import { rowMajorStrides } from '../../layout/layout.ts';
import { copyStrided, stridedLoops } from '../../ir/nn/strided.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';
import { linear } from './weighted-sums.ts';

/** A tensor with a name for each axis; axes of one name run together, an extent of 1 repeats. */
export interface Factor<T> {
  readonly value: T;
  readonly labels: readonly string[];
}

/**
 * The sum over every label that `result` lacks of the product of all factors.
 *
 * Cost: one linear map, after one multiplication for each encrypted factor but the first.
 */
export function contract(
  data: readonly Factor<DataValue>[],
  constants: readonly Factor<Tensor>[],
  result: readonly string[],
  context: ImportContext,
): DataValue {
  const extents = extentsOf(data, constants, context);
  const unknown = result.find((label) => !extents.has(label));
  if (unknown !== undefined) context.invalid(`nothing has the axis ${unknown} of its result`);
  if (new Set(result).size !== result.length) {
    context.invalid(`an axis occurs twice in its result ${result.join('')}`);
  }
  const x = productOf(data, extents, context);
  const weights = outerProduct(constants, extents, context);
  return sumOver(x, weights, result, extents, context);
}

function extentsOf(
  data: readonly Factor<DataValue>[],
  constants: readonly Factor<Tensor>[],
  context: ImportContext,
): ReadonlyMap<string, number> {
  const extents = new Map<string, number>();
  const axes = [
    ...data.map(({ value, labels }) => ({ shape: value.shape, labels })),
    ...constants.map(({ value, labels }) => ({ shape: value.shape, labels })),
  ];
  for (const { shape, labels } of axes) {
    if (shape.length !== labels.length) {
      context.invalid(`[${shape.join(',')}] does not have the axes ${labels.join('')}`, { shape });
    }
    labels.forEach((label, axis) => {
      const known = extents.get(label) ?? 1;
      const extent = shape[axis]!;
      if (known !== extent && known !== 1 && extent !== 1) {
        context.invalid(`the axis ${label} has the extents ${known} and ${extent}`, {
          label,
          extents: [known, extent],
        });
      }
      extents.set(label, Math.max(known, extent));
    });
  }
  return extents;
}

/** How far one step along each label moves in a tensor; several axes of a label move together. */
function stridesOf(
  shape: readonly number[],
  labels: readonly string[],
): ReadonlyMap<string, number> {
  const strides = rowMajorStrides(shape);
  const moves = new Map<string, number>();
  labels.forEach((label, axis) => {
    const stride = shape[axis] === 1 ? 0 : strides[axis]!;
    moves.set(label, (moves.get(label) ?? 0) + stride);
  });
  return moves;
}

/** One encrypted factor: the product of all, over the union of their labels. */
function productOf(
  data: readonly Factor<DataValue>[],
  extents: ReadonlyMap<string, number>,
  context: ImportContext,
): Factor<DataValue> {
  const [first, ...others] = data;
  if (first === undefined) return context.invalid('it has no data');
  if (others.length === 0) return first;
  const labels = [...new Set(data.flatMap((factor) => factor.labels))];
  context.elements(labels.map((label) => extents.get(label)!));
  const value = data
    .map((factor) => arranged(factor, labels, context))
    .reduce((a, b) => context.add('nn.mul', [a, b]));
  return { value, labels };
}

/** A factor with an axis for each label in order; of extent 1 where it has none. */
function arranged(
  { value, labels }: Factor<DataValue>,
  order: readonly string[],
  context: ImportContext,
): DataValue {
  const own = order.filter((label) => labels.includes(label));
  const extentOf = (label: string): number =>
    labels.reduce(
      (most, each, axis) => (each === label ? Math.max(most, value.shape[axis]!) : most),
      1,
    );
  const extents = new Map(own.map((label) => [label, extentOf(label)]));
  const x = sumOver({ value, labels }, null, own, extents, context);
  const shape = order.map((label) => extents.get(label) ?? 1);
  return context.add('nn.reshape', [x], { shape });
}

/** The constants as one array of weights that the labels walk. */
function outerProduct(
  constants: readonly Factor<Tensor>[],
  extents: ReadonlyMap<string, number>,
  context: ImportContext,
): Weights | null {
  const parts = constants.map(({ value, labels }): Weights => ({
    data: value.data,
    strides: stridesOf(value.shape, labels),
  }));
  const [first, ...others] = parts;
  if (first === undefined) return null;
  if (others.length === 0) return first;
  const labels = [...new Set(constants.flatMap((factor) => factor.labels))];
  const shape = labels.map((label) => extents.get(label)!);
  const data = new Float64Array(context.elements(shape)).fill(1);
  const strides = rowMajorStrides(shape);
  const repeated = new Float64Array(data.length);
  for (const part of parts) {
    const steps = labels.map((label) => part.strides.get(label) ?? 0);
    copyStrided(shape, part.data, 0, steps, repeated, 0, strides);
    for (let n = 0; n < data.length; n++) data[n]! *= repeated[n]!;
  }
  return { data, strides: stridesOf(shape, labels) };
}

interface Weights {
  readonly data: Float64Array<ArrayBuffer>;
  readonly strides: ReadonlyMap<string, number>;
}

/** Σ x · weights over every label that `result` lacks: one segment, a loop for each label. */
function sumOver(
  { value, labels }: Factor<DataValue>,
  weights: Weights | null,
  result: readonly string[],
  extents: ReadonlyMap<string, number>,
  context: ImportContext,
): DataValue {
  const shape = result.map((label) => extents.get(label)!);
  if (weights === null && isReordering(value.shape, labels, result, extents)) {
    const permutation = result.map((label) => labels.indexOf(label));
    return permutation.every((axis, k) => axis === k)
      ? value
      : context.add('nn.transpose', [value], { permutation });
  }
  const all = [...new Set([...result, ...labels, ...(weights?.strides.keys() ?? [])])];
  const along = (strides: ReadonlyMap<string, number>): number[] =>
    all.map((label) => strides.get(label) ?? 0);
  const loops = stridedLoops(
    all.map((label) => extents.get(label)!),
    along(stridesOf(shape, result)),
    along(stridesOf(value.shape, labels)),
    along(weights?.strides ?? new Map()),
  );
  const map = {
    inShape: value.shape,
    outShape: shape,
    weights: weights?.data ?? Float64Array.of(1),
    segments: [{ out: 0, input: 0, weight: 0, loops }],
  };
  return linear([value], { maps: [map], bias: null }, shape, context);
}

/** Whether the result has every axis once and nothing is repeated. */
function isReordering(
  shape: readonly number[],
  labels: readonly string[],
  result: readonly string[],
  extents: ReadonlyMap<string, number>,
): boolean {
  return (
    labels.length === result.length &&
    new Set(labels).size === labels.length &&
    labels.every((label, axis) => result.includes(label) && extents.get(label) === shape[axis])
  );
}
