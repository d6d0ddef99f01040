/** Optimisations that a compilation may leave out, to see what each is worth. */
import type { CompileOptions } from './options.ts';

/** By name, what the compiler does instead where one is disabled. Answers stay the same. */
export const optimisations = {
  'fuse-linear': 'each linear layer stays a matrix of its own; factors and reorderings still move',
  'fold-polynomials': 'coefficients of polynomials stay in them',
  'client-patches': 'clients send images row by row, no windows of a first convolution',
  'giant-steps': 'every diagonal has a rotation of its own: no baby-step giant-step',
  'trim-keys': 'rotation keys have all primes of the chain, not only those of their levels',
  'hoist-rotations': 'every rotation decomposes its ciphertext again',
  'lazy-rescale': 'every product is rescaled at once, not the sum of several',
  'lazy-relinearise': 'every product is relinearised at once, not the sum of several',
  'share-rescales': 'a product has a rescale of its own, also in front of a linear map',
} as const;

export type Optimisation = keyof typeof optimisations;

export const optimisationNames = Object.keys(optimisations) as [Optimisation, ...Optimisation[]];

/** Whether an optimisation was not disabled. */
export function isEnabled({ disable }: CompileOptions, name: Optimisation): boolean {
  return !disable.includes(name);
}
