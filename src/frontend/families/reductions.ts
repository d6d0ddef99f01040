/** Reductions over axes: what their importers share. */
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { stridedLoops } from '../../ir/nn/strided.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { axesOf, integersOf } from './axes.ts';
import { flag, ints } from './attribute-schemas.ts';
import { attribute } from '../define-importer.ts';
import type {
  AttributeSpecs,
  ConstantValue,
  DataValue,
  ImportContext,
  Importer,
  InputSpec,
} from '../define-importer.ts';
import { refusalOf } from '../known-operators.ts';
import { isInteger } from '../onnx/element-types.ts';
import { linear } from './weighted-sums.ts';

/** Inputs and attributes of a reduction whose axes are an input since an opset. */
export function reductionForm(since: number, form: InputSpec['form'] = 'constant') {
  return {
    inputs: [
      { name: 'data', doc: form === 'constant' ? 'a constant' : 'any tensor', form },
      {
        name: 'axes',
        doc: 'constant axes; all where absent',
        form: 'constant',
        optional: true,
        since,
      },
    ],
    attributes: {
      axes: attribute(ints.optional(), 'axes; all where absent', { until: since - 1 }),
      keepdims: attribute(flag.default(true), 'whether reduced axes stay with extent 1'),
      noop_with_empty_axes: attribute(flag.default(false), 'whether no axes means no reduction', {
        since,
      }),
    },
  } satisfies Pick<Importer, 'inputs' | 'attributes'>;
}

type ReductionContext = ImportContext<ReturnType<typeof reductionForm>['attributes']>;

/** The axes that a node reduces. */
export function reducedAxes(rank: number, context: ReductionContext): number[] {
  const input = context.optionalConstant(1);
  const axes = input === null ? (context.attributes.axes ?? []) : integersOf(input, context);
  if (axes.length > 0) return axesOf(axes, rank, context);
  return context.attributes.noop_with_empty_axes ? [] : Array.from({ length: rank }, (_, k) => k);
}

function reducedShape(
  shape: readonly number[],
  axes: readonly number[],
  context: ReductionContext,
): number[] {
  return shape.flatMap((extent, axis) => {
    if (!axes.includes(axis)) return [extent];
    return context.attributes.keepdims ? [1] : [];
  });
}

/** Strides of the result along the axes of the operand: 0 along those that are reduced. */
function reducedStrides(shape: readonly number[], axes: readonly number[]): number[] {
  const kept = rowMajorStrides(shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)));
  return kept.map((stride, axis) => (axes.includes(axis) ? 0 : stride));
}

/** The sum over axes. */
export function sumOverAxes(
  x: DataValue,
  axes: readonly number[],
  context: ReductionContext,
): DataValue {
  const shape = reducedShape(x.shape, axes, context);
  const map = {
    inShape: x.shape,
    outShape: shape,
    weights: Float64Array.of(1),
    segments: [
      {
        out: 0,
        input: 0,
        weight: 0,
        loops: stridedLoops(x.shape, reducedStrides(x.shape, axes), rowMajorStrides(x.shape)),
      },
    ],
  };
  return linear([x], { maps: [map], bias: null }, shape, context);
}

/** The result of a function of each group of elements that falls together; integers are cut. */
export function reduceConstant(
  context: ReductionContext,
  reduce: (group: Float64Array) => number,
): ConstantValue {
  const { tensor, elementType } = context.constant(0);
  const axes = reducedAxes(tensor.shape.length, context);
  const shape = reducedShape(tensor.shape, axes, context);
  const groups = groupsOf(tensor, axes, elementCount(shape));
  const data = Float64Array.from(groups, (group, n) => {
    const value = reduce(group);
    if (!Number.isFinite(value)) context.invalid(`element ${n} of its result is ${value}`);
    return isInteger(elementType) ? Math.trunc(value) : value;
  });
  return { kind: 'constant', tensor: { shape, data }, elementType };
}

function groupsOf({ shape, data }: Tensor, axes: readonly number[], count: number): Float64Array[] {
  const size = count === 0 ? 0 : data.length / count;
  const groups = Array.from({ length: count }, () => new Float64Array(size));
  const filled = new Int32Array(count);
  const strides = reducedStrides(shape, axes);
  const own = rowMajorStrides(shape);
  for (let n = 0; n < data.length; n++) {
    const to = shape.reduce(
      (sum, extent, k) => sum + (Math.floor(n / own[k]!) % extent) * strides[k]!,
      0,
    );
    groups[to]![filled[to]!++] = data[n]!;
  }
  return groups;
}

/** A reduction that is no sum: of constants alone. */
export function constantReduction(
  operator: string,
  summary: string,
  reduce: (group: Float64Array) => number,
): Importer<AttributeSpecs & ReturnType<typeof reductionForm>['attributes']> {
  return {
    operator,
    summary,
    ...reductionForm(18),
    lowersTo: 'a constant.',
    refusal: refusalOf(operator),
    import: (context) => context.unsupported(refusalOf(operator).reason),
    fold: (context) => reduceConstant(context, reduce),
  };
}
