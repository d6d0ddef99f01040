import { z } from 'zod';
import { InternalError } from '../../errors.ts';
import { defineOp } from '../define-op.ts';
import { inputName } from './attributes.ts';

export default defineOp({
  name: 'nn.input',
  code: 1,
  summary: 'A tensor that the client encrypts, or a public one that the server knows.',
  operands: [],
  attributes: z.strictObject({
    name: inputName,
    shape: z.array(z.int().positive()).readonly(),
    /** Declared bounds of the elements. */
    range: z.tuple([z.number(), z.number()]).readonly(),
    /** Known to the server in the clear; never encrypted. */
    public: z.literal(true).optional(),
  }),
  levels: 0,
  infer: (_, { shape }) => ({ kind: 'tensor', shape, range: null }),
  range: (_, { range }) => range,
  evaluate: () => {
    throw new InternalError('inputs are given to the interpreter');
  },
});
