/** What every program that measures prints: one line of JSON an operation. */
import { z } from 'zod';

const measurementSchema = z.object({
  library: z.string(),
  version: z.string(),
  /** Instruction set, where a library has a choice. */
  kernel: z.string().optional(),
  /** Parameter set of a primitive, a line of peers/parameters.txt. */
  set: z.string().optional(),
  /** Network of examples/mnist; an operation has a set or a network. */
  network: z.string().optional(),
  operation: z.string(),
  /** `native` where a plan was compiled for the native evaluator alone. */
  target: z.literal('native').optional(),
  threads: z.number().int().positive().optional(),
  /** What the threads had of the processors at the time, in multiples of what one has. */
  processorScaling: z.number().positive().optional(),
  /** Microseconds, of processor time where the system tells it. */
  median: z.number().positive(),
  min: z.number().positive(),
  runs: z.number().int().positive(),
  ringDegree: z.number().int().positive().optional(),
  logQP: z.number().positive().optional(),
  /** As the client sends them. */
  keyBytes: z.number().positive().optional(),
  /** In the memory of the evaluator. */
  residentKeyBytes: z.number().positive().optional(),
  rotationKeys: z.number().int().nonnegative().optional(),
  note: z.string().optional(),
});

export type Measurement = z.infer<typeof measurementSchema>;

/** Read what a program printed; lines that are no JSON objects are progress and are left out. */
export function readMeasurements(text: string): readonly Measurement[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => measurementSchema.parse(JSON.parse(line)));
}

/** Name of a column: the library and what it computes with. */
export function sideOf({ library, kernel, target }: Measurement): string {
  if (target !== undefined) return `${library}, --target ${target}`;
  return kernel === undefined ? library : `${library}, ${kernel}`;
}
