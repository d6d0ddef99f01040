import { broadcastShapes, zipTensors } from '../../ir/tensor.ts';
import { applied } from '../families/activations.ts';
import { multiplyByConstant } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import { isInteger } from '../onnx/element-types.ts';
import type { ConstantValue, ImportContext } from '../define-importer.ts';
import { oldBroadcast } from '../families/old-broadcast.ts';

/** The divisor, checked for zeros. */
function divisorOf(context: Pick<ImportContext, 'constant' | 'invalid'>): ConstantValue {
  const divisor = context.constant(1);
  const zero = divisor.tensor.data.indexOf(0);
  if (zero >= 0) context.invalid(`element ${zero} of the divisor is 0`, { index: zero });
  return divisor;
}

export default defineImporter({
  operator: 'Div',
  summary: 'Elementwise quotient with broadcasting.',
  inputs: [
    { name: 'A', doc: 'any tensor', form: 'either' },
    { name: 'B', doc: 'a tensor that broadcasts with A; a constant has no zeros', form: 'either' },
  ],
  attributes: oldBroadcast.attributes,
  lowersTo:
    '`nn.scale` by the reciprocal of a constant; for an encrypted divisor `nn.activation` reciprocal and `nn.scale` or `nn.mul`.',
  notes: [
    'The reciprocal of an encrypted divisor becomes a polynomial, fitted on the calibrated range, which must not reach 0; else the model is refused.',
  ],
  import(context) {
    const [a, b] = context.inputs;
    if (b?.kind === 'data') {
      const reciprocal = applied('reciprocal', {}, b, context);
      return a?.kind === 'constant'
        ? multiplyByConstant(reciprocal, a.tensor, context)
        : context.add('nn.mul', [context.data(0), reciprocal]);
    }
    const { shape, data } = divisorOf(context).tensor;
    return multiplyByConstant(
      context.data(0),
      { shape, data: data.map((value) => 1 / value) },
      context,
    );
  },
  fold(context) {
    const a = context.constant(0);
    const b = divisorOf(context);
    if (broadcastShapes(a.tensor.shape, b.tensor.shape) === null) {
      context.invalid(
        `the shapes [${a.tensor.shape.join(',')}] and [${b.tensor.shape.join(',')}] do not broadcast`,
      );
    }
    const whole = isInteger(a.elementType);
    return {
      ...a,
      tensor: zipTensors(a.tensor, b.tensor, (x, y) => (whole ? Math.trunc(x / y) : x / y)),
    };
  },
});
