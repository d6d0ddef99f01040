/** The plans of the network: for one image at a time, and for many. */
import { compile, type CompiledModel } from 'cipherloom';
import type { Model } from './model.ts';

/** What each plan is compiled with. */
export const planOptions = {
  /** One image an execution. */
  latency: { objective: 'latency', target: 'native' },
  /**
   * A ciphertext for each number of an image, an image in each slot; nothing is rotated. The estimate of
   * precision is a bound: on the latency plan answers are some eight bits better. Six bits leave smaller
   * primes, and room for special primes that make key switching faster.
   */
  throughput: {
    objective: 'throughput',
    packing: 'feature-major',
    target: 'native',
    precisionBits: 6,
  },
  /** For as many images as lie here: what the full batch asks of a client takes minutes. */
  small: { objective: 'throughput', batch: 16, target: 'native' },
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
