import { activation } from '../families/activations.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';
import { elementTypeName, integerBounds, isReadable } from '../onnx/element-types.ts';
import type { ElementType } from '../onnx/element-types.ts';
import {
  clipsAtZero,
  mapQuantised,
  quantisationAttributes,
  quantisationOf,
  roundHalfEven,
} from '../families/quantisation.ts';
import type { Quantisation } from '../families/quantisation.ts';

const attributes = {
  ...quantisationAttributes,
  saturate: attribute(int.default(1), 'of float8, which is refused; ignored', { since: 19 }),
  output_dtype: attribute(int.default(0), 'element type without a zero point', { since: 21 }),
} as const;

export default defineImporter({
  operator: 'QuantizeLinear',
  summary: 'x / scale + zero point, rounded and clipped to an integer type.',
  inputs: [
    { name: 'x', doc: 'any tensor', form: 'either' },
    { name: 'y_scale', doc: 'one scale, or one by axis or block', form: 'constant' },
    {
      name: 'y_zero_point',
      doc: 'as many integers; its type is that of the result',
      form: 'constant',
      optional: true,
    },
  ],
  attributes,
  lowersTo:
    'nothing: a constant is quantised, an encrypted value stays as it is, since rounding is no polynomial.',
  notes: [
    'Encrypted values are neither rounded nor clipped, which the warning ACTIVATION_QUANTISATION_IGNORED says. They must go to DequantizeLinear.',
    'A zero point at the lowest integer clips at 0: exporters then leave out the ReLU before it. It is put back (`nn.activation`) where the value is not proved to be positive.',
  ],
  import(context) {
    const x = context.data(0);
    const quantised = quantisationFor(x.shape, context);
    return { ...withoutNegative(x, quantised, context), quantised };
  },
  fold(context) {
    const { tensor } = context.constant(0);
    const quantisation = quantisationFor(tensor.shape, context);
    const { elementType } = quantisation;
    const [lo, hi] = integerBounds(elementType);
    const quantised = mapQuantised(tensor, quantisation, (value, step, zero) =>
      Math.min(hi, Math.max(lo, roundHalfEven(Math.fround(value / step)) + zero)),
    );
    return { kind: 'constant', tensor: quantised, elementType };
  },
});

function quantisationFor(
  shape: readonly number[],
  context: ImportContext<typeof attributes>,
): Quantisation {
  const quantisation = quantisationOf(shape, integerType(context), context);
  if (quantisation.scale.data.includes(0)) context.invalid('a scale is 0');
  return quantisation;
}

/** The type of the result: that of the zero point, else the stated one, else uint8. */
function integerType(context: ImportContext<typeof attributes>): ElementType {
  const zero = context.optionalConstant(2);
  const stated = context.attributes.output_dtype;
  if (stated === 0) return zero?.elementType ?? 'uint8';
  const name = elementTypeName(stated);
  if (zero !== null && zero.elementType !== name)
    context.invalid(`output_dtype is ${name}, the zero point is ${zero.elementType}`);
  if (!isReadable(name)) return context.unsupported(`it quantises to ${name}`, 'quantise to int8');
  return name;
}

/** The value clipped at 0 where quantising clips it there and it may be negative. */
function withoutNegative(
  x: DataValue,
  quantised: Quantisation,
  context: ImportContext<typeof attributes>,
): DataValue {
  const clips = clipsAtZero(quantised);
  const { lo, hi } = context.rangeOf(x) ?? { lo: -Infinity, hi: Infinity };
  const partly = (clips.below === 'partly' && lo < 0) || (clips.above && hi > 0);
  if (partly) {
    return context.unsupported(
      'its zero point makes it clip at 0, for some channels or from above',
      'quantise activations by tensor, with 0 inside their range',
    );
  }
  return clips.below === true && lo < 0 ? activation('relu', {}, context) : x;
}
