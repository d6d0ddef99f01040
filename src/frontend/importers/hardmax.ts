import { int } from '../families/attribute-schemas.ts';
import { classifierNote, classify } from '../families/classifiers.ts';
import { attribute, defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Hardmax',
  summary: 'One at the largest element, the first of equals, 0 elsewhere.',
  inputs: [{ name: 'input', doc: 'any tensor', form: 'data' }],
  attributes: {
    axis: attribute(
      int.optional(),
      'since opset 13 the axis that is searched (−1 where absent); before, the first of the axes that are searched together (1 where absent)',
    ),
  },
  lowersTo: '`nn.hardmax`, which split-postprocess moves to the client.',
  notes: [classifierNote],
  import: (context) => classify('nn.hardmax', context.attributes.axis, context),
});
