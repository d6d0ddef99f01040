/** What the native evaluator is predicted to hold while it runs a plan, besides the process itself. */
import addConstant from '../../ir/ckks/add-constant.ts';
import multiplyConstant from '../../ir/ckks/multiply-constant.ts';
import { programInputs } from '../../ir/ckks/program-inputs.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import { keyRequests, residentKeyBytes } from '../../seal/index.ts';
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

/** Predict the memory of the native evaluator. Cost: a step per diagonal. */
export function nativeMemory(prepared: PreparedProgram): NativeMemory {
  const { program, linear } = prepared;
  const ringDegree = program.modulus?.ringDegree ?? 0;
  const specials = program.modulus?.specialPrimes.length ?? 1;
  const scratch = new Float64Array(prepared.slots);
  let residues = 0;
  let planBytes = 0;
  program.operations.forEach((operation, id) => {
    const primes = (prepared.forms[id]?.level ?? 0) + 1;
    const work = linear.get(id);
    if (work !== undefined) {
      const { groups } = work;
      const extended = groups.baby.some((baby) => baby !== 0);
      if (!work.scalar) residues += groups.count * (primes + (extended ? specials : 0));
      planBytes += groups.more.reduce((sum, more) => sum + 1 + more, 0) * (work.scalar ? 8 : 12);
    } else if (operation.op === addConstant.name || operation.op === multiplyConstant.name) {
      const constants = constantSlots(program, id, scratch);
      const { ciphertexts } = ciphertextOf(operation.type).layout;
      for (let c = 0; c < ciphertexts; c++) {
        if (typeof constants(c) !== 'number') residues += primes;
      }
    }
  });
  const keys = keyRequests(prepared.keys);
  return {
    keyBytes: keys.reduce(
      (sum, { primeCount }) => sum + residentKeyBytes(ringDegree, primeCount, specials),
      0,
    ),
    plaintextBytes: residues * ringDegree * 8,
    workingBytes: workingMemory(prepared),
    planBytes,
    requestBytes: 2 * requestBytes(prepared),
    processBytes,
  };
}

/** Residues of the seeded ciphertexts that a client sends. */
function requestBytes({ program, forms }: PreparedProgram): number {
  const ringDegree = program.modulus?.ringDegree ?? 0;
  return programInputs(program).reduce((sum, { value }) => {
    const { ciphertexts } = ciphertextOf(operationOf(program, value).type).layout;
    return sum + ciphertexts * ((forms[value]?.level ?? 0) + 1) * ringDegree * 8;
  }, 0);
}

/** What is needed at least, in bytes: constants may be encoded again in every run. */
export function leastBytes(memory: NativeMemory): number {
  return totalBytes(memory) - memory.plaintextBytes;
}

/** All of it, in bytes. */
export function totalBytes(memory: NativeMemory): number {
  return Object.values<number>({ ...memory }).reduce((sum, bytes) => sum + bytes, 0);
}
