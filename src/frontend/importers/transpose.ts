import { axesOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { ints } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Transpose',
  summary: 'Axes in another order.',
  inputs: [{ name: 'data', doc: 'any tensor', form: 'data' }],
  attributes: {
    perm: attribute(
      ints.optional(),
      'axis of the operand for each axis of the result; reversed where absent',
    ),
  },
  lowersTo: '`nn.transpose`, which fuse-linear composes with its neighbours.',
  import(context) {
    const x = context.data(0);
    const rank = x.shape.length;
    const { perm } = context.attributes;
    if (perm !== undefined && perm.length !== rank) {
      context.invalid(`perm [${perm.join(',')}] does not order ${rank} axes`, { perm, rank });
    }
    const permutation =
      perm === undefined ? [...x.shape.keys()].reverse() : axesOf(perm, rank, context);
    return context.add('nn.transpose', [x], { permutation });
  },
});
