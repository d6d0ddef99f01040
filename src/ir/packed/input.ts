import { z } from 'zod';
import { InternalError } from '../../errors.ts';
import { checkLayout } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { layoutSchema } from '../layout-schema.ts';
import { inputName } from '../nn/attributes.ts';

export default defineOp({
  name: 'packed.input',
  code: 101,
  summary: 'A tensor that the client lays out in slots.',
  operands: [],
  attributes: z.strictObject({
    name: inputName,
    layout: layoutSchema,
    range: z.tuple([z.number(), z.number()]).readonly(),
  }),
  levels: 0,
  infer(_, { layout, name }) {
    checkLayout(layout, `input "${name}"`);
    return { kind: 'vector', layout, range: null };
  },
  range: (_, { range }) => range,
  evaluate: () => {
    throw new InternalError('inputs are given to the interpreter');
  },
});
