/**
 * The most memory that the native evaluator holds for the values of one execution: its steps on sizes
 * alone. What they are is in `native/plan/src/{execute,depth_first,linear_run,batch_run}.rs`.
 *
 * Buffers come from a pool that keeps one of each size for the next that asks, so what is held is, for
 * each size, the most that were in use at once.
 */
import { invariant } from '../../errors.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { ValueId } from '../../ir/program.ts';
import type { ExecutionStep } from '../execute/execution-steps.ts';
import type { LinearWork } from '../execute/linear-work.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import { batchBlocks } from './batch-blocks.ts';
import { depthFirst } from './depth-first.ts';
import type { Piece, Place } from './depth-first.ts';
import { nativeOrder } from './native-order.ts';

/** Counts buffers by their residues of N words. */
class Pool {
  readonly #shelves = new Map<number, { used: number; most: number }>();

  take(residues: number, count = 1): void {
    const shelf = this.#shelves.get(residues) ?? { used: 0, most: 0 };
    this.#shelves.set(residues, shelf);
    shelf.used += count;
    shelf.most = Math.max(shelf.most, shelf.used);
  }

  give(residues: number, count = 1): void {
    this.take(residues, -count);
  }

  /** Take and give back: it is needed for a moment. */
  touch(residues: number, count = 1): void {
    this.take(residues, count);
    this.give(residues, count);
  }

  get residues(): number {
    let sum = 0;
    for (const [residues, { most }] of this.#shelves) sum += residues * most;
    return sum;
  }
}

interface Held {
  readonly primes: number;
  readonly polynomials: number;
}

class WorkingMemory {
  readonly pool = new Pool();
  readonly #prepared: PreparedProgram;
  readonly #specials: number;
  readonly #values = new Map<ValueId, (Held | null)[]>();

  constructor(prepared: PreparedProgram) {
    this.#prepared = prepared;
    this.#specials = prepared.program.modulus?.specialPrimes.length ?? 1;
  }

  step(step: ExecutionStep): void {
    const count = this.#begin(step);
    const linear = this.#prepared.linear.get(step.head);
    if (linear === undefined) this.#each(step, count);
    else if (linear.scalar) this.#batch(step, linear);
    else this.#linear(step, linear);
    for (const operand of step.lastUses) {
      for (const index of this.#values.get(operand)?.keys() ?? []) {
        this.#release(step, operand, index);
      }
    }
  }

  /** Room for the result of a step; how many ciphertexts it has. */
  #begin(step: ExecutionStep): number {
    const { type } = operationOf(this.#prepared.program, step.result);
    const count = ciphertextOf(type).layout.ciphertexts;
    this.#values.set(step.result, new Array<Held | null>(count).fill(null));
    return count;
  }

  /** Residues of both polynomials modulo Q·P. */
  #extended(primes: number): number {
    return 2 * (primes + this.#specials);
  }

  /** Residues of the digits of a polynomial. */
  #digits(primes: number): number {
    return Math.ceil(primes / this.#specials) * (primes + this.#specials);
  }

  #formOf(id: ValueId): Held {
    const form = this.#prepared.forms[id];
    invariant(form !== undefined, 'every value has a form');
    return { primes: form.level + 1, polynomials: form.size };
  }

  #make(value: Held): Held {
    this.pool.take(value.primes, value.polynomials);
    return value;
  }

  #free({ primes, polynomials }: Held): void {
    this.pool.give(primes, polynomials);
  }

  #release(step: ExecutionStep, id: ValueId, index: number): void {
    if (step.lastUses.includes(id)) this.#drop(id, index);
  }

  #drop(id: ValueId, index: number): void {
    const values = this.#values.get(id);
    const value = values?.[index];
    if (values === undefined || value === undefined || value === null) return;
    this.#free(value);
    values[index] = null;
  }

  /** A ciphertext that the head made passes the operations that follow on it alone. */
  #emit(step: ExecutionStep, index: number, made: Held): void {
    let value = made;
    for (const id of step.pipeline) {
      const { op } = operationOf(this.#prepared.program, id);
      if (op === 'ckks.relinearize') this.#switch(value.primes, 1);
      const next = this.#make(this.#formOf(id));
      this.#free(value);
      value = next;
    }
    const values = this.#values.get(step.result);
    if (values !== undefined) values[index] = value;
  }

  /** Digits, the sums with a key and their division by P. */
  #switch(primes: number, count: number): void {
    this.pool.take(this.#digits(primes), count);
    this.pool.touch(primes);
    this.pool.take(this.#extended(primes), count);
    this.pool.touch(1, 2 * this.#specials + 2);
    this.pool.give(this.#extended(primes), count);
    this.pool.give(this.#digits(primes), count);
  }

  #each(step: ExecutionStep, count: number): void {
    const { operands } = operationOf(this.#prepared.program, step.head);
    for (let index = 0; index < count; index++) {
      this.#one(step, index, () => {
        for (const operand of operands) this.#release(step, operand, index);
      });
    }
  }

  /** One ciphertext of a step whose head works on each alone. */
  #one(step: ExecutionStep, index: number, release?: () => void): void {
    const { op } = operationOf(this.#prepared.program, step.head);
    const made = this.#make(this.#formOf(step.head));
    if (op === 'ckks.relinearize') this.#switch(made.primes, 1);
    release?.();
    this.#emit(step, index, made);
  }

  /** Products with matrices in a plan that rotates elsewhere: inputs stay to the end of the step. */
  #batch(step: ExecutionStep, work: LinearWork): void {
    for (const { outputs } of batchBlocks(work)) this.#block(step, outputs, []);
  }

  #block(step: ExecutionStep, outputs: readonly number[], lastUses: readonly Place[]): void {
    for (const _ of outputs) this.#make(this.#formOf(step.head));
    this.#freePlaces(lastUses);
    for (const output of outputs) this.#emit(step, output, this.#formOf(step.head));
  }

  /** All steps of a plan without rotations, piece by piece. */
  pieces(pieces: readonly Piece[]): void {
    for (const { step } of pieces) if (!this.#values.has(step.result)) this.#begin(step);
    for (const { step, block, outputs, lastUses } of pieces) {
      if (block) {
        this.#block(step, outputs, lastUses);
      } else {
        for (const index of outputs) this.#one(step, index);
        this.#freePlaces(lastUses);
      }
    }
  }

  #freePlaces(places: readonly Place[]): void {
    for (const [id, index] of places) this.#drop(id, index);
  }

  #linear(step: ExecutionStep, work: LinearWork): void {
    const { operands } = operationOf(this.#prepared.program, step.head);
    const { groups } = work;
    const { primes } = this.#formOf(step.head);
    const native = nativeOrder(work, operands);
    const digits = this.#digits(primes);
    const wideResidues = this.#extended(primes);
    const count = (wide: boolean, sign: 1 | -1): void => {
      if (wide) this.pool.take(wideResidues, sign);
      else this.pool.take(primes, 2 * sign);
    };
    const made = new Set<number>();
    const begun = new Set<number>();
    const { rotatedFrom, rotatedStep, sumInto } = work;
    // Rotated inputs that are made from the same digits: of an input, or of a rotated one.
    const inputs = native.lastOfInput.length;
    const children = new Int32Array(inputs + rotatedFrom.length);
    const sourceOf = (node: number, input: number): number =>
      rotatedFrom[node]! < 0 ? input : inputs + rotatedFrom[node]!;
    const eachNew = (g: number, visit: (node: number, source: number) => void): void => {
      const chain: number[] = [];
      for (let node = work.rotatedOf[g]!; node >= 0 && !made.has(node); node = rotatedFrom[node]!) {
        made.add(node);
        chain.push(node);
      }
      for (const node of chain.reverse()) visit(node, sourceOf(node, work.inputOf[g]!));
    };
    for (const g of native.order) {
      eachNew(g, (node, source) => (children[source]! += rotatedStep[node] === 0 ? 0 : 1));
    }
    made.clear();
    const left = children.slice();
    /** For each sum that has parts, whether it is modulo Q·P. */
    const partials = new Map<number, boolean>();
    const missing = work.sumParts.slice();
    const addPart = (sum: number): boolean | null => {
      let number = sum;
      let wide = native.extended;
      const before = partials.get(sum);
      if (before !== undefined) {
        // One is added to the other, that modulo Q·P where they differ.
        count(before === wide && wide, -1);
        wide ||= before;
      }
      for (;;) {
        missing[number]!--;
        if (missing[number] !== 0) {
          partials.set(number, wide);
          return null;
        }
        partials.delete(number);
        number = sumInto[number]!;
        if (number < 0) return wide;
        this.pool.touch(digits);
        const known = partials.get(number);
        if (known !== true) count(true, 1);
        if (known === false) count(false, -1);
        count(wide, -1);
        wide = true;
      }
    };
    native.order.forEach((g, position) => {
      const [input, sum] = [work.inputOf[g]!, work.sumOf[g]!];
      if (native.extended) {
        eachNew(g, (node, source) => {
          if (rotatedStep[node] !== 0) {
            if (left[source] === children[source]) this.pool.take(digits);
            left[source]!--;
            if (left[source] === 0) this.pool.give(digits);
          }
          this.pool.take(wideResidues);
        });
      }
      if (!begun.has(sum)) {
        begun.add(sum);
        count(native.extended, 1);
      }
      const index = groups.outCiphertext[g]!;
      const complete = native.lastOfSum[sum] === position ? addPart(sum) : null;
      if (native.extended) {
        for (let node = work.rotatedOf[g]!; node >= 0; node = rotatedFrom[node]!) {
          if (native.lastOfRotated[node] === position) this.pool.give(wideResidues);
        }
      }
      if (native.lastOfInput[input] === position) {
        this.#release(step, operands[groups.operand[g]!] ?? -1, groups.inCiphertext[g]!);
      }
      if (complete !== null) {
        let wide = complete;
        if (work.folds.length > 0) {
          this.pool.touch(digits);
          count(true, 1);
          count(wide, -1);
          this.pool.touch(wideResidues, work.folds.some((chain) => chain.length > 1) ? 2 : 1);
          wide = true;
        }
        const value = this.#make(this.#formOf(step.head));
        count(wide, -1);
        this.#emit(step, index, value);
      }
    });
  }
}

/** Bytes that the values of one execution take at most, on one thread. Cost: a step per diagonal. */
export function workingMemory(prepared: PreparedProgram): number {
  const memory = new WorkingMemory(prepared);
  const pieces = depthFirst(prepared);
  if (pieces === null) {
    for (const step of prepared.steps) if (!step.unused) memory.step(step);
  } else {
    memory.pieces(pieces);
  }
  return memory.pool.residues * 8 * (prepared.program.modulus?.ringDegree ?? 0);
}
