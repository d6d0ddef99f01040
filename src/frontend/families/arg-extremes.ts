/** ArgMax and ArgMin. */
import { flag, int } from './attribute-schemas.ts';
import { axisOf } from './axes.ts';
import { classifierNote } from './classifiers.ts';
import { attribute } from '../define-importer.ts';
import type { Importer } from '../define-importer.ts';

const attributes = {
  axis: attribute(int.default(0), 'axis that is searched'),
  keepdims: attribute(flag.default(true), 'whether the axis stays with extent 1'),
  select_last_index: attribute(
    flag.default(false),
    'whether the last of equals counts; 1 is refused',
    { since: 12 },
  ),
};

/** The index of the largest or smallest element along an axis. */
export function argImporter(
  operator: string,
  summary: string,
  op: 'nn.arg-max' | 'nn.arg-min',
): Importer<typeof attributes> {
  return {
    operator,
    summary,
    inputs: [{ name: 'data', doc: 'any tensor', form: 'data' }],
    attributes,
    lowersTo: `\`${op}\`, which split-postprocess moves to the client.`,
    notes: [classifierNote],
    import(context) {
      const x = context.data(0);
      if (context.attributes.select_last_index) {
        context.unsupported(
          'select_last_index is 1',
          'set it to 0: encrypted results are hardly ever equal',
        );
      }
      return context.add(op, [x], {
        axis: axisOf(context.attributes.axis, x.shape.length, context),
        keepDims: context.attributes.keepdims,
      });
    },
  };
}
