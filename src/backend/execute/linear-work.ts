/**
 * A linear operation made ready to run: its groups in an order that holds few ciphertexts, and when
 * each rotated input, sum and input is made and freed.
 *
 * Two orders are possible. By output: one sum at a time, every rotated input that is needed again
 * stays. By input: one rotated input at a time, every sum stays until its last product. The one that
 * holds less is taken.
 */
import { foldRotations } from '../../ir/packed/diagonals.ts';
import { neverRotates } from '../../ir/ckks/group-products.ts';
import { linearAttributes, linearGroups } from '../../ir/ckks/linear-groups.ts';
import type { LinearGroups } from '../../ir/ckks/group-products.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { fromText, toNumber } from '../../ir/rational.ts';
import { centredRotation } from '../../ir/packed/diagonals.ts';
import { batchSize, placementOf } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';

export interface LinearWork {
  readonly groups: LinearGroups;
  /** Groups in the order of execution. */
  readonly order: Int32Array<ArrayBuffer>;
  /** Per group, the number of its rotated input (a baby step of an input ciphertext). */
  readonly rotatedOf: Int32Array<ArrayBuffer>;
  /** Per group, the number of its sum (a giant step of an output ciphertext). */
  readonly sumOf: Int32Array<ArrayBuffer>;
  /** Per group, the number of its input ciphertext. */
  readonly inputOf: Int32Array<ArrayBuffer>;
  /** Positions in `order` of the last use of each; −1 for none. */
  readonly lastOfRotated: Int32Array<ArrayBuffer>;
  readonly lastOfSum: Int32Array<ArrayBuffer>;
  readonly lastOfInput: Int32Array<ArrayBuffer>;
  readonly lastOfOutput: Int32Array<ArrayBuffer>;
  /** Fold rotations, in order. */
  readonly folds: readonly number[];
  /** Scale of the diagonals of each operand. */
  readonly plainScales: readonly number[];
  /** Whether the baby steps of an input share one decomposition of it, where an evaluator can. */
  readonly hoist: boolean;
  /** Whether a group is one number for every slot. */
  readonly scalar: boolean;
  readonly slots: number;
  readonly outCiphertexts: number;
  readonly batchOffsets: Int32Array;
  /** Rotations, folds included. */
  readonly rotations: number;
}

/** Numbers for keys in the order they are met. */
function numberer(): (key: number) => number {
  const numbers = new Map<number, number>();
  return (key) => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, numbers.size);
    return numbers.size - 1;
  };
}

/** Position of the last group of each number. */
export function lastPositions(
  order: Int32Array,
  numberOf: Int32Array,
  count: number,
): Int32Array<ArrayBuffer> {
  const last = new Int32Array(count).fill(-1);
  order.forEach((group, position) => (last[numberOf[group]!] = position));
  return last;
}

/** The most numbers that are alive at once, from first to last use. */
export function mostAlive(order: Int32Array, numberOf: Int32Array, last: Int32Array): number {
  const alive = new Uint8Array(last.length);
  let now = 0;
  let most = 0;
  order.forEach((group, position) => {
    const number = numberOf[group]!;
    if (alive[number] === 0) {
      alive[number] = 1;
      now++;
      if (now > most) most = now;
    }
    if (last[number] === position) now--;
  });
  return most;
}

/** Make a linear operation ready. Cost: gathering its products, see `linearGroups`. */
export function linearWork(program: Program, operation: Operation): LinearWork {
  const groups = linearGroups(program, operation);
  const { method, plainScales } = linearAttributes(operation);
  const { layout } = ciphertextOf(operation.type);
  const { slots } = layout;
  const { count } = groups;
  const inputs = operation.operands.map(
    (operand) => ciphertextOf(operationOf(program, operand).type).layout,
  );

  // Two operands may be one value: its ciphertexts are rotated and freed once.
  const valueOf = operation.operands.map((operand) => operation.operands.indexOf(operand));
  const rotatedNumber = numberer();
  const sumNumber = numberer();
  const firstInput = inputOffsets(inputs);
  const rotatedOf = new Int32Array(count);
  const sumOf = new Int32Array(count);
  const inputOf = new Int32Array(count);
  for (let g = 0; g < count; g++) {
    const input = firstInput[valueOf[groups.operand[g]!]!]! + groups.inCiphertext[g]!;
    inputOf[g] = input;
    rotatedOf[g] = rotatedNumber(input * 2 * slots + groups.baby[g]! + slots);
    sumOf[g] = sumNumber(groups.outCiphertext[g]! * 2 * slots + groups.giant[g]! + slots);
  }
  const countOf = (numberOf: Int32Array): number =>
    numberOf.reduce((most, number) => Math.max(most, number + 1), 0);
  const rotatedCount = countOf(rotatedOf);
  const sumCount = countOf(sumOf);

  const byOutput = Int32Array.from({ length: count }, (_, g) => g);
  let order = byOutput;
  const scalar = neverRotates(inputs, layout) && onlyNumbers(inputs, layout);
  if (!neverRotates(inputs, layout)) {
    const byInput = byOutput
      .slice()
      .sort(
        (a, b) =>
          inputOf[a]! - inputOf[b]! ||
          groups.baby[a]! - groups.baby[b]! ||
          groups.operand[a]! - groups.operand[b]! ||
          a - b,
      );
    const rotatedAlive = mostAlive(
      byOutput,
      rotatedOf,
      lastPositions(byOutput, rotatedOf, rotatedCount),
    );
    const sumsAlive = mostAlive(byInput, sumOf, lastPositions(byInput, sumOf, sumCount));
    if (sumsAlive < rotatedAlive) order = byInput;
  }

  // An input is needed where it is used unrotated, and where a rotated one is made from it.
  const lastOfInput = new Int32Array(firstInput.at(-1)!).fill(-1);
  const made = new Uint8Array(rotatedCount);
  const rotatedSteps = new Uint8Array(rotatedCount);
  order.forEach((group, position) => {
    const rotated = rotatedOf[group]!;
    const baby = groups.baby[group]!;
    if (baby === 0 || made[rotated] === 0) lastOfInput[inputOf[group]!] = position;
    made[rotated] = 1;
    rotatedSteps[rotated] = baby === 0 ? 0 : 1;
  });
  const giantSums = new Set<number>();
  for (let g = 0; g < count; g++) if (groups.giant[g] !== 0) giantSums.add(sumOf[g]!);
  const folds = foldRotations(method.fold).map((step) => centredRotation(step, slots));
  const lastOfOutput = lastPositions(order, groups.outCiphertext, layout.ciphertexts);
  const sumsPresent = lastOfOutput.reduce((sum, position) => sum + (position < 0 ? 0 : 1), 0);
  return {
    groups,
    order,
    rotatedOf,
    sumOf,
    inputOf,
    lastOfRotated: lastPositions(order, rotatedOf, rotatedCount),
    lastOfSum: lastPositions(order, sumOf, sumCount),
    lastOfInput,
    lastOfOutput,
    folds,
    plainScales: plainScales.map((scale) => toNumber(fromText(scale))),
    hoist: method.hoist ?? true,
    scalar,
    slots,
    outCiphertexts: layout.ciphertexts,
    batchOffsets: placementOf(layout).batchOffsets,
    rotations:
      rotatedSteps.reduce((sum, step) => sum + step, 0) +
      giantSums.size +
      folds.length * sumsPresent,
  };
}

/** Number of the first ciphertext of each operand, and behind them the number of all. */
function inputOffsets(inputs: readonly Layout[]): number[] {
  const offsets = [0];
  for (const { ciphertexts } of inputs) offsets.push(offsets.at(-1)! + ciphertexts);
  return offsets;
}

/**
 * Whether a diagonal of a batch layout may be one number: unused slots are then multiplied as well,
 * which is harmless where there are none, where they hold zero, or where the plan expects anything.
 */
function onlyNumbers(inputs: readonly Layout[], output: Layout): boolean {
  return (
    batchSize(output) === output.slots ||
    output.unused.kind === 'unknown' ||
    inputs.every(({ unused }) => unused.kind === 'zero')
  );
}
