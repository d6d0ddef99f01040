/**
 * Where a linear map of products relinearises: the products that it reads, or its sums.
 *
 * A map that rotates nothing multiplies three polynomials as it does two. A dense layer of a batch
 * with 845 squares and 100 sums switches 100 keys that way, for half as many products again.
 */
import { neverRotates } from '../../ir/ckks/group-products.ts';
import type { Layout } from '../../layout/layout.ts';
import type { OperationSeconds } from '../cost/profile.ts';

/** Modelled seconds beside those of the map of two polynomials. */
interface RelinearisationSeconds {
  /** Of the products that it reads. */
  readonly early: number;
  /** Of its sums, and of the third polynomial of its products; infinite where it rotates. */
  readonly late: number;
}

/**
 * What relinearising before or behind a map takes.
 *
 * All operands are products of ciphertexts that nothing else reads; `products` counts the numbers that
 * their ciphertexts are multiplied by.
 */
export function relinearisationSeconds(
  inputs: readonly Layout[],
  output: Layout,
  products: number,
  { relinearize, multiplyScalar }: Pick<OperationSeconds, 'relinearize' | 'multiplyScalar'>,
): RelinearisationSeconds {
  const operands = inputs.reduce((sum, { ciphertexts }) => sum + ciphertexts, 0);
  const behind = output.ciphertexts * relinearize + (products * multiplyScalar) / 2;
  return {
    early: operands * relinearize,
    late: neverRotates(inputs, output) ? behind : Infinity,
  };
}
