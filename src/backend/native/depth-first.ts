/**
 * The order in which the native evaluator runs a plan without rotations: what an output needs just
 * before it, as `native/plan/src/depth_first.rs`. A whole layer of a large image fits no memory.
 */
import { operationOf } from '../../ir/program.ts';
import type { ValueId } from '../../ir/program.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import type { ExecutionStep } from '../execute/execution-steps.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import { batchBlocks } from './batch-blocks.ts';

/** A ciphertext of a value. */
export type Place = readonly [value: ValueId, index: number];

/** Ciphertexts of a step that are made together. */
export interface Piece {
  readonly step: ExecutionStep;
  /** Whether they are a product with a matrix, not one ciphertext each. */
  readonly block: boolean;
  readonly outputs: readonly number[];
  /** What no later piece reads. */
  readonly lastUses: readonly Place[];
}

interface Knot {
  readonly step: ExecutionStep;
  readonly block: boolean;
  /** Of each piece; all read the same. */
  readonly outputs: (readonly number[])[];
  readonly reads: readonly Place[];
}

/** The pieces in the order in which they are made; null where a step rotates. Cost: a step per product. */
export function depthFirst(prepared: PreparedProgram): readonly Piece[] | null {
  const { program, linear } = prepared;
  if ([...linear.values()].some(({ scalar }) => !scalar)) return null;
  const knots: Knot[] = [];
  /** By value and ciphertext, the knot that makes it. */
  const makers = new Map<ValueId, Int32Array>();
  for (const step of prepared.steps) {
    if (step.unused) continue;
    const { ciphertexts } = ciphertextOf(operationOf(program, step.result).type).layout;
    const maker = new Int32Array(ciphertexts).fill(-1);
    makers.set(step.result, maker);
    for (const knot of knotsOf(prepared, step, ciphertexts)) {
      for (const index of knot.outputs.flat()) maker[index] = knots.length;
      knots.push(knot);
    }
  }
  const order = postOrder(
    knots,
    program.outputs.flatMap(({ value }) => [...(makers.get(value) ?? [])]),
    ([value, index]) => makers.get(value)?.[index] ?? -1,
  );
  const kept = new Set(program.outputs.map(({ value }) => value));
  return withLastUses(order, kept);
}

function knotsOf(prepared: PreparedProgram, step: ExecutionStep, ciphertexts: number): Knot[] {
  const { operands } = operationOf(prepared.program, step.head);
  const work = prepared.linear.get(step.head);
  if (work === undefined) {
    return Array.from({ length: ciphertexts }, (_, index) => ({
      step,
      block: false,
      outputs: [[index]],
      reads: operands.map((operand): Place => [operand, index]),
    }));
  }
  const { groups } = work;
  const knots: Knot[] = [];
  const empty = new Set(Array.from({ length: ciphertexts }, (_, index) => index));
  for (const block of batchBlocks(work)) {
    for (const output of block.outputs) empty.delete(output);
    const reads = block.groups.map((g): Place => [
      operands[groups.operand[g]!] ?? -1,
      groups.inCiphertext[g]!,
    ]);
    const last = knots.at(-1);
    if (last !== undefined && sameReads(last.reads, reads)) last.outputs.push(block.outputs);
    else knots.push({ step, block: true, outputs: [block.outputs], reads });
  }
  const first: Place = [operands[0] ?? -1, 0];
  const unreached = [...empty].map((index): Knot => ({
    step,
    block: true,
    outputs: [[index]],
    reads: [first],
  }));
  return [...unreached, ...knots];
}

function sameReads(a: readonly Place[], b: readonly Place[]): boolean {
  return (
    a.length === b.length &&
    a.every(([value, index], k) => value === b[k]?.[0] && index === b[k][1])
  );
}

/** The knots that are needed, each after those that it reads. */
function postOrder(
  knots: readonly Knot[],
  wanted: readonly number[],
  makerOf: (place: Place) => number,
): Knot[] {
  const begun = new Uint8Array(knots.length);
  const order: Knot[] = [];
  for (const root of wanted) {
    if (begun[root] === 1) continue;
    begun[root] = 1;
    const stack = [{ knot: root, next: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const knot = knots[top.knot]!;
      const place = knot.reads[top.next++];
      if (place === undefined) {
        order.push(knot);
        stack.pop();
        continue;
      }
      const needed = makerOf(place);
      if (begun[needed] === 1) continue;
      begun[needed] = 1;
      stack.push({ knot: needed, next: 0 });
    }
  }
  return order;
}

/** The pieces of knots; neighbours that work on each ciphertext alone are one. */
function withLastUses(order: readonly Knot[], kept: ReadonlySet<ValueId>): Piece[] {
  const pieces: { step: ExecutionStep; block: boolean; outputs: number[]; reads: Place[] }[] = [];
  for (const { step, block, outputs, reads } of order) {
    const last = pieces.at(-1);
    if (!block && last?.block === false && last.step === step) {
      last.outputs.push(...outputs.flat());
      last.reads.push(...reads);
      continue;
    }
    for (const list of outputs) pieces.push({ step, block, outputs: [...list], reads: [...reads] });
  }
  const read = new Map<ValueId, Set<number>>();
  const made: Piece[] = [];
  for (const { reads, ...piece } of pieces.reverse()) {
    const lastUses = reads.filter(([value, index]) => {
      if (kept.has(value)) return false;
      const known = read.get(value) ?? new Set();
      read.set(value, known);
      if (known.has(index)) return false;
      known.add(index);
      return true;
    });
    made.push({ ...piece, lastUses });
  }
  return made.reverse();
}
