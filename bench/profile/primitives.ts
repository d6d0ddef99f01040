/**
 * What the primitives of an evaluator take, as observations: they tell apart kernels that whole
 * programs use in much the same proportions.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../src/backend/native/load-addon.ts';
import type { Evaluator } from '../../src/passes/cost/linear-work.ts';
import {
  encoding,
  keyProducts,
  keySwitch,
  products,
  rescaling,
  touches,
} from '../../src/passes/cost/operation-work.ts';
import type { RingSize } from '../../src/passes/cost/operation-work.ts';
import { sumOfWork, work } from '../../src/passes/cost/work.ts';
import type { Work } from '../../src/passes/cost/work.ts';
import type { Measurement } from '../results/measurement.ts';
import { readParameterSets } from '../results/parameter-sets.ts';
import { programs } from '../results/programs.ts';
import { runProgram } from '../results/run-program.ts';
import type { Observation } from './fit.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const set = 'I';
const programName = { native: 'native', seal: 'node-seal' } as const;

/** Against whole programs, of which there are more. */
const weight = 0.3;

/** Operations of `bench/peers/README.md`; sums and products that programs do in other ways are left out. */
const operations: Readonly<Record<string, (size: RingSize) => Work>> = {
  'ntt forward': ({ ringDegree }) => work({ transform: ringDegree * Math.log2(ringDegree) }),
  'ntt inverse': ({ ringDegree }) => work({ transform: ringDegree * Math.log2(ringDegree) }),
  'rotate, 16 keys': keySwitch,
  'rotate hoisted, modulo QP': keyProducts,
  relinearise: keySwitch,
  rescale: rescaling,
  add: (size) => touches(size, 2 * size.primes),
  square: (size) =>
    sumOfWork([
      [1, products(size, 1.5 * size.primes)],
      [1, touches(size, size.primes)],
    ]),
  encode: (size) => encoding(size, size.primes),
};

/**
 * Measured primitives as observations of work: those of `kernel` alone, where they are of several,
 * since programs run with one. Throws an error for a set that there is not.
 */
export function primitiveObservations(
  evaluator: Evaluator,
  measurements: readonly Measurement[],
  kernel: string | undefined,
): Observation[] {
  const text = readFileSync(path.join(root, 'bench/peers/parameters.txt'), 'utf8');
  const size = readParameterSets(text).find(({ name }) => name === set);
  if (size === undefined) throw new Error(`there is no parameter set ${set}`);
  const ring = { ringDegree: size.ringDegree, primes: size.primes, specialPrimes: 1 };
  return measurements.flatMap(({ operation, median, kernel: measured }) => {
    const done = operations[operation];
    if (done === undefined || (measured !== undefined && measured !== kernel)) return [];
    const name = `${evaluator} ${operation}`;
    return [{ name, work: done(ring), seconds: median * 1e-6, weight }];
  });
}

/** Run the programs that measure the primitives of an evaluator; `cargo bench` is one of them. */
export async function measurePrimitives(evaluator: Evaluator): Promise<Observation[]> {
  const program = programs({
    root,
    peerBuild: path.join(root, 'out/peers'),
    scratch: path.join(root, 'out/bench'),
    sets: [set],
    slowRuns: 1,
  }).find(({ name, subject }) => name === programName[evaluator] && subject === set);
  if (program === undefined) throw new Error(`nothing measures the primitives of ${evaluator}`);
  const { measurements, unavailable } = await runProgram(program, os.cpus().length - 1);
  if (unavailable !== undefined) throw new Error(`${evaluator}: ${unavailable}`);
  return primitiveObservations(evaluator, measurements, loadAddon().addon?.kernel());
}
