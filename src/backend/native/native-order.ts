/** The order in which the native evaluator makes products: that of `native/plan/src/linear_work.rs`. */
import type { ValueId } from '../../ir/program.ts';
import { inputUses, lastPositions, mostAlive } from '../execute/linear-work.ts';
import type { LinearWork } from '../execute/linear-work.ts';

/** Values that are multiplied at once (`VALUES` there). */
const valuesAtOnce = 8;

export interface NativeOrder {
  /** Groups in the order of execution. */
  readonly order: Int32Array<ArrayBuffer>;
  /** Inputs are rotated before they are multiplied: products are taken modulo Q·P. */
  readonly extended: boolean;
  /** Positions in `order` of the last use of each. */
  readonly lastOfRotated: Int32Array<ArrayBuffer>;
  readonly lastOfSum: Int32Array<ArrayBuffer>;
  readonly lastOfInput: Int32Array<ArrayBuffer>;
  readonly lastOfOutput: Int32Array<ArrayBuffer>;
}

/** Order the groups so that few values are held: by output, or some inputs after the others. */
export function nativeOrder(work: LinearWork, operands: readonly ValueId[]): NativeOrder {
  const { groups, rotatedOf, sumOf } = work;
  const byOutput = Int32Array.from({ length: groups.count }, (_, g) => g);
  const valueOf = operands.map((operand) => operands.indexOf(operand));
  const byInput = byOutput
    .slice()
    .sort(
      (a, b) =>
        valueOf[groups.operand[a]!]! - valueOf[groups.operand[b]!]! ||
        groups.inCiphertext[a]! - groups.inCiphertext[b]! ||
        groups.baby[a]! - groups.baby[b]! ||
        groups.operand[a]! - groups.operand[b]! ||
        a - b,
    );
  const rotatedCount = work.rotatedFrom.length;
  const rank = new Int32Array(rotatedCount).fill(-1);
  let ranks = 0;
  for (const g of byInput) if (rank[rotatedOf[g]!] === -1) rank[rotatedOf[g]!] = ranks++;
  const block = (g: number): number => Math.floor(rank[rotatedOf[g]!]! / valuesAtOnce);
  byInput.sort((a, b) => block(a) - block(b) || sumOf[a]! - sumOf[b]! || a - b);
  const last = (order: Int32Array, numberOf: Int32Array, like: Int32Array) =>
    lastPositions(order, numberOf, like.length);
  const alive = (order: Int32Array): number =>
    mostAlive(order, rotatedOf, last(order, rotatedOf, work.rotatedFrom)) +
    mostAlive(order, sumOf, last(order, sumOf, work.lastOfSum));
  const order = alive(byInput) < alive(byOutput) ? byInput : byOutput;

  const extended = groups.baby.some((baby) => baby !== 0);
  return {
    order,
    extended,
    ...inputUses(work, order, work.lastOfInput.length, extended),
    lastOfSum: last(order, sumOf, work.lastOfSum),
    lastOfOutput: last(order, groups.outCiphertext, work.lastOfOutput),
  };
}
