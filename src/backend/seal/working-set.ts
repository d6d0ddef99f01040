/** How WebAssembly's memory is shared out between ciphertexts, keys and encoded constants. */
import { CipherloomError } from '../../errors.ts';
import { keyRequests, requireOneSpecialPrime, residentKeyBytes } from '../../seal/index.ts';
import { measureMemory } from '../execute/measure-memory.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';

/**
 * WebAssembly ends at 4 GiB; the rest is SEAL's tables (0.5 GB at N = 2^15 with ten primes), its
 * pool's fragments and blobs in transit. A plan that filled 3 GB at N = 2^15 ran out.
 */
export const workingSetLimit = 2_600_000_000;
/** Encoded constants are worth keeping, but not at any price. */
const mostPlaintextBytes = 512_000_000;

export interface WorkingSet {
  /** Most bytes of ciphertexts at once. */
  readonly ciphertextBytes: number;
  /** All keys at their highest level of use. */
  readonly keyBytes: number;
  /** Cap of the keys held at once. */
  readonly keyCapBytes: number;
  readonly plaintextCapBytes: number;
}

/**
 * Share out the memory for a plan.
 *
 * Throws RESOURCE_LIMIT when its ciphertexts and its largest key exceed 2.6 GB together, PLAN_INVALID
 * when it has several special primes
 */
export async function workingSet(
  prepared: PreparedProgram,
  maxKeyMemoryBytes = Infinity,
): Promise<WorkingSet> {
  const { modulus } = prepared.program;
  requireOneSpecialPrime(modulus?.specialPrimes.length ?? 1);
  const ringDegree = modulus?.ringDegree ?? 0;
  const ciphertextBytes = await measureMemory(prepared);
  const sizes = keyRequests(prepared.keys).map(({ primeCount }) =>
    residentKeyBytes(ringDegree, primeCount, 1),
  );
  const keyBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const largestKey = Math.max(0, ...sizes);
  const room = workingSetLimit - ciphertextBytes;
  if (room < largestKey) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `the plan holds ${ciphertextBytes} bytes of ciphertexts and needs ${largestKey} for a key: more than ${workingSetLimit}, what SEAL's WebAssembly has room for`,
      {
        phase: 'server',
        details: { ciphertextBytes, largestKey, limit: workingSetLimit },
        hint: 'compile with a smaller --batch or --max-memory-bytes',
      },
    );
  }
  if (maxKeyMemoryBytes < largestKey) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `a key of this plan takes ${largestKey} bytes, the key memory is limited to ${maxKeyMemoryBytes}`,
      {
        phase: 'server',
        details: { largestKey, maxKeyMemoryBytes },
        hint: 'allow more key memory, or compile with a smaller --ring-degree',
      },
    );
  }
  // One key may be used at several levels, trimmed for each; the cache evicts what does not fit.
  const keyCapBytes = Math.min(room, maxKeyMemoryBytes);
  const plaintextCapBytes = Math.max(
    0,
    Math.min(mostPlaintextBytes, room - Math.min(keyCapBytes, 2 * keyBytes)),
  );
  return {
    ciphertextBytes,
    keyBytes,
    keyCapBytes: Math.max(largestKey, Math.min(keyCapBytes, room - plaintextCapBytes)),
    plaintextCapBytes,
  };
}
