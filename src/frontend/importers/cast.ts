import { castConstant, castData } from '../families/casts.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';
import { elementTypeName } from '../onnx/element-types.ts';

export default defineImporter({
  operator: 'Cast',
  summary: 'Another element type.',
  inputs: [{ name: 'input', doc: 'any tensor', form: 'either' }],
  attributes: {
    to: attribute(int, 'element type of the result'),
    saturate: attribute(int.default(1), 'of casts to float8, which are refused; ignored', {
      since: 19,
    }),
  },
  lowersTo: 'nothing: encrypted values are real numbers.',
  notes: [
    'Data can be cast between floating point types; to integers or booleans it is refused, because rounding is no polynomial.',
  ],
  import: (context) => castData(context.data(0), elementTypeName(context.attributes.to), context),
  fold: (context) =>
    castConstant(context.constant(0), elementTypeName(context.attributes.to), context),
});
