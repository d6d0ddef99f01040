import { attribute, defineImporter } from '../define-importer.ts';
import type { ConstantValue } from '../define-importer.ts';
import { float, int, positions, tensorAttribute } from '../families/attribute-schemas.ts';
import { z } from 'zod';

export default defineImporter({
  operator: 'Constant',
  summary: 'A tensor that the model states.',
  inputs: [],
  attributes: {
    value: attribute(tensorAttribute.optional(), 'the tensor'),
    value_float: attribute(float.optional(), 'one float32', { since: 12 }),
    value_floats: attribute(z.array(float).readonly().optional(), 'a list of float32', {
      since: 12,
    }),
    value_int: attribute(int.optional(), 'one int64', { since: 12 }),
    value_ints: attribute(positions.optional(), 'a list of int64', { since: 12 }),
  },
  lowersTo: 'a constant of the operations that use it.',
  notes: ['Strings and sparse tensors are refused.'],
  import(context) {
    const { value, value_float, value_floats, value_int, value_ints } = context.attributes;
    const list = (
      elementType: 'float32' | 'int64',
      shape: readonly number[],
      data: readonly number[],
    ): ConstantValue => ({
      kind: 'constant',
      tensor: { shape, data: Float64Array.from(data) },
      elementType,
    });
    if (value !== undefined) return { kind: 'constant', ...value.read() };
    if (value_float !== undefined) return list('float32', [], [value_float]);
    if (value_floats !== undefined) return list('float32', [value_floats.length], value_floats);
    if (value_int !== undefined) return list('int64', [], [value_int]);
    if (value_ints !== undefined) return list('int64', [value_ints.length], value_ints);
    return context.invalid('it has no value');
  },
});
