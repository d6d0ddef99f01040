import { broadcastShapes, broadcastStrides, zipTensors } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { activation, applied } from '../families/activations.ts';
import { multiplyByConstant, power } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';
import { oldBroadcast } from '../families/old-broadcast.ts';

/** A power above needs more levels than the largest ring has. */
const highest = 64;

export default defineImporter({
  operator: 'Pow',
  summary: 'Elementwise power with a constant base or exponent.',
  inputs: [
    { name: 'X', doc: 'base', form: 'either' },
    { name: 'Y', doc: 'exponents that broadcast with X; X or Y is constant', form: 'either' },
  ],
  attributes: oldBroadcast.attributes,
  lowersTo: `\`nn.polynomial\` with one coefficient 1 for whole exponents from 0 to ${highest}; else \`nn.activation\`.`,
  notes: [
    'Fractional and negative exponents, and encrypted ones of a positive constant, become a polynomial, fitted on the calibrated range: it must lie in the domain of the power, else the model is refused.',
  ],
  import(context) {
    const [base] = context.inputs;
    if (context.inputs[1]?.kind !== 'constant') {
      return base?.kind === 'constant'
        ? exponential(base.tensor, context)
        : context.unsupported(
            'its base and its exponent are encrypted values',
            'use a constant exponent, or exp and log',
          );
    }
    const x = context.data(0);
    const { shape, data } = context.constant(1).tensor;
    const natural = data.every(
      (value) => Number.isInteger(value) && value >= 0 && value <= highest,
    );
    const [first] = data;
    if (broadcastStrides(shape, x.shape) === null) {
      context.unsupported(
        `its exponents [${shape.join(',')}] are a larger tensor than X [${x.shape.join(',')}]`,
      );
    }
    const uniform = first !== undefined && data.every((value) => value === first);
    if (!natural) {
      const exponent = uniform ? first : context.reference(context.constant(1).tensor, 'exponents');
      return activation('power', { exponent }, context);
    }
    if (uniform && first > 0) return first === 1 ? x : power(x, first, context);
    const degree = data.reduce((a, b) => Math.max(a, b), 0);
    const coefficients = new Float64Array((degree + 1) * data.length);
    data.forEach((exponent, n) => (coefficients[exponent * data.length + n] = 1));
    return context.add('nn.polynomial', [x], {
      coefficients: context.reference(
        { shape: [degree + 1, ...shape], data: coefficients },
        `${context.name}.coefficients`,
      ),
    });
  },
  fold(context) {
    const [x, y] = [context.constant(0), context.constant(1)];
    if (broadcastShapes(x.tensor.shape, y.tensor.shape) === null) {
      context.invalid(
        `the shapes [${x.tensor.shape.join(',')}] and [${y.tensor.shape.join(',')}] do not broadcast`,
      );
    }
    return { ...x, tensor: zipTensors(x.tensor, y.tensor, (base, exponent) => base ** exponent) };
  },
});

/** base^y = exp(y · log(base)). */
function exponential({ shape, data }: Tensor, context: ImportContext): DataValue {
  const bad = data.find((value) => !(value > 0));
  if (bad !== undefined) {
    context.unsupported(
      `its exponent is an encrypted value and its base ${bad} is not positive`,
      'use a positive base or a constant exponent',
    );
  }
  const exponent = context.data(1);
  const scaled = multiplyByConstant(exponent, { shape, data: data.map(Math.log) }, context);
  return applied('exp', {}, scaled, context);
}
