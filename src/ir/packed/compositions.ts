/**
 * Rotations without a key of their own, each as a rotation made before and one by a step that has a key.
 *
 * What is rotated again and again forms trees: inputs are rotated away from the value itself, sums are
 * rotated towards the sum that needs no rotation, and both share what several rotations have in common.
 * A chain of giant steps by one key (Horner's rule) takes as many rotations as one key for each.
 */
import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { centredRotation } from './diagonals.ts';

/** A rotation by `rotation − step`, then one by `step`. */
const compositionSchema = z.strictObject({ rotation: z.int(), step: z.int() });

/** Most of them in one list: more than there are keys to save. */
const mostCompositions = 4096;

/** Most rotations one after the other: each adds its error. */
export const longestChain = 64;

const listSchema = z.array(compositionSchema).max(mostCompositions).readonly();

export const compositionsSchema = z.strictObject({
  /** Of inputs: baby steps. */
  inputs: listSchema,
  /** Of sums: giant steps. A sum is rotated by `step` and added to that of `rotation − step`. */
  sums: listSchema,
  /** Of results that are added to themselves. */
  folds: listSchema,
});

export type Composition = z.output<typeof compositionSchema>;
export type Compositions = z.output<typeof compositionsSchema>;

export const noCompositions: Compositions = { inputs: [], sums: [], folds: [] };

/** The last step of each rotation that is composed. */
export type LastSteps = ReadonlyMap<number, number>;

/** Look compositions up by their rotation. */
export function lastSteps(list: readonly Composition[]): LastSteps {
  return new Map(list.map(({ rotation, step }) => [rotation, step]));
}

/** The step with a key that a rotation ends with: the rotation itself where it is not composed. */
export function lastStep(steps: LastSteps, rotation: number): number {
  return steps.get(rotation) ?? rotation;
}

/** The rotations with keys that make up a rotation, in order. ASSUME: compositions were checked. */
export function chainOf(steps: LastSteps, rotation: number, slots: number): number[] {
  const chain: number[] = [];
  for (let left = rotation; left !== 0;) {
    const step = lastStep(steps, left);
    chain.push(step);
    left = centredRotation(left - step, slots);
  }
  return chain.reverse();
}

/**
 * Check compositions of rotations of so many slots: every chain ends, after at most 64 steps.
 *
 * Throws IR_INVALID naming the rotation.
 */
export function checkCompositions(
  { inputs, sums, folds }: Compositions,
  slots: number,
  node: string,
): void {
  for (const list of [inputs, sums, folds]) checkList(list, slots, node);
}

function checkList(list: readonly Composition[], slots: number, node: string): void {
  const refuse = (rotation: number, reason: string): never => {
    throw new CipherloomError(
      'IR_INVALID',
      `${node}: the composed rotation by ${rotation} ${reason}`,
      { phase: 'ckks', node, details: { rotation, slots } },
    );
  };
  const steps = lastSteps(list);
  if (steps.size !== list.length) refuse(list[0]?.rotation ?? 0, 'or another one stands twice');
  const centred = (rotation: number): boolean =>
    rotation !== 0 && centredRotation(rotation, slots) === rotation;
  for (const { rotation, step } of list) {
    if (!centred(rotation) || !centred(step)) {
      refuse(
        rotation,
        `ends with one by ${step}: both are from ${1 - slots / 2} to ${slots / 2}, not 0`,
      );
    }
    let left = rotation;
    let length = 0;
    while (left !== 0) {
      left = centredRotation(left - lastStep(steps, left), slots);
      if (++length > longestChain) refuse(rotation, `takes more than ${longestChain} rotations`);
    }
  }
}

/** Rotated values, each made from another one. */
export interface RotationTree {
  /** Per node, the node on the way to the value itself; −1 where that is the value. */
  readonly from: Int32Array<ArrayBuffer>;
  /** Per node, the step between the two; 0 for the value itself. */
  readonly step: Int32Array<ArrayBuffer>;
}

/**
 * Complete rotated values by those that they are made from.
 *
 * `nodes` are numbers of values with their rotations; they keep their places, what they need follows.
 * `roots`: the values themselves are nodes too.
 */
export function rotationTree(
  nodes: readonly (readonly [value: number, rotation: number])[],
  steps: LastSteps,
  slots: number,
  roots: boolean,
): RotationTree & { readonly values: Int32Array<ArrayBuffer> } {
  const all = [...nodes];
  const keyOf = (value: number, rotation: number): number => value * 2 * slots + rotation + slots;
  const numbers = new Map(all.map(([value, rotation], n) => [keyOf(value, rotation), n]));
  const from: number[] = [];
  const step: number[] = [];
  // It grows on the way.
  for (const [value, rotation] of all) {
    const last = rotation === 0 ? 0 : lastStep(steps, rotation);
    step.push(last);
    const before = centredRotation(rotation - last, slots);
    if (rotation === 0 || (before === 0 && !roots)) {
      from.push(-1);
      continue;
    }
    const key = keyOf(value, before);
    let number = numbers.get(key);
    if (number === undefined) {
      number = all.push([value, before]) - 1;
      numbers.set(key, number);
    }
    from.push(number);
  }
  return {
    from: Int32Array.from(from),
    step: Int32Array.from(step),
    values: Int32Array.from(all, ([value]) => value),
  };
}
