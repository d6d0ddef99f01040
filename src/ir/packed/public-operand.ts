/** Operands that the server knows in the clear: read by name, laid out as the other operand is. */
import { z } from 'zod';
import { invariant } from '../../errors.ts';
import type { OpContext } from '../define-op.ts';
import type { Type } from '../types.ts';
import { slottedType, spread } from './values.ts';
import type { Vectors } from './values.ts';

export const publicAttributes = {
  /** Name of an output of the program's public part, of the shape of x. */
  value: z.string().min(1),
  /** Bounds of its elements; a request whose value leaves them is refused. */
  range: z.tuple([z.number(), z.number()]).readonly(),
};

/** The public value in the slots of an operand; unused slots hold zero. */
export function publicSlots(operand: Type | undefined, name: string, context: OpContext): Vectors {
  invariant(context.publicValue !== undefined, 'the interpreter supplies public values');
  return spread(slottedType(operand).layout, context.publicValue(name));
}
