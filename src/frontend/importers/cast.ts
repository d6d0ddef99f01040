import { attribute, defineImporter } from '../define-importer.ts';
import { int } from '../attribute-schemas.ts';
import { elementTypeName, formatOf, isReadable } from '../onnx/element-types.ts';

const floats = new Set(['float32', 'float64', 'float16', 'bfloat16']);

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
  import(context) {
    const to = elementTypeName(context.attributes.to);
    if (!floats.has(to)) {
      context.unsupported(`it casts an encrypted value to ${to}`, 'keep floating point values');
    }
    return context.data(0);
  },
  fold(context) {
    const { tensor, elementType } = context.constant(0);
    const to = elementTypeName(context.attributes.to);
    if (!isReadable(to)) return context.unsupported(`it casts a constant to ${to}`, 'use float32');
    if (to === elementType) return { kind: 'constant', tensor, elementType };
    const { convert } = formatOf(to);
    const data = tensor.data.map((value) => convert(value));
    return { kind: 'constant', tensor: { shape: tensor.shape, data }, elementType: to };
  },
});
