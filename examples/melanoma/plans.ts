/** The plans of the network: for one image at a time, and for many. */
import { compile, type CompiledModel } from 'cipherloom';
import type { Model } from './model.ts';

/** What each plan is compiled with. */
export const planOptions = {
  /**
   * One image an execution. The estimate of precision is a bound: answers were some eight bits better.
   * With twelve asked for, the plan would need twice the ring.
   */
  latency: { objective: 'latency', target: 'native', precisionBits: 11 },
  /**
   * A ciphertext for each number of an image, an image in each slot; nothing is rotated. With 3.5 bits,
   * a bound, squares share their rescales with the layers behind them: six primes, where six bits take ten.
   */
  throughput: {
    objective: 'throughput',
    packing: 'feature-major',
    target: 'native',
    precisionBits: 3.5,
  },
  /** Four images an execution: a full batch of `throughput` takes a client minutes. */
  small: { objective: 'throughput', batch: 4, target: 'native', precisionBits: 10 },
} as const;

export type PlanName = keyof typeof planOptions;

/** Compile one of them; `portable` leaves out what only the native evaluator knows. */
export function compilePlan(
  name: PlanName,
  { bytes, name: title, file }: Model,
  calibration: ReadonlyMap<string, readonly Float64Array<ArrayBuffer>[]>,
  portable = false,
): Promise<CompiledModel> {
  const options = planOptions[name];
  return compile(
    { bytes, name: title, file },
    { options: portable ? { ...options, target: 'portable' } : options, calibration },
  );
}
