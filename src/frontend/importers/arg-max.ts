import { axisOf } from '../axes.ts';
import { classifierNote } from '../classifiers.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { flag, int } from '../attribute-schemas.ts';

export default defineImporter({
  operator: 'ArgMax',
  summary: 'Index of the largest element along an axis.',
  inputs: [{ name: 'data', doc: 'any tensor', form: 'data' }],
  attributes: {
    axis: attribute(int.default(0), 'axis that is searched'),
    keepdims: attribute(flag.default(true), 'whether the axis stays with extent 1'),
    select_last_index: attribute(
      flag.default(false),
      'whether the last of equals counts; 1 is refused',
      {
        since: 12,
      },
    ),
  },
  lowersTo: '`nn.arg-max`, which split-postprocess moves to the client.',
  notes: [classifierNote],
  import(context) {
    const x = context.data(0);
    if (context.attributes.select_last_index) {
      context.unsupported(
        'select_last_index is 1',
        'set it to 0: encrypted results are hardly ever equal',
      );
    }
    return context.add('nn.arg-max', [x], {
      axis: axisOf(context.attributes.axis, x.shape.length, context),
      keepDims: context.attributes.keepdims,
    });
  },
});
