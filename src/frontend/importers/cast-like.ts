import { castConstant, castData } from '../families/casts.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { ImportContext, NodeValue } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'CastLike',
  summary: 'The element type of another tensor.',
  inputs: [
    { name: 'input', doc: 'any tensor', form: 'either' },
    { name: 'target_type', doc: 'a tensor of the wanted type', form: 'either' },
  ],
  attributes: {
    saturate: attribute(int.default(1), 'of casts to float8, which are refused; ignored', {
      since: 19,
    }),
  },
  lowersTo: 'nothing: encrypted values are real numbers.',
  notes: ['Encrypted values are of type float32.'],
  import: castLike,
  fold: (context) => castConstant(context.constant(0), targetOf(context), context),
});

function targetOf(context: ImportContext): string {
  const [, target] = context.inputs;
  return target?.kind === 'constant' ? target.elementType : 'float32';
}

function castLike(context: ImportContext): NodeValue {
  const [input] = context.inputs;
  const to = targetOf(context);
  return input?.kind === 'constant'
    ? castConstant(input, to, context)
    : castData(context.data(0), to, context);
}
