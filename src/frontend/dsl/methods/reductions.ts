/** Sums and means over axes. */
import { z } from 'zod';
import { axis, defineMethod, parameter, shapeOfNode } from '../define-method.ts';
import type { Method } from '../define-method.ts';

function reduction(operator: string, summary: string): Method {
  return defineMethod({
    summary,
    parameters: [
      parameter(
        'axes',
        z.union([axis, z.array(axis).readonly()]).optional(),
        'an axis or several, negative ones from the end; all where absent',
      ),
      parameter(
        'options',
        z.strictObject({ keepDims: z.boolean().default(false) }).prefault({}),
        '{ keepDims: whether reduced axes stay with extent 1 }',
      ),
    ],
    build(x, [axes, { keepDims }], context) {
      const list = axes === undefined ? [...shapeOfNode(x).keys()] : [axes].flat();
      if (list.length === 0) return x;
      return context.apply(operator, [x, context.integers(list)], { keepdims: Number(keepDims) });
    },
  });
}

export const reductions = {
  sum: reduction('ReduceSum', 'Sum over axes.'),
  mean: reduction('ReduceMean', 'Mean over axes.'),
};
