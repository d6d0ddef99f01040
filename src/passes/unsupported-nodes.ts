/** One error for every node that cannot be compiled, so that a model is repaired once. */
import { CipherloomError } from '../errors.ts';
import type { Operation } from '../ir/program.ts';

/** Nodes named in the message; the rest is counted there and listed in the details. */
const namedNodes = 8;

/**
 * The error that lists all offending nodes.
 *
 * `reason` completes "N nodes cannot be compiled: …"; `hint` is what to type next.
 */
export function unsupportedNodes(
  operations: readonly Operation[],
  reason: string,
  hint: string,
): CipherloomError {
  const nodes = operations.map(({ op, location }) => ({
    name: location ?? 'unnamed',
    operator: op,
    reason,
    wayOut: hint,
  }));
  const names = nodes.slice(0, namedNodes).map(({ name, operator }) => `${name} (${operator})`);
  const more = nodes.length > namedNodes ? ` and ${nodes.length - namedNodes} more` : '';
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  return new CipherloomError(
    'MODEL_UNSUPPORTED',
    `${count} cannot be compiled: ${names.join(', ')}${more}: ${reason}`,
    {
      phase: 'nn',
      node: operations[0]?.location ?? undefined,
      details: { nodes },
      hint,
    },
  );
}
