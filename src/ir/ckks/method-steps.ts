/** The rotations with keys that the method of a linear map asks for. */
import { chainOf, lastSteps, noCompositions } from '../packed/compositions.ts';
import type { Compositions, LastSteps } from '../packed/compositions.ts';
import { centredRotation, foldRotations } from '../packed/diagonals.ts';
import type { LinearMethod } from '../packed/diagonals.ts';

/** A method, with the rotations it composes. */
export type ComposedMethod = LinearMethod & { readonly compositions?: Compositions };

/** Last steps of the rotations of inputs, of sums and of folds. */
export function methodSteps({ compositions = noCompositions }: ComposedMethod): {
  readonly inputs: LastSteps;
  readonly sums: LastSteps;
  readonly folds: LastSteps;
} {
  return {
    inputs: lastSteps(compositions.inputs),
    sums: lastSteps(compositions.sums),
    folds: lastSteps(compositions.folds),
  };
}

/** For each rotation that adds up the parts of a result, the ones with keys that make it up. */
export function foldChains(method: ComposedMethod, slots: number): number[][] {
  const { folds } = methodSteps(method);
  return foldRotations(method.fold).map((step) =>
    chainOf(folds, centredRotation(step, slots), slots),
  );
}
