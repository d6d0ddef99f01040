/** Casts between element types. */
import type { ConstantValue, DataValue, ImportContext } from '../define-importer.ts';
import { formatOf, isReadable } from '../onnx/element-types.ts';

const floats = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/** Encrypted values are real numbers: only a cast to a floating point type leaves them as they are. */
export function castData(x: DataValue, to: string, context: ImportContext): DataValue {
  if (floats.has(to)) return x;
  return context.unsupported(`it casts an encrypted value to ${to}`, 'keep floating point values');
}

/** A constant with every element converted as ONNX does. */
export function castConstant(
  value: ConstantValue,
  to: string,
  context: ImportContext,
): ConstantValue {
  if (!isReadable(to)) return context.unsupported(`it casts a constant to ${to}`, 'use float32');
  if (to === value.elementType) return value;
  const format = formatOf(to);
  const { shape, data } = value.tensor;
  return {
    kind: 'constant',
    tensor: { shape, data: data.map((element) => format.convert(element)) },
    elementType: to,
  };
}
