/**
 * The one function that runs a linear operation on ciphertexts, for every engine.
 *
 * Rotated inputs are made once and freed after their last use, sums are rotated by their giant step
 * as soon as they are complete, diagonals are built one at a time from the raw weights.
 *
 * An output ciphertext without any product (a map of zero weights) must still be a ciphertext that
 * hides its content: a product with zero would be transparent, readable by everybody and refused by
 * clients. Such an output is an input times the smallest encodable number, 1 / plainScale: an error
 * below the rounding of any other encoded weight.
 */
import { invariant } from '../../errors.ts';
import { addDiagonal, sumOfGroup } from '../../ir/ckks/group-products.ts';
import type { Engine, SlotConstant } from './engine.ts';
import type { LinearWork } from './linear-work.ts';

export interface LinearRun<C> {
  readonly engine: Engine<C>;
  readonly work: LinearWork;
  /** Names the operation in keys of constants. */
  readonly name: string;
  /** Scale of the result. */
  readonly scale: number;
  /** One value per slot, for diagonals. */
  readonly scratch: Float64Array<ArrayBuffer>;
  /** Ciphertext `index` of an operand. */
  input(operand: number, index: number): C;
  /** The ciphertext is not needed any more by this operation. */
  release(operand: number, index: number): void;
  /** Takes over a finished ciphertext of the result. */
  emit(index: number, value: C): Promise<void>;
  /** Registers a value, so that it is freed when the run ends early. */
  readonly own: (value: C) => C;
  readonly free: (value: C) => void;
  /** Called after each unit of work; a promise means: wait. */
  tick(units: number): Promise<void> | undefined;
}

/** Run one linear operation; its products are not rescaled. */
export async function executeLinear<C>(run: LinearRun<C>): Promise<void> {
  const { engine, work, scale, own, free } = run;
  const { groups, order, rotatedOf, sumOf, inputOf } = work;
  const { rotatedFrom, rotatedStep, sumInto, sumStep } = work;
  const rotated = new Map<number, C>();
  /** Sums of products that are not complete. */
  const sums = new Map<number, C>();
  /** Complete sums with what was added to them; how much is still to come. */
  const partials = new Map<number, C>();
  const missing = work.sumParts.slice();

  for (let index = 0; index < work.outCiphertexts; index++) {
    if (work.lastOfOutput[index]! >= 0) continue;
    const x = run.input(0, 0);
    await run.emit(index, own(engine.vanishingProduct(x, work.plainScales[0] ?? 1, scale)));
  }

  const rotate = async (x: C, step: number): Promise<C> => {
    const result = own(await engine.rotate(x, step));
    engine.setScale(result, engine.formOf(x).scale);
    await run.tick(1);
    return result;
  };

  /** A rotated input, with those that it is made from. */
  const rotatedInput = async (number: number, input: () => C): Promise<C> => {
    const chain: number[] = [];
    let next = number;
    while (next >= 0 && !rotated.has(next)) {
      chain.push(next);
      next = rotatedFrom[next]!;
    }
    let x = rotated.get(next) ?? input();
    for (const made of chain.reverse()) {
      x = await rotate(x, rotatedStep[made]!);
      rotated.set(made, x);
    }
    return x;
  };

  /** Take over a part of a sum; what is complete is rotated and added on. Null until the result is. */
  const addPart = async (sumNumber: number, part: C): Promise<{ result: C } | null> => {
    let number = sumNumber;
    let value = part;
    for (;;) {
      const partial = partials.get(number);
      if (partial === undefined) {
        partials.set(number, value);
      } else {
        engine.addInto(partial, value);
        free(value);
      }
      missing[number]!--;
      const whole = partials.get(number);
      if (missing[number] !== 0 || whole === undefined) return null;
      partials.delete(number);
      const step = sumStep[number]!;
      if (step === 0) return { result: whole };
      value = await rotate(whole, step);
      free(whole);
      number = sumInto[number]!;
    }
  };

  for (let position = 0; position < order.length; position++) {
    const group = order[position]!;
    const operand = groups.operand[group]!;
    const inCiphertext = groups.inCiphertext[group]!;
    const plainScale = work.plainScales[operand] ?? 1;
    const rotatedNumber = rotatedOf[group]!;

    const x =
      rotatedStep[rotatedNumber] === 0
        ? run.input(operand, inCiphertext)
        : (rotated.get(rotatedNumber) ??
          (await rotatedInput(rotatedNumber, () => run.input(operand, inCiphertext))));

    const constant = diagonal(work, group, run.name, run.scratch);
    const sumNumber = sumOf[group]!;
    const begun = sums.get(sumNumber);
    if (begun === undefined) {
      sums.set(sumNumber, own(engine.multiplyConstant(x, constant, plainScale, scale)));
    } else {
      engine.multiplyAddInto(begun, x, constant, plainScale);
    }

    if (work.lastOfSum[sumNumber] === position) {
      const index = groups.outCiphertext[group]!;
      let sum = sums.get(sumNumber);
      invariant(sum !== undefined, 'the sum was begun');
      sums.delete(sumNumber);
      // Rotating what anyone can read is pointless, and SEAL's rotation would hide that it is.
      if (engine.isTransparent(sum)) {
        free(sum);
        sum = own(engine.vanishingProduct(x, plainScale, scale));
      }
      const complete = await addPart(sumNumber, sum);
      if (complete !== null) {
        let output = complete.result;
        for (const chain of work.folds) {
          let turned = output;
          for (const step of chain) {
            const next = await rotate(turned, step);
            if (turned !== output) free(turned);
            turned = next;
          }
          const folded = own(engine.add(output, turned));
          free(turned);
          free(output);
          output = folded;
        }
        // Inputs that nothing needs any more go before the result grows.
        freeUsed(position);
        await run.emit(index, output);
      }
    }
    freeUsed(position);
    const pause = run.tick(1);
    if (pause !== undefined) await pause;
  }

  function freeUsed(position: number): void {
    const group = order[position]!;
    for (let number = rotatedOf[group]!; number >= 0; number = rotatedFrom[number]!) {
      const used = rotated.get(number);
      if (used === undefined || work.lastOfRotated[number] !== position) continue;
      rotated.delete(number);
      free(used);
    }
    if (work.lastOfInput[inputOf[group]!] === position) {
      run.release(groups.operand[group]!, groups.inCiphertext[group]!);
    }
  }
}

/** The plaintext of a group: one number in a batch layout, else a vector built when it is needed. */
function diagonal(
  work: LinearWork,
  group: number,
  name: string,
  scratch: Float64Array<ArrayBuffer>,
): SlotConstant {
  if (work.scalar) return sumOfGroup(work.groups, group);
  return {
    key: `${name}/${group}`,
    build() {
      scratch.fill(0);
      addDiagonal(work.groups, group, work.batchOffsets, scratch);
      return scratch;
    },
  };
}
