/** What a program must be to stand in a plan: everything chosen, every number inside its bounds. */
import { CipherloomError } from '../../errors.ts';
import linear from '../../ir/ckks/linear.ts';
import multiplyConstant from '../../ir/ckks/multiply-constant.ts';
import multiplyPublic from '../../ir/ckks/multiply-public.ts';
import { programInputs } from '../../ir/ckks/program-inputs.ts';
import { decodeSegments, entryCount } from '../../ir/linear-map.ts';
import { runCount } from '../../ir/map-runs.ts';
import { constantOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { log2 } from '../../ir/rational.ts';
import { layoutBeforeFold, mostCopies } from '../../ir/packed/diagonals.ts';
import { broadcastStrides } from '../../ir/tensor.ts';
import { shapeOf } from '../../ir/types.ts';
import { verify } from '../../ir/verify.ts';
import { batchSize, elementCount } from '../../layout/layout.ts';
import { log2OfBigInt } from '../../layout/security.ts';
import { isPrime } from '../../passes/params/is-prime.ts';

const ringDegrees = { least: 2 ** 10, most: 2 ** 17 };
/** SEAL_USER_MOD_BIT_COUNT_MAX */
const maxPrimeBits = 60n;
/** Products of all linear maps together: to gather them, run by run, takes some ten seconds. */
const maxProducts = 2 ** 33;
/** Runs of products with copies, and of maps: 2^27 are about 4 GB while they are gathered. */
const maxRuns = 2 ** 27;
/** Copies of inputs that are compared for these products: 2^31 take some seconds. */
const maxComparisons = 2 ** 31;

function refuse(what: string, reason: string, details: Record<string, unknown> = {}): never {
  throw new CipherloomError('PLAN_INVALID', `${what}: ${reason}`, {
    phase: 'plan',
    node: what,
    details,
    hint: 'compile the model again',
  });
}

/**
 * Check a program from a plan, or one that goes into a plan.
 *
 * Sizes are bounded before anything is allocated for them; then the verifier checks every type.
 * Throws PLAN_INVALID naming the operation, the field and the numbers.
 */
export function checkProgram(program: Program): void {
  checkModulus(program);
  checkReferences(program);
  checkProducts(program);
  try {
    verify(program);
  } catch (error) {
    if (!(error instanceof CipherloomError)) throw error;
    // A program in a plan was verified when it was compiled: whatever is wrong, the file is.
    throw new CipherloomError('PLAN_INVALID', `program: ${error.message}`, {
      phase: 'plan',
      node: error.node ?? undefined,
      details: { ...error.details, rule: error.code },
      hint: 'compile the model again',
      cause: error,
    });
  }
  checkChoices(program);
  checkEnds(program);
}

function checkModulus({ modulus }: Program): void {
  if (modulus === null) return refuse('modulus', 'is missing');
  const { ringDegree, primes, specialPrimes } = modulus;
  if (
    ringDegree < ringDegrees.least ||
    ringDegree > ringDegrees.most ||
    (ringDegree & (ringDegree - 1)) !== 0
  ) {
    refuse('modulus', `ring degree ${ringDegree} is not a power of two from 2^10 to 2^17`);
  }
  const all = [...primes, ...specialPrimes];
  all.forEach((prime, n) => {
    const what = `modulus prime ${n}`;
    if (prime >> maxPrimeBits !== 0n) refuse(what, `${prime} has more than ${maxPrimeBits} bits`);
    if (prime % BigInt(2 * ringDegree) !== 1n) {
      refuse(what, `${prime} is not 1 modulo ${2 * ringDegree}`);
    }
    if (!isPrime(prime)) refuse(what, `${prime} is not prime`);
  });
  if (new Set(all).size !== all.length) refuse('modulus', 'a prime occurs twice');
}

/** Operands come first, so that later rules may follow them. */
function checkReferences({ operations, outputs }: Program): void {
  operations.forEach(({ op, operands, type }, id) => {
    const what = `operation ${id} (${op})`;
    if (!op.startsWith('ckks.')) refuse(what, 'is not of the ckks dialect');
    for (const operand of operands) {
      if (operand >= id) refuse(what, `reads operation ${operand}, which does not come before it`);
    }
    if (type.kind !== 'ciphertext') refuse(what, 'makes no ciphertexts');
  });
  for (const { name, value } of outputs) {
    if (value >= operations.length) refuse(`output "${name}"`, `names operation ${value}`);
  }
}

/** Bound what the linear maps expand to. */
function checkProducts(program: Program): void {
  let products = 0;
  let runs = 0;
  let comparisons = 0;
  program.operations.forEach((operation, id) => {
    if (operation.op !== linear.name) return;
    const what = `operation ${id} (${operation.op})`;
    const { maps, layout, shape, method } = attributesOf(linear.attributes, operation, what);
    if (maps.length !== operation.operands.length) {
      refuse(what, `has ${maps.length} maps for ${operation.operands.length} operands`);
    }
    const copies = mostCopies(layoutBeforeFold(layout, method?.fold ?? null));
    maps.forEach(({ weights, segments }, k) => {
      const type = program.operations[operation.operands[k] ?? -1]?.type;
      if (type === undefined) return refuse(what, `has no operand ${k}`);
      for (const reference of [weights, segments]) {
        if (!program.constants.has(reference.slice(1))) refuse(what, `${reference} is missing`);
      }
      const list = decodeSegments(
        constantOf(program.constants, segments).data,
        elementCount(shapeOf(type)),
        elementCount(shape),
        constantOf(program.constants, weights).data.length,
      );
      const entries = entryCount({
        inShape: shapeOf(type),
        outShape: shape,
        weights: new Float64Array(),
        segments: list,
      });
      const inputCopies = type.kind === 'ciphertext' ? mostCopies(type.layout) : 1;
      const single = copies === 1 && inputCopies === 1;
      products += entries * copies;
      runs += single ? runCount(list, 'moving') : entries * copies;
      if (!single) comparisons += entries * copies * inputCopies;
    });
    if (runs > maxRuns) {
      refuse(what, `the linear maps take ${runs} runs of products, more than ${maxRuns}`, {
        runs,
        limit: maxRuns,
      });
    }
    if (comparisons > maxComparisons) {
      refuse(
        what,
        `the copies of its inputs make ${comparisons} choices, more than ${maxComparisons}`,
      );
    }
    if (products > maxProducts) {
      refuse(what, `the linear maps expand to ${products} products, more than ${maxProducts}`, {
        products,
        limit: maxProducts,
      });
    }
  });
}

/** Levels, scales and methods are chosen, and lie inside the modulus and the ring. */
function checkChoices(program: Program): void {
  const { modulus } = program;
  if (modulus === null) return;
  const modulusBits: number[] = [];
  modulus.primes.reduce((bits, prime, level) => {
    modulusBits[level] = bits + log2OfBigInt(prime);
    return modulusBits[level];
  }, 0);
  const slots = modulus.ringDegree / 2;
  program.operations.forEach((operation, id) => {
    const what = `operation ${id} (${operation.op})`;
    const { type } = operation;
    if (type.kind !== 'ciphertext') return refuse(what, 'makes no ciphertexts');
    if (type.layout.slots !== slots) refuse(what, `has ${type.layout.slots} slots, not ${slots}`);
    if (type.layout.digits.some(({ of, place }) => of === 'batch' && place === 'ciphertext')) {
      refuse(what, 'spreads a batch over ciphertexts');
    }
    if (type.level === null || type.level < 0 || type.level >= modulus.primes.length) {
      return refuse(
        what,
        `level ${type.level ?? 'null'} is outside 0 … ${modulus.primes.length - 1}`,
      );
    }
    const room = modulusBits[type.level] ?? 0;
    const scaleBits = type.scale === null ? NaN : log2(type.scale);
    if (!(scaleBits > 0 && scaleBits < room)) {
      refuse(
        what,
        `a scale of 2^${scaleBits} is outside the modulus 2^${room.toFixed(2)} of level ${type.level}`,
        {
          scaleBits,
          modulusBits: room,
          level: type.level,
        },
      );
    }
    if (operation.op === linear.name) {
      const { method, plainScales } = attributesOf(linear.attributes, operation, what);
      if (method === null || plainScales?.length !== operation.operands.length) {
        return refuse(what, 'has no method, or not one plain scale per operand');
      }
      if (method.giantStep > slots)
        refuse(what, `giant step ${method.giantStep} exceeds ${slots} slots`);
      if (method.fold !== null) {
        const { step, count } = method.fold;
        if (step * count > slots || (count & (count - 1)) !== 0) {
          refuse(what, `a fold of ${count} sums ${step} slots apart does not fit ${slots} slots`);
        }
      }
    }
    for (const reference of Object.values(operation.attributes)) {
      if (typeof reference !== 'string' || !reference.startsWith('@')) continue;
      const { shape } = constantOf(program.constants, reference);
      if (broadcastStrides(shape, type.layout.shape) === null) {
        refuse(
          what,
          `a constant of shape [${shape.join(', ')}] does not fit [${type.layout.shape.join(', ')}]`,
        );
      }
    }
    for (const { name, attributes } of [multiplyConstant, multiplyPublic]) {
      if (operation.op !== name) continue;
      const schema: Schema<{ readonly plainScale: string | null }> = attributes;
      if (attributesOf(schema, operation, what).plainScale === null) {
        refuse(what, 'has no plain scale');
      }
    }
  });
}

/** Inputs and outputs that a client can encrypt and decrypt. */
function checkEnds(program: Program): void {
  const inputs = programInputs(program).map(({ name, type }) => ({
    name: `input "${name}"`,
    type,
  }));
  if (inputs.length === 0 || inputs.length > 64) refuse('program', `has ${inputs.length} inputs`);
  const outputs = program.outputs.map(({ name, value }) => {
    const type = program.operations[value]?.type;
    if (type?.kind !== 'ciphertext') return refuse(`output "${name}"`, 'is no ciphertext');
    if (type.size !== 2) refuse(`output "${name}"`, 'is not relinearised');
    return { name: `output "${name}"`, type };
  });
  const [first] = inputs;
  for (const { name, type } of [...inputs, ...outputs]) {
    const batch = batchSize(type.layout);
    const expected = first === undefined ? batch : batchSize(first.type.layout);
    if (batch !== expected) refuse(name, `holds ${batch} images, the first input ${expected}`);
    if (type.range === null) refuse(name, 'has no range');
  }
}

interface Schema<A> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: A }
    | { readonly success: false; readonly error: Error };
}

function attributesOf<A>(schema: Schema<A>, operation: Operation, what: string): A {
  const parsed = schema.safeParse(operation.attributes);
  return parsed.success ? parsed.data : refuse(what, 'has attributes of another form');
}
