/** Every method of a value: the type in `value.ts`, the page in docs and the tests follow this. */
import type { Method } from '../define-method.ts';
import type { MethodName } from '../value.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { finalMethods } from './final.ts';
import { matrices } from './matrices.ts';
import { rearrangements } from './rearrangements.ts';
import { reductions } from './reductions.ts';
import { windows } from './windows.ts';

/** Methods by subject. */
export const methodGroups = {
  Arithmetic: arithmetic,
  'Products with constant matrices': matrices,
  Windows: windows,
  'Sums and means': reductions,
  Rearrangements: rearrangements,
  Activations: activations,
  'At the end': finalMethods,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Method>>>>;

export const methods: Readonly<Record<MethodName, Method>> = {
  ...arithmetic,
  ...matrices,
  ...windows,
  ...reductions,
  ...rearrangements,
  ...activations,
  ...finalMethods,
};
