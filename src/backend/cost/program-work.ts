/** What one execution of a plan is made of, for each evaluator, counted in kernels. */
import { InternalError } from '../../errors.ts';
import add from '../../ir/ckks/add.ts';
import addConstant from '../../ir/ckks/add-constant.ts';
import addPublic from '../../ir/ckks/add-public.ts';
import input from '../../ir/ckks/input.ts';
import levelDrop from '../../ir/ckks/level-drop.ts';
import linear from '../../ir/ckks/linear.ts';
import multiply from '../../ir/ckks/multiply.ts';
import multiplyConstant from '../../ir/ckks/multiply-constant.ts';
import multiplyPublic from '../../ir/ckks/multiply-public.ts';
import relinearize from '../../ir/ckks/relinearize.ts';
import rescale from '../../ir/ckks/rescale.ts';
import square from '../../ir/ckks/square.ts';
import sub from '../../ir/ckks/sub.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import type { Operation, ValueId } from '../../ir/program.ts';
import { batchMapWork, linearMapWork } from '../../passes/cost/linear-work.ts';
import type { Evaluator, LinearCounts } from '../../passes/cost/linear-work.ts';
import {
  encoding,
  extendedResidues,
  keyLoading,
  keySwitch,
  products,
  reading,
  rescaling,
  touches,
} from '../../passes/cost/operation-work.ts';
import type { RingSize } from '../../passes/cost/operation-work.ts';
import { sumOfWork, work } from '../../passes/cost/work.ts';
import type { Work } from '../../passes/cost/work.ts';
import { keyRequests } from '../../seal/index.ts';
import { constantSlots } from '../execute/elementwise.ts';
import { stepCount } from '../execute/linear-work.ts';
import type { LinearWork } from '../execute/linear-work.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import { batchBlocks } from '../native/batch-blocks.ts';

export interface ProgramWork {
  /** Every execution. */
  readonly run: Work;
  /** Besides, the first one of a session: keys are expanded, constants encoded. */
  readonly first: Work;
}

/** Primes below this take cheaper products with weights (`NARROW_BITS` of `native/ring/src/matrix.rs`). */
const narrowPrime = 2n ** 29n;

/**
 * Count the work of a prepared program on an evaluator.
 *
 * `keptBytes` bounds the encoded constants that stay from one execution to the next, first come,
 * first kept; the others are encoded in every execution. Cost: a step per diagonal.
 */
export function programWork(
  prepared: PreparedProgram,
  evaluator: Evaluator,
  keptBytes: number,
): ProgramWork {
  const parts = workParts(prepared, evaluator, keptBytes);
  return {
    run: sumOfWork(parts.flatMap(({ run }) => run)),
    first: sumOfWork(parts.flatMap(({ first }) => first)),
  };
}

/** The same for each operation, every execution; what belongs to none is left out. */
export function operationWork(
  prepared: PreparedProgram,
  evaluator: Evaluator,
  keptBytes: number,
): Work[] {
  return workParts(prepared, evaluator, keptBytes)
    .slice(1, -1)
    .map(({ run }) => sumOfWork(run));
}

interface WorkParts {
  readonly run: (readonly [times: number, part: Work])[];
  readonly first: (readonly [times: number, part: Work])[];
}

/** Of the whole program, of each operation, of the keys. */
function workParts(
  prepared: PreparedProgram,
  evaluator: Evaluator,
  keptBytes: number,
): readonly WorkParts[] {
  const { program, forms } = prepared;
  const ringDegree = program.modulus?.ringDegree ?? 0;
  const specialPrimes = program.modulus?.specialPrimes.length ?? 1;
  const whole: WorkParts = { run: [[stepsOf(prepared, evaluator), work({ step: 1 })]], first: [] };
  const sizeOf = (id: ValueId): RingSize => {
    const form = forms[id];
    if (form === undefined) throw new InternalError(`%${id} has no form`);
    return { ringDegree, specialPrimes, primes: form.level + 1 };
  };
  let keptLeft = keptBytes;
  const encode = (
    { run, first }: WorkParts,
    plaintexts: number,
    bytesEach: number,
    each: Work,
  ): void => {
    const kept = Math.min(plaintexts, Math.floor(keptLeft / Math.max(1, bytesEach)));
    keptLeft -= kept * bytesEach;
    first.push([kept, each]);
    run.push([plaintexts - kept, each]);
  };
  const unused = new Set(prepared.steps.filter((step) => step.unused).map(({ head }) => head));
  const scratch = new Float64Array(prepared.slots);

  const countOperation = (operation: Operation, id: ValueId, parts: WorkParts): void => {
    const { run } = parts;
    const { op, operands, type } = operation;
    const { ciphertexts } = ciphertextOf(type).layout;
    const size = sizeOf(operands[0] ?? id);
    const { primes } = size;
    const encodeConstants = (): void => {
      const constants = constantSlots(program, id, scratch);
      let vectors = 0;
      for (let c = 0; c < ciphertexts; c++) if (typeof constants(c) !== 'number') vectors++;
      encode(parts, vectors, primes * ringDegree * 8, encoding(size, primes));
    };
    switch (op) {
      case input.name:
        run.push([ciphertexts, reading(size)]);
        return;
      case linear.name: {
        const linearWork = prepared.linear.get(id);
        if (linearWork === undefined) throw new InternalError(`%${id} is not prepared`);
        const { groups, scalar } = linearWork;
        if (scalar) {
          const moduli = program.modulus?.primes.slice(0, primes) ?? [];
          const narrow = moduli.filter((prime) => prime < narrowPrime).length;
          const blocks = batchBlocks(linearWork).map(({ groups: columns, outputs }) => ({
            columns: columns.length,
            rows: outputs.length,
          }));
          const matrixPrimes = { narrow, wide: primes - narrow };
          const polynomials = forms[id]?.size ?? 2;
          run.push([
            polynomials / 2,
            batchMapWork(evaluator, blocks, groups.count, matrixPrimes, size),
          ]);
          return;
        }
        const counts = linearCounts(linearWork);
        const map = linearMapWork(evaluator, counts, size);
        run.push([1, map.run]);
        const extended = evaluator === 'native' && counts.babies > 0;
        const residues = extended ? extendedResidues(size) : primes;
        const each = sumOfWork([[1 / Math.max(1, groups.count), map.encode]]);
        encode(parts, groups.count, residues * ringDegree * 8, each);
        return;
      }
      case rescale.name:
        run.push([ciphertexts, rescaling(size)]);
        return;
      case relinearize.name:
        run.push([ciphertexts, keySwitch(size)]);
        return;
      case square.name:
        // Three of the four products of polynomials that a product takes; a sum of two of them.
        run.push([ciphertexts, products(size, 1.5 * primes)], [ciphertexts, touches(size, primes)]);
        return;
      case multiply.name:
        run.push([ciphertexts, products(size, 2 * primes)], [ciphertexts, touches(size, primes)]);
        return;
      case add.name:
      case sub.name:
        run.push([ciphertexts, touches(size, 2 * primes)]);
        return;
      case levelDrop.name:
        run.push([ciphertexts, touches(size, 2 * ((forms[id]?.level ?? 0) + 1))]);
        return;
      case addConstant.name:
        run.push([ciphertexts, touches(size, 2 * primes)]);
        encodeConstants();
        return;
      case multiplyConstant.name:
        run.push([ciphertexts, products(size, primes)]);
        encodeConstants();
        return;
      case addPublic.name:
        run.push([ciphertexts, touches(size, 2 * primes)], [ciphertexts, encoding(size, primes)]);
        return;
      case multiplyPublic.name:
        run.push([ciphertexts, products(size, primes)], [ciphertexts, encoding(size, primes)]);
        return;
      default:
        throw new InternalError(`no model of the time of ${op}`);
    }
  };
  const operations = program.operations.map((operation, id): WorkParts => {
    const parts: WorkParts = { run: [], first: [] };
    if (!unused.has(id)) countOperation(operation, id, parts);
    return parts;
  });
  const keys = keyRequests(prepared.keys).map(
    ({ primeCount }) => [1, keyLoading({ ringDegree, specialPrimes, primes: primeCount })] as const,
  );
  return [whole, ...operations, { run: [], first: keys }];
}

/** Operations on ciphertexts; the native evaluator takes all products with numbers of an output as one. */
function stepsOf({ work: steps, linear: maps }: PreparedProgram, evaluator: Evaluator): number {
  if (evaluator === 'seal') return steps;
  const products = [...maps.values()].reduce(
    (sum, { scalar, groups, lastOfOutput }) =>
      sum + (scalar ? groups.count - lastOfOutput.length : 0),
    0,
  );
  return steps - products;
}

/** Count what a linear operation is made of. */
function linearCounts(linear: LinearWork): LinearCounts {
  const { groups, inputOf, lastOfOutput, folds, hoist } = linear;
  const { rotatedFrom, rotatedStep, sumStep } = linear;
  const rotatedInputs = new Set<number>();
  const plainInputs = new Set<number>();
  const turnedOutputs = new Set<number>();
  for (let g = 0; g < groups.count; g++) {
    (groups.baby[g] === 0 ? plainInputs : rotatedInputs).add(inputOf[g]!);
    if (groups.giant[g] !== 0) turnedOutputs.add(groups.outCiphertext[g]!);
  }
  const babies = stepCount(rotatedStep);
  // Those that others are made from, each by itself or for all of them.
  const again = rotatedFrom.filter((from) => from >= 0);
  const redivided = hoist ? new Set(again).size : again.length;
  return {
    babies,
    decompositions: hoist ? rotatedInputs.size + redivided : babies,
    redivided,
    plainInputs: plainInputs.size,
    giants: stepCount(sumStep),
    diagonals: groups.count,
    outputs: lastOfOutput.reduce((count, last) => count + (last < 0 ? 0 : 1), 0),
    turnedOutputs: turnedOutputs.size,
    folds: folds.flat().length,
  };
}
