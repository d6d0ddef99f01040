import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { defineOp } from '../define-op.ts';
import { boundsOf } from '../nn/values.ts';
import { ciphertextOf } from './values.ts';
import { vectorsOf, vectorsValue } from '../packed/values.ts';

export default defineOp({
  name: 'ckks.level-drop',
  code: 209,
  summary: 'Leave out the last primes without dividing: a lower level at the same scale.',
  operands: [{ name: 'x', doc: 'value at a higher level' }],
  attributes: z.strictObject({ level: z.int().nonnegative() }),
  levels: 0,
  infer(types, { level }, context) {
    const x = ciphertextOf(types[0]);
    if (x.level !== null && x.level < level) {
      throw new CipherloomError('IR_INVALID', `cannot drop from level ${x.level} to ${level}`, {
        phase: 'ckks',
        node: context.location ?? undefined,
        details: { from: x.level, to: level },
      });
    }
    return { ...x, range: null, level };
  },
  range: (operands) => boundsOf(operands[0]),
  evaluate: (operands) => vectorsValue(vectorsOf(operands[0])),
});
