import type { Program } from '../ir/program.ts';
import { shapeOf } from '../ir/types.ts';
import type { InputForm } from './input-tensors.ts';

/** The inputs of a program on tensors; none of a packed or ckks program. */
export function tensorInputs({ operations }: Program): InputForm[] {
  return operations.flatMap(({ op, attributes, type }) => {
    const { name } = attributes;
    return op === 'nn.input' && typeof name === 'string' ? [{ name, shape: shapeOf(type) }] : [];
  });
}
