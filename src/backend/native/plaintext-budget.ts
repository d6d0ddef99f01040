/** How much of a bound on memory is left for encoded constants. */
import { CipherloomError } from '../../errors.ts';
import { leastBytes } from './native-memory.ts';
import type { NativeMemory } from './native-memory.ts';

/**
 * Bytes of encoded constants that stay from one run to the next so that plan, keys and one execution
 * take at most `maxMemoryBytes` together.
 *
 * The evaluator keeps constants transformed, or as coefficients, or encodes them in every run.
 * Throws RESOURCE_LIMIT where even without kept constants it takes more.
 */
export function plaintextBudget(memory: NativeMemory, maxMemoryBytes: number): number {
  const least = leastBytes(memory);
  if (least <= maxMemoryBytes) return maxMemoryBytes - least;
  const { keyBytes, workingBytes, planBytes } = memory;
  throw new CipherloomError(
    'RESOURCE_LIMIT',
    `the plan takes ${least} bytes without encoded constants (keys ${keyBytes}, ciphertexts ${workingBytes}, products ${planBytes}), ${maxMemoryBytes} are allowed`,
    {
      phase: 'server',
      details: { least, maxMemoryBytes, keyBytes, workingBytes, planBytes },
      hint: `allow ${least} bytes (--max-memory-bytes), or compile with a smaller --batch`,
    },
  );
}
