/** How many images of a batch one execution holds: the number with which the whole batch is done soonest. */
import { programSeconds } from './backend/cost/program-seconds.ts';
import { prepareProgram } from './backend/execute/prepare-program.ts';
import { leastBytes, nativeMemory } from './backend/native/native-memory.ts';
import { CipherloomError } from './errors.ts';
import { ciphertextOf } from './ir/ckks/values.ts';
import { operationOf } from './ir/program.ts';
import type { Program } from './ir/program.ts';
import { batchSize } from './layout/layout.ts';
import { keptConstantBytes, profileOf } from './passes/cost/profile.ts';
import type { CompileOptions } from './passes/options.ts';
import { WorkExceeded } from './passes/work-budget.ts';

/** Where smaller executions take so many times as long as the best, smaller ones still are not tried. */
const hopeless = 1.5;
/** A smaller execution is taken for a gain, not for a tie. */
const worthIt = 0.97;
/** A ring of half the slots holds half of a batch that fills it. */
const leastFull = 2048;
/** Times fewer images from one try to the next: layouts differ by powers of two. */
const fewer = 8;

interface Try<T> {
  readonly lowered: T;
  /** Modelled, of all images of the batch. */
  readonly seconds: number;
  /** Whether an evaluator can hold it, keeping no constants. */
  readonly fits: boolean;
}

/**
 * Lower a model for a batch, or for executions of a part of it, one after the other.
 *
 * `lower` is called with the numbers of images to try, the whole batch (null: as many as there are
 * slots) first; executions that the memory budget does not hold lose to those it does. Bounded: at
 * most seven tries, ended as soon as one is far worse than the best. Throws what `lower` throws for
 * the whole batch.
 */
export async function shareBatch<T extends { readonly program: Program }>(
  options: CompileOptions,
  lower: (batch: number | null) => T,
): Promise<T> {
  const whole = lower(options.batch);
  const images = options.batch ?? batchOfProgram(whole.program);
  let best = await price(whole, images, options);
  for (const batch of partsOf(images)) {
    let found: Try<T>;
    try {
      found = await price(lower(batch), images, options);
    } catch (error) {
      // Too little precision left, or no work: what is there will do.
      if (error instanceof CipherloomError || error instanceof WorkExceeded) break;
      throw error;
    }
    if (found.fits && (!best.fits || found.seconds < worthIt * best.seconds)) best = found;
    else if (best.fits && found.seconds > hopeless * best.seconds) break;
  }
  return best.lowered;
}

function partsOf(images: number): number[] {
  const full = 2 ** Math.ceil(Math.log2(images));
  const parts = full / 2 >= leastFull ? [full / 2] : [];
  for (let part = full / fewer; part >= 1; part /= fewer) parts.push(part);
  return parts;
}

function batchOfProgram(program: Program): number {
  return Math.max(
    1,
    ...program.outputs.map(({ value }) =>
      batchSize(ciphertextOf(operationOf(program, value).type).layout),
    ),
  );
}

async function price<T extends { readonly program: Program }>(
  lowered: T,
  images: number,
  options: CompileOptions,
): Promise<Try<T>> {
  const { program } = lowered;
  const prepared = prepareProgram(program);
  const least = leastBytes(nativeMemory(prepared));
  const { native, seal } = await programSeconds(prepared, keptConstantBytes(options, least));
  const { run } = options.target === 'native' ? native : (seal ?? native);
  const executions = Math.ceil(images / batchOfProgram(program));
  const { memoryBytes } = profileOf(options);
  return { lowered, seconds: executions * run, fits: least <= memoryBytes };
}
