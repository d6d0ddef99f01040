/**
 * Relinearising the sums of a linear map in place of the products that it reads.
 *
 * A map that rotates nothing multiplies three polynomials as it does two. A dense layer of a batch
 * with 845 squares and 100 sums switches 100 keys that way, for half as many products again.
 */
import { neverRotates } from '../../ir/ckks/group-products.ts';
import type { Layout } from '../../layout/layout.ts';
import type { OperationSeconds } from '../cost/profile.ts';

/**
 * Modelled seconds that it saves; below zero where it costs more, −∞ where the map rotates.
 *
 * All operands are products of ciphertexts that nothing else reads; `products` counts the numbers that
 * their ciphertexts are multiplied by.
 */
export function lateRelinearisationSaving(
  inputs: readonly Layout[],
  output: Layout,
  products: number,
  { relinearize, multiplyScalar }: Pick<OperationSeconds, 'relinearize' | 'multiplyScalar'>,
): number {
  if (!neverRotates(inputs, output)) return -Infinity;
  const operands = inputs.reduce((sum, { ciphertexts }) => sum + ciphertexts, 0);
  return (operands - output.ciphertexts) * relinearize - (products * multiplyScalar) / 2;
}
