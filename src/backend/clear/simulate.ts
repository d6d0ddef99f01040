/** `simulate`: a plan in the clear with the errors that ciphertexts have, and what leaves its range. */
import { CipherloomError } from '../../errors.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import { drawNoise } from './draw-noise.ts';
import type { NoiseEvaluator } from './primitive-errors.ts';
import { activationInputs, calibratedResults, countEscapes } from './range-escapes.ts';
import type { RangeEscape } from './range-escapes.ts';
import { runClear } from './run-clear.ts';
import type { ClearTensors, RunClearOptions } from './run-clear.ts';

export interface SimulateOptions extends Omit<RunClearOptions, 'noise' | 'observe' | 'watch'> {
  /** Default 1. The same seed gives the same results on every machine. */
  readonly seed?: number;
  /** Whose errors; default native. They differ in key switches. */
  readonly evaluator?: NoiseEvaluator;
  /** False: only the escapes are of interest, and the outputs are exact. */
  readonly noisy?: boolean;
  /**
   * Nodes whose inputs are held against their ranges: those of approximated activations. Absent: the
   * results of all nodes are, where calibration bounds them.
   */
  readonly activations?: readonly (string | null)[];
}

export interface Simulation {
  /** By output, one array an image, before the client's postprocessing. */
  readonly outputs: Map<string, Float64Array<ArrayBuffer>[]>;
  readonly escapes: readonly RangeEscape[];
  /** Images that leave any of the ranges: on ciphertexts their values may wrap modulo Q. */
  readonly escapedImages: number;
}

/**
 * Run a prepared plan on images with the errors of encryption, encoding, rescaling and key switching,
 * all under one secret that the seed draws.
 *
 * Shapes: each input [images][elements]; outputs likewise. Cost: some three times `runClear`.
 * Throws INPUT_INVALID as `runClear` does.
 */
export async function simulate(
  prepared: PreparedProgram,
  inputs: ClearTensors,
  { seed = 1, evaluator = 'native', noisy = true, activations, ...options }: SimulateOptions = {},
): Promise<Simulation> {
  const { program } = prepared;
  if (program.modulus === null) {
    throw new CipherloomError('PLAN_INVALID', 'the program has no modulus');
  }
  const watched =
    activations === undefined ? calibratedResults(program) : activationInputs(program, activations);
  const from = activations === undefined ? 'magnitude' : 'range';
  const counter = countEscapes(program, watched, from);
  const outputs = await runClear(prepared, inputs, {
    ...options,
    noise: noisy ? drawNoise(program.modulus, { evaluator, seed }) : undefined,
    watch: new Set(watched.values()),
    observe: (id, images) => {
      for (const [node, input] of watched) if (input === id) counter.count(node, images);
    },
  });
  return { outputs, escapes: counter.result(), escapedImages: counter.escapedImages().size };
}
