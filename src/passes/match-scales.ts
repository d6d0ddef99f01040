/**
 * Give every plaintext the scale that makes all additions exact.
 *
 * A scale is an exact rational. A linear map brings its result back to the waterline W by encoding
 * its weights at W · q_l / S_in. Where two summands differ, the one whose plaintext scale is free
 * follows the other; where neither is free, one of them is multiplied by 1, at a level it drops anyway
 * or, where there is none, one level above. Nothing is ever called equal that is not.
 */
import { InternalError, invariant } from '../errors.ts';
import { rewriteProgram } from '../ir/build.ts';
import { lookupOp } from '../ir/ops.ts';
import { operationOf, usersOf } from '../ir/program.ts';
import type { Program, ValueId } from '../ir/program.ts';
import {
  divide,
  equal,
  log2,
  multiply,
  multiplyScales,
  powerOfTwo,
  rational,
  toText,
} from '../ir/rational.ts';
import type { Rational } from '../ir/rational.ts';
import { scalar } from '../ir/tensor.ts';
import { slotMagnitude } from '../ir/types.ts';
import type { CiphertextType } from '../ir/types.ts';
import budgetLevels from './budget-levels.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { highestLevel } from './packing/depth.ts';
import { chooseChain, waterlineBitsOf } from './params/chain.ts';
import { sharedLevels } from './params/shared-rescales.ts';

export default definePass({
  name: 'match-scales',
  summary: 'Choose plaintext scales so that every addition has equal scales, exactly.',
  phase: 'ckks',
  run(program, context) {
    let current = program;
    // Each round settles one addition.
    const rounds = program.operations.length + 1;
    for (let round = 0; round <= rounds; round++) {
      const waterline = waterlineOf(current, context);
      const outcome = settleScales(current, waterline);
      if (outcome.kind === 'settled') return withScales(current, outcome.targets, waterline);
      current = multiplyByOne(current, outcome.sum, context);
    }
    throw new InternalError('the scales of this program could not be matched', { phase: 'ckks' });
  },
});

interface Scales {
  /** Scale of every value. */
  readonly of: Map<ValueId, Rational>;
}

/** Wanted scale of the results of operations with a free plaintext scale. */
type Targets = Map<ValueId, Rational>;

type Outcome =
  | { readonly kind: 'settled'; readonly targets: Targets }
  /** No free plaintext scale makes the summands of this addition equal. */
  | { readonly kind: 'stuck'; readonly sum: ValueId };

function typeAt(program: Program, id: ValueId): CiphertextType {
  const { type } = operationOf(program, id);
  invariant(type.kind === 'ciphertext', 'ckks values are ciphertexts');
  return type;
}

function levelAt(program: Program, id: ValueId): number {
  const { level } = typeAt(program, id);
  invariant(level !== null, 'levels are chosen before scales');
  return level;
}

function primeAt(program: Program, level: number): Rational {
  const prime = program.modulus?.primes[level];
  invariant(prime !== undefined, `there is no prime for level ${level}`);
  return rational(prime);
}

/** The waterline: the scale of the inputs. */
function waterlineOf(program: Program, { headroomBits }: PassContext): Rational {
  const { modulus } = program;
  invariant(modulus !== null, 'choose-parameters sets the modulus');
  return powerOfTwo(waterlineBitsOf(modulus, headroomBits, sharedLevels(program)));
}

function settleScales(program: Program, waterline: Rational): Outcome {
  const users = usersOf(program);
  const outputs = new Set(program.outputs.map((output) => output.value));
  const targets: Targets = new Map();
  const singleUse = (id: ValueId): boolean => users[id]?.length === 1 && !outputs.has(id);

  const settledOutputs = new Set<ValueId>();
  for (let round = 0; round <= 2 * program.operations.length; round++) {
    const scales = forward(program, targets, waterline);
    if (scales.mismatch === null) {
      // Last, the outputs: as large a scale as the primes of their level hold for their range.
      const next = program.outputs.find(({ value }) => !settledOutputs.has(value));
      if (next === undefined) return { kind: 'settled', targets };
      settledOutputs.add(next.value);
      const now = scales.of.get(next.value);
      const wanted = outputScale(program, next.value, waterline);
      if (now !== undefined && log2(now) > log2(wanted)) {
        const mayChange = (id: ValueId): boolean => id === next.value || singleUse(id);
        retarget(program, scales, targets, next.value, wanted, mayChange);
      }
      continue;
    }
    const { operands } = operationOf(program, scales.mismatch);
    const [a = -1, b = -1] = operands;
    const [scaleA, scaleB] = [scales.of.get(a), scales.of.get(b)];
    invariant(scaleA !== undefined && scaleB !== undefined, 'operands have scales');
    if (retarget(program, scales, targets, b, scaleA, singleUse)) continue;
    if (retarget(program, scales, targets, a, scaleB, singleUse)) continue;
    return { kind: 'stuck', sum: scales.mismatch };
  }
  throw new InternalError('matching scales did not settle', { phase: 'ckks' });
}

/** The largest power of two that keeps an output below half of the modulus at its level, at most the waterline. */
function outputScale(program: Program, value: ValueId, waterline: Rational): Rational {
  const level = levelAt(program, value);
  let modulus = 0;
  for (let l = 0; l <= level; l++) modulus += log2(primeAt(program, l));
  // A twentieth of a bit is left to the noise.
  const room = modulus - 1.05 - Math.log2(Math.max(largestBefore(program, value), 2 ** -40));
  return powerOfTwo(Math.max(1, Math.floor(Math.min(log2(waterline), room))));
}

/** Largest magnitude of a value and of what it is made of at the same scale (a sum before its bias). */
function largestBefore(program: Program, value: ValueId): number {
  const operation = operationOf(program, value);
  const here = slotMagnitude(typeAt(program, value));
  const atSameScale = [
    'ckks.add-constant',
    'ckks.add-public',
    'ckks.relinearize',
    'ckks.rescale',
  ].includes(operation.op);
  const [operand] = operation.operands;
  return atSameScale && operand !== undefined
    ? Math.max(here, largestBefore(program, operand))
    : here;
}

/** Scales of all values under the targets, up to the first addition that does not match. */
function forward(
  program: Program,
  targets: Targets,
  waterline: Rational,
): Scales & { readonly mismatch: ValueId | null } {
  const of = new Map<ValueId, Rational>();
  for (const [id, operation] of program.operations.entries()) {
    const scales = operation.operands.map((operand) => of.get(operand));
    const [a, b] = scales;
    switch (operation.op) {
      case 'ckks.input':
        of.set(id, waterline);
        break;
      case 'ckks.linear':
      case 'ckks.multiply-constant':
      case 'ckks.multiply-public':
        // Until a rescale follows the result carries W · q_l.
        of.set(id, targets.get(id) ?? multiply(waterline, primeAt(program, levelAt(program, id))));
        break;
      case 'ckks.multiply':
        invariant(a !== undefined && b !== undefined, 'operands have scales');
        of.set(id, multiplyScales(a, b));
        break;
      case 'ckks.square':
        invariant(a !== undefined, 'operands have scales');
        of.set(id, multiplyScales(a, a));
        break;
      case 'ckks.rescale':
        invariant(a !== undefined, 'operands have scales');
        of.set(id, divide(a, primeAt(program, levelAt(program, id) + 1)));
        break;
      case 'ckks.add':
      case 'ckks.sub':
        invariant(a !== undefined && b !== undefined, 'operands have scales');
        if (!equal(a, b)) return { of, mismatch: id };
        of.set(id, a);
        break;
      default:
        invariant(a !== undefined, 'operands have scales');
        of.set(id, a);
    }
  }
  return { of, mismatch: null };
}

/**
 * Make a value come out at a wanted scale by the plaintext scales it depends on.
 *
 * Returns false, and sets nothing, where no free plaintext scale decides it.
 */
function retarget(
  program: Program,
  scales: Scales,
  targets: Targets,
  value: ValueId,
  wanted: Rational,
  mayChange: (id: ValueId) => boolean,
): boolean {
  const changes: [ValueId, Rational][] = [];
  // A value has one scale, however many sums ask for it; v + v + … asks 2^n times.
  const asked = new Map<ValueId, Rational>();
  const visit = (id: ValueId, scale: Rational): boolean => {
    if (!mayChange(id)) return equal(scales.of.get(id) ?? rational(1n), scale);
    const before = asked.get(id);
    if (before !== undefined) return equal(before, scale);
    asked.set(id, scale);
    const operation = operationOf(program, id);
    const [a = -1, b = -1] = operation.operands;
    switch (operation.op) {
      case 'ckks.linear':
      case 'ckks.multiply-constant':
      case 'ckks.multiply-public':
        changes.push([id, scale]);
        return true;
      case 'ckks.rescale':
        return visit(a, multiply(scale, primeAt(program, levelAt(program, id) + 1)));
      case 'ckks.add':
      case 'ckks.sub':
        return visit(a, scale) && visit(b, scale);
      case 'ckks.multiply': {
        const [scaleA, scaleB] = [scales.of.get(a), scales.of.get(b)];
        if (scaleA === undefined || scaleB === undefined) return false;
        if (a === b) return visitRoot(a, scale);
        const kept = changes.length;
        const before = new Map(asked);
        const forget = (): void => {
          changes.length = kept;
          for (const each of asked.keys()) if (!before.has(each)) asked.delete(each);
        };
        if (visit(b, divide(scale, scaleA))) return true;
        forget();
        if (visit(a, divide(scale, scaleB))) return true;
        forget();
        return false;
      }
      case 'ckks.square':
        return visitRoot(a, scale);
      case 'ckks.relinearize':
      case 'ckks.level-drop':
      case 'ckks.add-constant':
      case 'ckks.add-public':
        return visit(a, scale);
      default:
        return equal(scales.of.get(id) ?? rational(1n), scale);
    }
  };
  const visitRoot = (id: ValueId, scale: Rational): boolean => {
    const root = exactRoot(scale);
    return root !== null && visit(id, root);
  };
  if (!visit(value, wanted)) return false;
  for (const [id, scale] of changes) targets.set(id, scale);
  return changes.length > 0;
}

function exactRoot({ numerator, denominator }: Rational): Rational | null {
  const root = (n: bigint): bigint | null => {
    let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
    for (;;) {
      const y = (x + n / x) >> 1n;
      if (y >= x) break;
      x = y;
    }
    return x * x === n ? x : null;
  };
  const [n, d] = [root(numerator), root(denominator)];
  return n === null || d === null ? null : rational(n, d);
}

/**
 * Multiply one summand of an addition by 1: the plaintext scale of that product is free.
 *
 * Of the two summands the one is taken that leaves the program at the lower level; the chain grows
 * by a prime where both need one. Throws what choosing the longer chain throws.
 */
function multiplyByOne(program: Program, sum: ValueId, context: PassContext): Program {
  const [first, second] = [1, 0].map((side) =>
    budgetLevels.run(withOne(program, sum, side), context),
  );
  invariant(first !== undefined && second !== undefined, 'an addition has two summands');
  const longer = highestLevel(second) < highestLevel(first) ? second : first;
  const levels = highestLevel(longer);
  const shared = sharedLevels(longer);
  const before = sharedLevels(program);
  const alike = [...shared.levels].join() === [...before.levels].join();
  if (alike && levels < (program.modulus?.primes.length ?? 0)) return longer;
  const { modulus } = chooseChain(levels, context, shared);
  return rewriteProgram(longer, (_operation, _id, { keep }) => keep(), modulus);
}

/** The program with one summand multiplied by 1, before its levels are budgeted again. */
function withOne(program: Program, sum: ValueId, side: number): Program {
  return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
    // Levels and scales of what follows are not chosen any more.
    if (operation.op === 'ckks.level-drop') return mapped(operation.operands[0] ?? -1);
    if (operation.op === 'ckks.input') {
      return builder.add(operation.op, [], { ...operation.attributes, level: null });
    }
    if (id !== sum) return keep();
    const operands = operation.operands.map(mapped);
    const summand = operation.operands[side] ?? -1;
    const { location, type } = operationOf(program, summand);
    const options = { location, range: type.range };
    const attributes = { value: builder.constant(scalar(1), 'one'), plainScale: null };
    let value = mapped(summand);
    // A product is rescaled first: at its own scale the modulus has no room for another factor.
    const product = isProduct(program, summand);
    if (product) {
      if (typeAt(program, summand).size === 3) {
        value = builder.add('ckks.relinearize', [value], {}, options);
      }
      value = builder.add('ckks.rescale', [value], {}, options);
    }
    value = builder.add('ckks.multiply-constant', [value], attributes, options);
    if (!product) value = builder.add('ckks.rescale', [value], {}, options);
    operands[side] = value;
    return builder.add(operation.op, operands, operation.attributes, {
      location: operation.location,
      range: operation.type.range,
    });
  });
}

/** Whether a value is a product, or a sum of products, that is not rescaled yet. */
function isProduct(program: Program, id: ValueId): boolean {
  const { op, operands } = operationOf(program, id);
  if (op === 'ckks.rescale' || op === 'ckks.input') return false;
  return lookupOp(op).levels > 0 || isProduct(program, operands[0] ?? -1);
}

function withScales(program: Program, targets: Targets, waterline: Rational): Program {
  const { of } = forward(program, targets, waterline);
  return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
    const scale = of.get(id);
    const plain = (operand: ValueId): string => {
      const from = of.get(operand);
      invariant(from !== undefined && scale !== undefined, 'operands have scales');
      return toText(divide(scale, from));
    };
    const options = { location: operation.location, range: operation.type.range };
    const operands = operation.operands.map(mapped);
    if (operation.op === 'ckks.input') {
      invariant(scale !== undefined, 'inputs have scales');
      const attributes = { ...operation.attributes, scale: toText(scale) };
      return builder.add(operation.op, [], attributes, options);
    }
    if (operation.op === 'ckks.linear') {
      const attributes = { ...operation.attributes, plainScales: operation.operands.map(plain) };
      return builder.add(operation.op, operands, attributes, options);
    }
    if (operation.op === 'ckks.multiply-constant' || operation.op === 'ckks.multiply-public') {
      const attributes = {
        ...operation.attributes,
        plainScale: plain(operation.operands[0] ?? -1),
      };
      return builder.add(operation.op, operands, attributes, options);
    }
    return keep();
  });
}
