import { elementCount } from '../../layout/layout.ts';
import { extentsOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { tensorAttribute } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'ConstantOfShape',
  summary: 'A tensor of one value.',
  inputs: [{ name: 'input', doc: 'its extents', form: 'constant' }],
  attributes: {
    value: attribute(tensorAttribute.optional(), 'a tensor of one element; float32 0 where absent'),
  },
  lowersTo: 'a constant.',
  import: (context) => context.unsupported('its shape depends on the encrypted input'),
  fold(context) {
    const shape = extentsOf(context.constant(0), context);
    const value = context.attributes.value?.read();
    if (value !== undefined && value.tensor.data.length !== 1) {
      context.invalid(`its value has ${value.tensor.data.length} elements`);
    }
    context.elements(shape);
    const data = new Float64Array(elementCount(shape)).fill(value?.tensor.data[0] ?? 0);
    return {
      kind: 'constant',
      tensor: { shape, data },
      elementType: value?.elementType ?? 'float32',
    };
  },
});
