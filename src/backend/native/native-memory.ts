/** What the native evaluator is predicted to hold while it runs a plan, besides the process itself. */
import addConstant from '../../ir/ckks/add-constant.ts';
import multiplyConstant from '../../ir/ckks/multiply-constant.ts';
import { programInputs } from '../../ir/ckks/program-inputs.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import { keyDigitCount } from '../../layout/key-digits.ts';
import { keyRequests } from '../../seal/index.ts';
import { constantSlots } from '../execute/elementwise.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import { workingMemory } from './working-memory.ts';

export interface NativeMemory {
  /** Expanded keys of one client. */
  readonly keyBytes: number;
  /** Encoded constants, all of them transformed; fewer are kept where memory is limited. */
  readonly plaintextBytes: number;
  /** Values of one execution and what is made on the way, on one thread. */
  readonly workingBytes: number;
  /** The products of linear maps. */
  readonly planBytes: number;
  /** The ciphertexts of a request: the session and the evaluator each copy them. */
  readonly requestBytes: number;
  /** What a process takes for any plan: JavaScript that reads it, tables of the ring. */
  readonly processBytes: number;
}

/** As measured on the example networks. */
const processBytes = 2 ** 25;

/** The kernel that keeps keys and constants in about as many bits as their primes have. */
export const packingKernel = 'avx512-ifma';
/** Larger primes are not for vector kernels: `VECTOR_MODULUS_BITS` of `native/ring`. */
const packedBits = 50;
/** Residues of up to so many bits are halves of words: `NARROW` in `native/ring/src/kernel/ifma.rs`. */
const halfWordBits = 31;

/**
 * Predict the memory of the native evaluator: the most that a processor needs, or, `packed`, what one
 * with `packingKernel` does, which holds keys and constants in a third less. Cost: a step per diagonal.
 */
export function nativeMemory(
  prepared: PreparedProgram,
  { packed = false }: { readonly packed?: boolean } = {},
): NativeMemory {
  const { program, linear } = prepared;
  const ringDegree = program.modulus?.ringDegree ?? 0;
  const specials = program.modulus?.specialPrimes.length ?? 1;
  const dataBits = residueBits(program.modulus?.primes ?? [], packed);
  const specialBits = residueBits(program.modulus?.specialPrimes ?? [], packed);
  /** Of N residues each, for the first primes and the last special ones. */
  const residueBytes = (primes: number, withSpecials: boolean): number =>
    ((sum(dataBits.slice(0, primes)) + (withSpecials ? sum(specialBits) : 0)) * ringDegree) / 8;
  const scratch = new Float64Array(prepared.slots);
  let plaintextBytes = 0;
  let planBytes = 0;
  program.operations.forEach((operation, id) => {
    const primes = (prepared.forms[id]?.level ?? 0) + 1;
    const work = linear.get(id);
    if (work !== undefined) {
      const { groups } = work;
      const extended = groups.baby.some((baby) => baby !== 0);
      if (!work.scalar) plaintextBytes += groups.count * residueBytes(primes, extended);
      planBytes +=
        groups.more.reduce((products, more) => products + 1 + more, 0) * (work.scalar ? 8 : 12);
    } else if (operation.op === addConstant.name || operation.op === multiplyConstant.name) {
      const constants = constantSlots(program, id, scratch);
      const { ciphertexts } = ciphertextOf(operation.type).layout;
      for (let c = 0; c < ciphertexts; c++) {
        // Added or multiplied one by one: words.
        if (typeof constants(c) !== 'number') plaintextBytes += primes * ringDegree * 8;
      }
    }
  });
  const keys = keyRequests(prepared.keys);
  return {
    keyBytes: keys.reduce(
      (total, { primeCount }) =>
        total + 2 * keyDigitCount(primeCount, specials) * residueBytes(primeCount, true),
      0,
    ),
    plaintextBytes,
    workingBytes: workingMemory(prepared),
    planBytes,
    requestBytes: 2 * requestBytes(prepared),
    processBytes,
  };
}

/** Bits that a residue of each prime takes. */
function residueBits(primes: readonly bigint[], packed: boolean): number[] {
  return primes.map((prime) => {
    const bits = prime.toString(2).length;
    if (!packed || bits > packedBits) return 64;
    return bits <= halfWordBits ? 32 : bits;
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Residues of the seeded ciphertexts that a client sends. */
function requestBytes({ program, forms }: PreparedProgram): number {
  const ringDegree = program.modulus?.ringDegree ?? 0;
  return programInputs(program).reduce((total, { value }) => {
    const { ciphertexts } = ciphertextOf(operationOf(program, value).type).layout;
    return total + ciphertexts * ((forms[value]?.level ?? 0) + 1) * ringDegree * 8;
  }, 0);
}

/** What is needed at least, in bytes: constants may be encoded again in every run. */
export function leastBytes(memory: NativeMemory): number {
  return totalBytes(memory) - memory.plaintextBytes;
}

/** All of it, in bytes. */
export function totalBytes(memory: NativeMemory): number {
  return sum(Object.values<number>({ ...memory }));
}
