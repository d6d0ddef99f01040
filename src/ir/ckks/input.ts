import { z } from 'zod';
import { InternalError } from '../../errors.ts';
import { checkLayout } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { layoutSchema } from '../layout-schema.ts';
import { inputName } from '../nn/attributes.ts';
import { fromText } from '../rational.ts';
import { ciphertext } from './values.ts';

export default defineOp({
  name: 'ckks.input',
  code: 201,
  summary: 'Ciphertexts that the client sends.',
  operands: [],
  attributes: z.strictObject({
    name: inputName,
    layout: layoutSchema,
    range: z.tuple([z.number(), z.number()]).readonly(),
    level: z.int().nonnegative().nullable(),
    scale: z.string().nullable(),
  }),
  levels: 0,
  infer(_, { layout, name, level, scale }) {
    checkLayout(layout, `input "${name}"`);
    return ciphertext(layout, 2, level, scale === null ? null : fromText(scale));
  },
  range: (_, { range }) => range,
  evaluate: () => {
    throw new InternalError('inputs are given to the interpreter');
  },
});
