import { copyStrided } from '../../ir/nn/strided.ts';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { axesOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { ImportContext } from '../define-importer.ts';
import { ints, positions } from '../families/attribute-schemas.ts';

const attributes = {
  starts: attribute(positions.optional(), 'first elements', { until: 9 }),
  ends: attribute(positions.optional(), 'ends, not included', { until: 9 }),
  axes: attribute(ints.optional(), 'axes; the first ones where absent', { until: 9 }),
};

export default defineImporter({
  operator: 'Slice',
  summary: 'Every step-th element of some axes, from a start to an end.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    { name: 'starts', doc: 'constant first elements', form: 'constant', optional: true, since: 10 },
    {
      name: 'ends',
      doc: 'constant ends, not included',
      form: 'constant',
      optional: true,
      since: 10,
    },
    {
      name: 'axes',
      doc: 'constant axes; the first ones where absent',
      form: 'constant',
      optional: true,
      since: 10,
    },
    {
      name: 'steps',
      doc: 'constant steps, 1 where absent',
      form: 'constant',
      optional: true,
      since: 10,
    },
  ],
  attributes,
  lowersTo: '`nn.slice`.',
  import(context) {
    const x = context.data(0);
    const cut = cutOf(x.shape, context);
    const empty = cut.shape.indexOf(0);
    if (empty >= 0)
      context.unsupported(`it leaves nothing of axis ${empty} of [${x.shape.join(',')}]`);
    return context.add('nn.slice', [x], cut);
  },
  // Lists of extents may be empty.
  fold(context) {
    const { tensor, elementType } = context.constant(0);
    const { starts, steps, shape } = cutOf(tensor.shape, context);
    const strides = rowMajorStrides(tensor.shape);
    const start = starts.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);
    const by = strides.map((stride, axis) => stride * steps[axis]!);
    const data = new Float64Array(elementCount(shape));
    copyStrided(shape, tensor.data, start, by, data, 0, rowMajorStrides(shape));
    return { kind: 'constant', tensor: { shape, data }, elementType };
  },
});

type Context = ImportContext<typeof attributes>;

/** First element, step and number of elements along every axis. */
function cutOf(extents: readonly number[], context: Context) {
  const list = (
    index: number,
    fallback: readonly number[] | undefined,
  ): readonly number[] | undefined => {
    const input = context.optionalConstant(index);
    return input === null ? fallback : integersOf(input, context);
  };
  const from = list(1, context.attributes.starts);
  const to = list(2, context.attributes.ends);
  if (from === undefined || to === undefined)
    return context.invalid('it names no starts or no ends');
  const axes = axesOf(
    list(3, context.attributes.axes) ?? [...from.keys()],
    extents.length,
    context,
  );
  const by = list(4, undefined) ?? from.map(() => 1);
  if (to.length !== from.length || axes.length !== from.length || by.length !== from.length) {
    context.invalid('starts, ends, axes and steps differ in length', {
      starts: from,
      ends: to,
      axes,
      steps: by,
    });
  }
  const starts = extents.map(() => 0);
  const steps = extents.map(() => 1);
  const shape = [...extents];
  axes.forEach((axis, k) => {
    const extent = extents[axis]!;
    const step = by[k]!;
    if (step === 0) context.invalid('a step is 0');
    const clamp = (position: number, lo: number, hi: number): number =>
      Math.min(Math.max(position < 0 ? position + extent : position, lo), hi);
    const start = step > 0 ? clamp(from[k]!, 0, extent) : clamp(from[k]!, 0, extent - 1);
    const end = step > 0 ? clamp(to[k]!, 0, extent) : clamp(to[k]!, -1, extent - 1);
    starts[axis] = start;
    steps[axis] = step;
    shape[axis] = Math.max(0, Math.ceil((end - start) / step));
  });
  return { starts, steps, shape };
}
