/**
 * A linear operation made ready to run: its groups in an order that holds few ciphertexts, and when
 * each rotated input, sum and input is made and freed.
 *
 * Two orders are possible. By output: one sum at a time, every rotated input that is needed again
 * stays. By input: one rotated input at a time, every sum stays until its last product. The one that
 * holds less is taken.
 */
import { rotationTree } from '../../ir/packed/compositions.ts';
import { neverRotates } from '../../ir/ckks/group-products.ts';
import { linearAttributes, linearGroups } from '../../ir/ckks/linear-groups.ts';
import type { LinearGroups } from '../../ir/ckks/group-products.ts';
import { foldChains, methodSteps } from '../../ir/ckks/method-steps.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { fromText, toNumber } from '../../ir/rational.ts';
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
  /** Per rotated input, the one that it is made from, −1 for the input itself; behind those of groups, those that others are made from. */
  readonly rotatedFrom: Int32Array<ArrayBuffer>;
  /** Per rotated input, the rotation between the two; 0 for the input itself. */
  readonly rotatedStep: Int32Array<ArrayBuffer>;
  /** Per sum, the one that it is added to, −1 for the result; behind those of groups, those of sums alone. */
  readonly sumInto: Int32Array<ArrayBuffer>;
  /** Per sum, its rotation before; 0 for the result. */
  readonly sumStep: Int32Array<ArrayBuffer>;
  /** Per sum, what is added to it: its products, as one, and other sums. */
  readonly sumParts: Int32Array<ArrayBuffer>;
  /** Positions in `order` of the last use of each; −1 for none. */
  readonly lastOfRotated: Int32Array<ArrayBuffer>;
  readonly lastOfSum: Int32Array<ArrayBuffer>;
  readonly lastOfInput: Int32Array<ArrayBuffer>;
  readonly lastOfOutput: Int32Array<ArrayBuffer>;
  /** What each fold rotates by, in order: one step, or several one after the other. */
  readonly folds: readonly (readonly number[])[];
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

/** When rotated inputs and inputs are used last. */
export interface InputUses {
  readonly lastOfRotated: Int32Array<ArrayBuffer>;
  readonly lastOfInput: Int32Array<ArrayBuffer>;
}

/**
 * Find the last uses of inputs and rotated inputs in an order: by products, and by what is made of them
 * at its first use. `copied`: an input that is multiplied as it is gets a form of its own at its first use.
 */
export function inputUses(
  work: Pick<LinearWork, 'rotatedOf' | 'rotatedFrom' | 'rotatedStep' | 'inputOf'>,
  order: Int32Array,
  inputs: number,
  copied: boolean,
): InputUses {
  const { rotatedOf, rotatedFrom, rotatedStep, inputOf } = work;
  const lastOfRotated = new Int32Array(rotatedFrom.length).fill(-1);
  const lastOfInput = new Int32Array(inputs).fill(-1);
  const made = new Uint8Array(rotatedFrom.length);
  order.forEach((group, position) => {
    let number = rotatedOf[group]!;
    lastOfRotated[number] = position;
    if (!copied && rotatedStep[number] === 0) lastOfInput[inputOf[group]!] = position;
    while (made[number] === 0) {
      made[number] = 1;
      const from = rotatedFrom[number]!;
      if (from < 0) {
        lastOfInput[inputOf[group]!] = position;
        break;
      }
      lastOfRotated[from] = position;
      number = from;
    }
  });
  return { lastOfRotated, lastOfInput };
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
  const rotatedNodes: [input: number, baby: number][] = [];
  const sumNodes: [output: number, giant: number][] = [];
  const rotatedNumber = numberer();
  const sumNumber = numberer();
  const firstInput = inputOffsets(inputs);
  const rotatedOf = new Int32Array(count);
  const sumOf = new Int32Array(count);
  const inputOf = new Int32Array(count);
  for (let g = 0; g < count; g++) {
    const input = firstInput[valueOf[groups.operand[g]!]!]! + groups.inCiphertext[g]!;
    inputOf[g] = input;
    const baby = groups.baby[g]!;
    const output = groups.outCiphertext[g]!;
    const giant = groups.giant[g]!;
    rotatedOf[g] = rotatedNumber(input * 2 * slots + baby + slots);
    sumOf[g] = sumNumber(output * 2 * slots + giant + slots);
    rotatedNodes[rotatedOf[g]!] ??= [input, baby];
    sumNodes[sumOf[g]!] ??= [output, giant];
  }
  const rotatedCount = rotatedNodes.length;
  const sumCount = sumNodes.length;
  const steps = methodSteps(method);
  const rotated = rotationTree(rotatedNodes, steps.inputs, slots, false);
  const sums = rotationTree(sumNodes, steps.sums, slots, true);
  const sumParts = new Int32Array(sums.from.length);
  sums.from.forEach((into, sum) => {
    if (sum < sumCount) sumParts[sum]!++;
    if (into >= 0) sumParts[into]!++;
  });

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

  const trees = {
    rotatedOf,
    inputOf,
    rotatedFrom: rotated.from,
    rotatedStep: rotated.step,
    sumInto: sums.from,
    sumStep: sums.step,
    sumParts,
  };
  const folds = foldChains(method, slots);
  const lastOfOutput = lastPositions(order, groups.outCiphertext, layout.ciphertexts);
  const sumsPresent = lastOfOutput.reduce((sum, position) => sum + (position < 0 ? 0 : 1), 0);
  return {
    groups,
    order,
    ...trees,
    sumOf,
    ...inputUses(trees, order, firstInput.at(-1)!, false),
    lastOfSum: lastPositions(order, sumOf, sumCount),
    lastOfOutput,
    folds,
    plainScales: plainScales.map((scale) => toNumber(fromText(scale))),
    hoist: method.hoist ?? true,
    scalar,
    slots,
    outCiphertexts: layout.ciphertexts,
    batchOffsets: placementOf(layout).batchOffsets,
    rotations: stepCount(rotated.step) + stepCount(sums.step) + folds.flat().length * sumsPresent,
  };
}

/** Rotations among the steps of a tree. */
export function stepCount(steps: Int32Array): number {
  return steps.reduce((sum, step) => sum + (step === 0 ? 0 : 1), 0);
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
