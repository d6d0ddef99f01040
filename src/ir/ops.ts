/** The table of all operators. Adding one is one file and one line in its dialect's index. */
import { CipherloomError } from '../errors.ts';
import { ckksOps } from './ckks/index.ts';
import type { AnyOp } from './define-op.ts';
import { nnOps } from './nn/index.ts';
import { packedOps } from './packed/index.ts';

export const ops: readonly AnyOp[] = [...nnOps, ...packedOps, ...ckksOps];

const byName = new Map(ops.map((op) => [op.name, op]));

/** The declaration of an operator. Throws IR_INVALID for an unknown name. */
export function lookupOp(name: string): AnyOp {
  const op = byName.get(name);
  if (op === undefined) {
    throw new CipherloomError('IR_INVALID', `there is no operator ${name}`, {
      phase: 'ir',
      hint: 'cipherloom ops lists the operators',
    });
  }
  return op;
}
