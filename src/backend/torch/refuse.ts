import { CipherloomError } from '../../errors.ts';
import type { Operation } from '../../ir/program.ts';

/** The error for a node that compiles, and that a PyTorch module cannot have. */
export function notInTorch(operation: Operation, reason: string, hint: string): CipherloomError {
  const { op, location } = operation;
  const name = location ?? 'unnamed';
  return new CipherloomError(
    'MODEL_UNSUPPORTED',
    `${name} (${op}) cannot be written as PyTorch: ${reason}`,
    {
      phase: 'nn',
      node: location ?? undefined,
      details: { nodes: [{ name, operator: op, reason, wayOut: hint }] },
      hint,
    },
  );
}
