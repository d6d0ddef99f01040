import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { boundsOf } from '../nn/values.ts';
import { ciphertextOf } from './values.ts';
import { vectorsOf, vectorsValue } from '../packed/values.ts';

export default defineOp({
  name: 'ckks.relinearize',
  code: 207,
  summary: 'Bring a product back to two polynomials with the relinearisation key.',
  operands: [{ name: 'x', doc: 'a product' }],
  attributes: z.strictObject({}),
  levels: 0,
  infer: (types) => ({ ...ciphertextOf(types[0]), size: 2, range: null }),
  range: (operands) => boundsOf(operands[0]),
  evaluate: (operands) => vectorsValue(vectorsOf(operands[0])),
  cost: (operands) => ({ relinearisations: ciphertextOf(operands[0]).layout.ciphertexts }),
  keys: () => ({ relinearisation: true }),
});
