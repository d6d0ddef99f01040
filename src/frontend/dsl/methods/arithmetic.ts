/** Elementwise arithmetic. */
import { z } from 'zod';
import { tensor } from '../../../ir/tensor.ts';
import { defineMethod, nnOperator, operand, parameter } from '../define-method.ts';

const other = parameter('other', operand, 'a value or a constant that broadcasts with x');

/** Terms of a polynomial: a higher degree needs more levels than the largest ring has. */
const maxTerms = 65;

export const arithmetic = {
  add: defineMethod({
    summary: 'x + other.',
    parameters: [other],
    build: (x, [y], context) => context.apply('Add', [x, context.node(y)]),
  }),
  sub: defineMethod({
    summary: 'x − other.',
    parameters: [other],
    build: (x, [y], context) => context.apply('Sub', [x, context.node(y)]),
  }),
  mul: defineMethod({
    summary: 'x · other, element by element.',
    parameters: [other],
    build: (x, [y], context) => context.apply('Mul', [x, context.node(y)]),
  }),
  div: defineMethod({
    summary: 'x / divisor, element by element.',
    parameters: [parameter('divisor', operand, 'a constant without zeros')],
    build: (x, [y], context) => context.apply('Div', [x, context.node(y)]),
  }),
  neg: defineMethod({
    summary: '−x.',
    parameters: [],
    build: (x, _, context) => context.apply('Neg', [x]),
  }),
  square: defineMethod({
    summary: 'x².',
    parameters: [],
    build: (x, _, context) => context.apply('Pow', [x, context.node(2)]),
  }),
  pow: defineMethod({
    summary: 'x to a power.',
    parameters: [parameter('exponent', z.number(), 'a number; a whole one stays a polynomial')],
    build: (x, [exponent], context) => context.apply('Pow', [x, context.node(exponent)]),
  }),
  polynomial: defineMethod({
    summary: 'c₀ + c₁ x + c₂ x² + …',
    parameters: [
      parameter(
        'coefficients',
        z.array(z.number()).min(1).max(maxTerms).readonly(),
        '[c₀, c₁, …], the constant one first',
      ),
    ],
    build: (x, [coefficients], context) =>
      context.apply(
        nnOperator('nn.polynomial', ({ name, reference }) => ({
          coefficients: reference(
            tensor([coefficients.length], coefficients),
            `${name}.coefficients`,
          ),
        })),
        [x],
      ),
  }),
};
