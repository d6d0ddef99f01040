/** Bytes of the evaluation keys of a program. */
import type { Modulus } from '../../ir/program.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { keyBundleBytes } from '../../layout/key-bytes.ts';

export function programKeyBytes(
  modulus: Modulus,
  { rotations, relinearisation }: ClientPlan['keys'],
): number {
  const keys = [...rotations, ...(relinearisation === null ? [] : [relinearisation])];
  return keyBundleBytes(
    modulus,
    keys.map(({ primes }) => primes),
  );
}
