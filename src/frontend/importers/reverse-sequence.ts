import { z } from 'zod';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { axisOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { selectElements } from '../families/weighted-sums.ts';

const axis = z.int();

export default defineImporter({
  operator: 'ReverseSequence',
  summary: 'The first elements of each sequence in reverse order.',
  inputs: [
    { name: 'input', doc: 'sequences of a batch', form: 'data' },
    {
      name: 'sequence_lens',
      doc: 'constant number of elements to reverse per sequence',
      form: 'constant',
    },
  ],
  attributes: {
    batch_axis: attribute(axis.default(1), 'axis of the sequences'),
    time_axis: attribute(axis.default(0), 'axis that is reversed'),
  },
  lowersTo: '`nn.linear`, which selects.',
  import(context) {
    const x = context.data(0);
    const batch = axisOf(context.attributes.batch_axis, x.shape.length, context);
    const time = axisOf(context.attributes.time_axis, x.shape.length, context);
    const lengths = integersOf(context.constant(1), context);
    const extent = x.shape[time]!;
    if (
      batch === time ||
      lengths.length !== x.shape[batch] ||
      lengths.some((length) => length < 0 || length > extent)
    ) {
      context.invalid(
        `lengths [${lengths.join(',')}] do not fit axes ${batch} and ${time} of [${x.shape.join(',')}]`,
      );
    }
    const strides = rowMajorStrides(x.shape);
    const sources = Int32Array.from({ length: elementCount(x.shape) }, (_, n) => {
      const at = Math.floor(n / strides[time]!) % extent;
      const length = lengths[Math.floor(n / strides[batch]!) % x.shape[batch]!]!;
      return at < length ? n + (length - 1 - 2 * at) * strides[time]! : n;
    });
    return selectElements(x, x.shape, sources, context);
  },
});
