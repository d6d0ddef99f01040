import { classifierNote, classify } from '../families/classifiers.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'LogSoftmax',
  summary: 'Logarithm of the softmax.',
  inputs: [{ name: 'input', doc: 'any tensor', form: 'data' }],
  attributes: {
    axis: attribute(
      int.optional(),
      'since opset 13 the axis of the sum (−1 where absent); before, the first of the axes that are summed over together (1 where absent)',
    ),
  },
  lowersTo: '`nn.log-softmax`, which split-postprocess moves to the client.',
  notes: [classifierNote],
  import: (context) => classify('nn.log-softmax', context.attributes.axis, context),
});
