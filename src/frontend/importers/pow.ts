import { broadcastShapes, broadcastStrides, zipTensors } from '../../ir/tensor.ts';
import { power } from '../arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import { oldBroadcast } from '../old-broadcast.ts';

/** A power above needs more levels than the largest ring has. */
const highest = 64;

export default defineImporter({
  operator: 'Pow',
  summary: 'Elementwise power with a constant natural exponent.',
  inputs: [
    { name: 'X', doc: 'base', form: 'either' },
    { name: 'Y', doc: `constant exponents, whole numbers from 0 to ${highest}`, form: 'either' },
  ],
  attributes: oldBroadcast.attributes,
  lowersTo: '`nn.polynomial` with one coefficient 1; `nn.identity` for the exponent 1.',
  notes: ['Fractions and negative exponents are refused: they are no polynomials.'],
  import(context) {
    if (context.inputs[1]?.kind !== 'constant') {
      return context.unsupported('its exponent is an encrypted value', 'use a constant exponent');
    }
    const x = context.data(0);
    const { shape, data } = context.constant(1).tensor;
    const bad = data.find((value) => !Number.isInteger(value) || value < 0 || value > highest);
    if (bad !== undefined) {
      context.unsupported(
        `its exponent ${bad} is not a whole number from 0 to ${highest}`,
        'use a whole exponent, or a polynomial of X',
      );
    }
    const [first] = data;
    if (first !== undefined && data.every((value) => value === first) && first > 0) {
      if (broadcastStrides(shape, x.shape) !== null)
        return first === 1 ? x : power(x, first, context);
    }
    if (broadcastStrides(shape, x.shape) === null) {
      context.unsupported(
        `its exponents [${shape.join(',')}] are a larger tensor than X [${x.shape.join(',')}]`,
      );
    }
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
