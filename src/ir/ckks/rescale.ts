import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { defineOp } from '../define-op.ts';
import { boundsOf } from '../nn/values.ts';
import { divide, rational } from '../rational.ts';
import { ciphertextOf } from './values.ts';
import { vectorsOf, vectorsValue } from '../packed/values.ts';

export default defineOp({
  name: 'ckks.rescale',
  code: 208,
  summary: 'Divide by the last prime of the level: one level and one prime less of scale.',
  operands: [{ name: 'x', doc: 'a product' }],
  attributes: z.strictObject({}),
  levels: 0,
  infer(types, _, context) {
    const x = ciphertextOf(types[0]);
    if (x.level === null) return { ...x, range: null };
    if (x.level === 0) {
      throw new CipherloomError('IR_INVALID', 'rescale at level 0: no prime is left to divide by', {
        phase: 'ckks',
        node: context.location ?? undefined,
        details: { level: 0 },
      });
    }
    const prime = context.modulus?.primes[x.level];
    const scale = x.scale === null || prime === undefined ? null : divide(x.scale, rational(prime));
    return { ...x, range: null, level: x.level - 1, scale };
  },
  range: (operands) => boundsOf(operands[0]),
  evaluate: (operands) => vectorsValue(vectorsOf(operands[0])),
  cost: (operands) => ({ rescales: ciphertextOf(operands[0]).layout.ciphertexts }),
});
