import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { polynomialBounds, polynomialTerms } from '../polynomial.ts';
import { boundsOf } from '../nn/values.ts';
import {
  requireSpread,
  slottedType,
  spread,
  unusedBound,
  unusedOf,
  vectorsOf,
  vectorsValue,
} from './values.ts';

export default defineOp({
  name: 'packed.polynomial',
  code: 106,
  summary: 'A polynomial of each element; its constant term is added to used slots only.',
  operands: [{ name: 'x', doc: 'argument' }],
  attributes: z.strictObject({
    /** Shape [degree + 1, …], each coefficient broadcast to the shape of x, constant term first. */
    coefficients: z.string().startsWith('@'),
  }),
  levels: 1,
  infer(operands, attributes, context) {
    const { layout } = slottedType(operands[0]);
    const bound = unusedBound(layout);
    const terms = polynomialTerms(context.constant(attributes.coefficients));
    for (const term of terms) requireSpread(layout, term, context);
    const elsewhere = terms.reduce(
      (sum, term, exponent) =>
        exponent === 0 ? 0 : sum + Math.max(...term.data.map(Math.abs)) * bound ** exponent,
      0,
    );
    return { kind: 'vector', layout: { ...layout, unused: unusedOf(elsewhere) }, range: null };
  },
  range: (operands, attributes, context) =>
    polynomialBounds(context.constant(attributes.coefficients), boundsOf(operands[0])),
  evaluate(operands, types, attributes, context) {
    const { layout } = slottedType(types[0]);
    const x = vectorsOf(operands[0]);
    const terms = polynomialTerms(context.constant(attributes.coefficients));
    // A coefficient that is one number multiplies unused slots too, as it does on ciphertexts.
    const spreads = terms.map((term, exponent) =>
      spread(layout, term, exponent > 0 && term.data.length === 1 ? (term.data[0] ?? 0) : 0),
    );
    return vectorsValue(
      x.map((vector, k) => {
        const result = new Float64Array(vector.length);
        for (let exponent = spreads.length - 1; exponent >= 0; exponent--) {
          const coefficient = spreads[exponent]?.[k];
          for (let slot = 0; slot < vector.length; slot++) {
            result[slot] = (result[slot] ?? 0) * (vector[slot] ?? 0) + (coefficient?.[slot] ?? 0);
          }
        }
        return result;
      }),
    );
  },
});
