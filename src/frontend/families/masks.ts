/** Values multiplied by constant zeros and ones. */
import { broadcastShapes } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { elementCount } from '../../layout/layout.ts';
import { multiplyByConstant } from './arithmetic.ts';
import type { DataValue, ImportContext, NodeValue } from '../define-importer.ts';

/** x · mask with broadcasting; a constant where nothing of x is left. */
export function masked(x: DataValue, mask: Tensor, context: ImportContext): NodeValue {
  if (mask.data.some((value) => value !== 0)) return multiplyByConstant(x, mask, context);
  const shape =
    broadcastShapes(x.shape, mask.shape) ??
    context.invalid(
      `the shapes [${x.shape.join(',')}] and [${mask.shape.join(',')}] do not broadcast`,
    );
  context.elements(shape);
  return {
    kind: 'constant',
    tensor: { shape, data: new Float64Array(elementCount(shape)) },
    elementType: 'float32',
  };
}
